"""Workers over HTTP: who is at work on what, on all machines."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter

from sarau.catalog import workers
from sarau.catalog.workers import Doing
from sarau.pipeline.overview import WorkerLine, overview
from sarau.web.api.context import Owner, Rooms
from sarau.web.api.views import View

router = APIRouter(prefix="/workers", tags=["workers"])


class DoingView(View):
    """A run that a worker is at."""

    track_id: str
    title: str
    stage: str
    progress: float
    """Of the stage, 0 to 1."""


class WorkerView(View):
    """A process that takes runs from queues."""

    id: str
    host: str
    pid: int
    version: str
    cores: int
    concurrency: int
    queues: list[str]
    is_draining: bool
    started_at: datetime
    at_work: int
    silent_s: float
    """Since its last sign of life."""
    doing: list[DoingView]
    """Of the runs it is at, those of tracks that the caller may see."""


class WorkersView(View):
    """The living workers, and the runs that wait and are at work."""

    items: list[WorkerView]
    interactive: int
    """Runs that wait and that somebody waits for."""
    bulk: int
    """Runs that wait and came from a folder, or begin again by themselves."""
    running: int


@router.get("")
def list_workers(rooms: Rooms, owner: Owner) -> WorkersView:
    """List the living workers, what they are at, and how much waits for them."""
    found = overview(rooms.database)
    with rooms.database.read() as connection:
        doing = workers.doings(connection, owner)
    return WorkersView(
        items=[_view(line, doing) for line in found.workers],
        interactive=found.interactive,
        bulk=found.bulk,
        running=found.running,
    )


def _view(line: WorkerLine, doing: Sequence[Doing]) -> WorkerView:
    names = set(WorkerView.model_fields) - {"at_work", "silent_s", "doing"}
    shown = {name: getattr(line.worker, name) for name in names}
    own = [DoingView.model_validate(one) for one in doing if one.worker_id == line.worker.id]
    return WorkerView(**shown, at_work=line.at_work, silent_s=line.silent_s, doing=own)

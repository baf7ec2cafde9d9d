"""Workers over HTTP: who is at work on what, on all machines."""

from datetime import datetime

from fastapi import APIRouter

from sarau.pipeline.overview import WorkerLine, overview
from sarau.web.api.context import Owner, Rooms
from sarau.web.api.views import View

router = APIRouter(prefix="/workers", tags=["workers"])


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


class WorkersView(View):
    """The living workers, and the runs that wait and are at work."""

    items: list[WorkerView]
    interactive: int
    """Runs that wait and that somebody waits for."""
    bulk: int
    """Runs that wait and came from a folder, or begin again by themselves."""
    running: int


@router.get("")
def list_workers(rooms: Rooms, _owner: Owner) -> WorkersView:
    """List the living workers and how much waits for them."""
    found = overview(rooms.database)
    return WorkersView(
        items=[_view(line) for line in found.workers],
        interactive=found.interactive,
        bulk=found.bulk,
        running=found.running,
    )


def _view(line: WorkerLine) -> WorkerView:
    names = set(WorkerView.model_fields) - {"at_work", "silent_s"}
    shown = {name: getattr(line.worker, name) for name in names}
    return WorkerView(**shown, at_work=line.at_work, silent_s=line.silent_s)

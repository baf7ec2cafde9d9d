"""Whether the server is alive, whether it can take uploads, and what else is wrong.

`not_ready`: uploads cannot be taken, send them elsewhere. `degraded`: they are taken
and kept, and something must be mended before they are processed.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from sarau.app import App, describe
from sarau.catalog import figures, objects, volumes
from sarau.errors import FailedCode, FailedError, SarauError
from sarau.model.clock import now
from sarau.model.messages import message
from sarau.pipeline.overview import worker_lines
from sarau.web.places import Places

Check = dict[str, Any]

_KEEP_S: Final = 1.0
STUCK_AFTER: Final = timedelta(minutes=10)
_FOR_EXPERTS: Final = frozenset({"detail", "mount_point", "last_sync_error"})
_NEEDED: Final = frozenset({"database", "intake", "library"})
_UNUSED: Final[Check] = {"ok": True, "used": False}


class Readiness:
    """What `look` finds, for everybody who asks: anybody may, and many may at once.

    One thread looks, so a part that hangs takes no other; what it found is told for a second.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._places = Places(app.places)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._looking: asyncio.Future[tuple[str, dict[str, Check]]] | None = None
        self._kept_until = 0.0

    async def ask(self) -> tuple[str, dict[str, Check]]:
        """Return what `look` returns; it is everybody's, and not to be changed."""
        looking = self._looking
        if looking is None or (looking.done() and time.monotonic() > self._kept_until):
            looking = self._looking = asyncio.wrap_future(self._thread.submit(self._look))
        return await asyncio.shield(looking)

    def _look(self) -> tuple[str, dict[str, Check]]:
        try:
            return look(self._app, self._places)
        finally:
            self._kept_until = time.monotonic() + _KEEP_S


def look(app: App, places: Places) -> tuple[str, dict[str, Check]]:
    """Return `ready`, `degraded` or `not_ready`, and each part's state.

    A part that is not `ok` has a `code` for programs and, where there is more to say, a
    `detail` for experts.
    """
    checks: dict[str, Check] = {"database": _try(lambda: _database(app))}
    sync_errors = _sync_errors(app) if checks["database"]["ok"] else {}
    for role, status in places.look().items():
        checks[role] = describe(status, sync_errors.get(role))
    if checks["database"]["ok"]:
        with_damage = _try(lambda: _damage(app))
        checks["library"] |= {key: value for key, value in with_damage.items() if key != "ok"}
        checks["queue"] = _try(lambda: _queue(app))
        checks["worker"] = _try(lambda: _worker(app))
    # What is not used here is said, too: nobody has to guess why a line is missing.
    checks["engine"] = _try(app.engine.check) if app.engine is not None else dict(_UNUSED)
    checks["scanner"] = _try(app.scanner.version) if app.scanner is not None else dict(_UNUSED)
    wrong = {name for name, check in checks.items() if not check["ok"]}
    if wrong & _NEEDED:
        return "not_ready", checks
    return ("degraded" if wrong else "ready"), checks


def worded(checks: dict[str, Check], language: str) -> dict[str, Check]:
    """Return the checks with a `message` in `language` for each part that is not `ok`."""
    return {
        name: check if check["ok"] else {**check, "message": message(check["code"], language)}
        for name, check in checks.items()
    }


def without_details(checks: dict[str, Check]) -> dict[str, Check]:
    """Return what a stranger may see: details name paths, hosts and users."""
    return {
        name: {key: value for key, value in check.items() if key not in _FOR_EXPERTS}
        for name, check in checks.items()
    }


def _try(look: Callable[[], object]) -> Check:
    """Call `look`, which returns more about a part or raises what is wrong with it."""
    try:
        more = look()
    except SarauError as error:
        return {"ok": False, "code": error.code, "detail": error.detail}
    return {"ok": True, **(more if isinstance(more, dict) else {})}


def _sync_errors(app: App) -> dict[str, volumes.SyncError]:
    try:
        with app.database.read() as connection:
            return volumes.last_sync_errors(connection)
    except FailedError:
        return {}  # a database that goes away at this moment is told by the next look


def _database(app: App) -> None:
    with app.database.read() as connection:
        connection.execute(sa.select(1))


def _damage(app: App) -> dict[str, int]:
    """Return what the scrub has found; it is reported, and does not stop uploads."""
    with app.database.read() as connection:
        return {"damaged_objects": objects.count_damaged(connection)}


def _worker(app: App) -> dict[str, int]:
    """Look whether any machine works on runs.

    Raises:
        FailedError: `worker_missing`.

    """
    at_work = [one.at_work for one in worker_lines(app.database) if one.worker.concurrency]
    if not at_work:
        raise FailedError(FailedCode.WORKER_MISSING, "no worker has a pulse")
    return {"living": len(at_work), "at_work": sum(at_work)}


def _queue(app: App) -> dict[str, int]:
    """Look whether runs wait long while none is moving.

    Raises:
        FailedError: `queue_stuck`.

    """
    with app.database.read() as connection:
        found = figures.movement(connection)
    since = now() - STUCK_AFTER
    has_waited = found.oldest_at is not None and found.oldest_at < since
    if has_waited and (found.moved_at is None or found.moved_at < since):
        raise FailedError(
            FailedCode.QUEUE_STUCK, f"{found.queued} runs wait, the oldest since {found.oldest_at}"
        )
    return {"queued": found.queued, "running": found.running}

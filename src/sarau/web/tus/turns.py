"""Who may touch an upload: the newest request wins.

A client that lost its connection comes back before the server has noticed the loss.
So a newer request tells the holder to stop, and waits for it to acknowledge what
arrived. A holder in another server process is told through the catalog.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from sarau.errors import FailedError, RefusedCode, RefusedError
from sarau.intake import Intake
from sarau.model.ids import UploadId
from sarau.observe import figures
from sarau.web.stop import Stop
from sarau.web.threads import in_thread

WAIT_S = 5.0
_LOOK_S = 0.25
_ASK_AGAIN_S = 0.5

Result = TypeVar("Result")


class _Line:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0
        self.stops: list[Stop] = []


class _Held:
    """A request that is receiving; `seen` is the newest wish known, once one was looked for."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.looked = False
        self.seen: str | None = None

    def look(self, wanted_by: str | None) -> None:
        # A wish may be older than this request, so the first look only remembers it;
        # whoever still waits asks again.
        if self.looked and wanted_by != self.seen:
            figures.uploads_preempted.inc(not self.stop.requested)
            self.stop.request()
        self.looked, self.seen = True, wanted_by


class Turns:
    """The requests of this process, in line for the uploads they name."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._lines: dict[str, _Line] = {}
        self._held: dict[UploadId, _Held] = {}
        self._looking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def take(self, upload_id: str) -> AsyncIterator[Stop]:
        """Wait for the turn; what it yields is requested when a newer request comes.

        Raises:
            RefusedError: `upload_locked`, when the holder does not let go in time.

        """
        line = self._lines.setdefault(upload_id, _Line())
        stop = Stop()
        for older in line.stops:
            figures.uploads_preempted.inc(not older.requested)
            older.request()
        line.stops.append(stop)
        try:
            try:
                await asyncio.wait_for(line.lock.acquire(), WAIT_S)
            except TimeoutError:
                raise RefusedError(RefusedCode.UPLOAD_LOCKED, "it is held") from None
            try:
                yield stop
            finally:
                line.lock.release()
        finally:
            line.stops.remove(stop)
            if not line.stops:
                self._lines.pop(upload_id, None)

    async def unlocked(self, upload_id: UploadId, work: Callable[[], Result]) -> Result:
        """Run `work`, which refuses with `upload_locked` while another process holds the upload.

        Raises:
            RefusedError: `upload_locked`, when that process does not let go in time.

        """
        loop = asyncio.get_running_loop()
        deadline, ask_at = loop.time() + WAIT_S, 0.0
        while True:
            try:
                return await in_thread(work)
            except RefusedError as error:
                if error.code is not RefusedCode.UPLOAD_LOCKED or loop.time() > deadline:
                    raise
            if loop.time() >= ask_at:
                await in_thread(lambda: self._intake.ask_to_let_go(upload_id))
                ask_at = loop.time() + _ASK_AGAIN_S
            await asyncio.sleep(0.02)

    async def watched(self, upload_id: UploadId, stop: Stop, work: Awaitable[Result]) -> Result:
        """Await `work`, and request `stop` when another process wants the upload."""
        self._held[upload_id] = _Held(stop)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            return await work
        finally:
            self._held.pop(upload_id, None)

    async def _look(self) -> None:
        while self._held:
            await asyncio.sleep(_LOOK_S)
            held = dict(self._held)
            with suppress(FailedError):  # a database that is away is noticed by the commit
                wanted = await in_thread(partial(self._intake.wanted, list(held)))
                for upload_id, holder in held.items():
                    holder.look(wanted.get(upload_id))

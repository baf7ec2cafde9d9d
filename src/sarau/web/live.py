"""Live events: one look at the database for everybody who is listening.

The record is in the database, so what another process writes is seen too; a commit
of this process wakes the loop at once, other processes' are seen within the pause.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sarau.catalog import Database, events, runs
from sarau.catalog.events import Event
from sarau.errors import FailedError
from sarau.model.clock import now
from sarau.model.ids import UserId
from sarau.model.track import Run

_logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_PAUSE_S = 0.5
_BATCH = 500
_QUEUE = 1000
"""A listener that falls further behind is let go; it comes back with its last number."""


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell: an event of the record, or a run that moved."""

    event: Event | None = None
    run: Run | None = None

    @property
    def owner_id(self) -> UserId:
        """Return whom it concerns."""
        if self.event is not None:
            return self.event.owner_id
        if self.run is not None:
            return self.run.owner_id
        raise ValueError("no news")


class Live:
    """Reads what is new while anybody listens, and hands it out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[asyncio.Queue[News | None], UserId] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._following = asyncio.Event()
        """Set while everything newer than `_number` will be handed out."""
        self._number = 0
        self._moment = now()
        # The loop's own threads are everybody's, and may all wait for something that hangs.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="live")

    async def run(self) -> None:
        """Hand out news until cancelled; a database that is away is asked again."""
        self._loop = asyncio.get_running_loop()
        self._database.on_commit(self._commit_seen)
        while True:
            await self._wake_of_listener()
            try:
                await self._follow_record()
            except FailedError as error:
                _logger.warning("live events have to wait: %s", error)
                await asyncio.sleep(_PAUSE_S)

    async def _follow_record(self) -> None:
        """Hand out what is new for as long as anybody listens."""
        if not self._following.is_set():
            self._number = await self._in_thread(self._last_number)
            self._moment = now()
            self._following.set()
        while self._listeners:
            self._wake.clear()
            for news in await self._in_thread(self._look):
                self._hand_out(news)
            await self._pause()
        self._following.clear()

    async def _in_thread(self, read: Callable[..., Result], *arguments: object) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(read, *arguments))

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_PAUSE_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _wake_of_listener(self) -> None:
        while not self._listeners:
            self._wake.clear()
            await self._wake.wait()

    def _commit_seen(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def _last_number(self) -> int:
        with self._database.read() as connection:
            return events.last_number(connection)

    def _look(self) -> list[News]:
        with self._database.read() as connection:
            new = events.after(connection, self._number, limit=_BATCH)
            moved = runs.moving(connection, self._moment)
        if new:
            self._number = new[-1].number
        self._moment = max([self._moment, *(run.progress_at for run in moved if run.progress_at)])
        return [News(event=event) for event in new] + [News(run=run) for run in moved]

    def _hand_out(self, news: News) -> None:
        for queue, owner_id in list(self._listeners.items()):
            if owner_id != news.owner_id:
                continue
            if queue.qsize() < _QUEUE:
                queue.put_nowait(news)
            else:
                # What it has it may still tell: the number it comes back with is the last of it.
                del self._listeners[queue]
                queue.put_nowait(None)

    @asynccontextmanager
    async def listen(
        self, owner_id: UserId, after: int | None
    ) -> AsyncIterator[AsyncIterator[News]]:
        """Give the events after a number, then everything new, until the block ends."""
        queue: asyncio.Queue[News | None] = asyncio.Queue()
        self._listeners[queue] = owner_id
        self._wake.set()
        try:
            yield self._follow(queue, owner_id, after)
        finally:
            self._listeners.pop(queue, None)

    async def _follow(
        self, queue: asyncio.Queue[News | None], owner_id: UserId, after: int | None
    ) -> AsyncIterator[News]:
        # What is older than the loop's place is read here, what is newer comes by the queue.
        # Read before the loop has its place, something between the two would be lost.
        await self._following.wait()
        told = after if after is not None else await self._in_thread(self._last_number)
        while past := await self._in_thread(self._past, owner_id, told):
            for event in past:
                told = event.number
                yield News(event=event)
        while (news := await queue.get()) is not None:
            if news.event is None or news.event.number > told:
                yield news

    def _past(self, owner_id: UserId, after: int) -> list[Event]:
        with self._database.read() as connection:
            return events.after(connection, after, owner_id=owner_id, limit=_BATCH)

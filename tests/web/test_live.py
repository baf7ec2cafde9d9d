"""Listeners miss nothing, also what is committed while they come."""

import asyncio
import threading

import pytest

from sarau.catalog import Database, events
from sarau.catalog.events import Event
from sarau.model.ids import LOCAL_USER_ID, UserId
from sarau.web.live import Live


def test_an_event_between_the_past_and_the_present_is_told(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(sqlite_database)
    past_was_read = threading.Event()
    read_past, last_number = live._past, live._last_number

    def past(owner_id: UserId, after: int) -> list[Event]:
        found = read_past(owner_id, after)
        past_was_read.set()
        return found

    def take_place() -> int:
        past_was_read.wait(timeout=1)  # a listener that reads too early is done by now
        with sqlite_database.write() as connection:
            events.record(connection, "track.created", owner_id=LOCAL_USER_ID)
        return last_number()

    monkeypatch.setattr(live, "_past", past)
    monkeypatch.setattr(live, "_last_number", take_place)

    async def listen() -> int | None:
        task = asyncio.create_task(live.run())
        await asyncio.sleep(0.1)
        async with live.listen(LOCAL_USER_ID, 0) as news, asyncio.timeout(10):
            first = await anext(news)
        task.cancel()
        return first.event.number if first.event else None

    assert asyncio.run(listen()) == 1

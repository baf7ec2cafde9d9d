"""Listeners miss nothing, also what is committed while they come."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sarau.catalog import Database, events
from sarau.catalog.events import Event
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID, UserId
from sarau.web import live as live_module
from sarau.web.live import Live, News


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


def test_a_listener_that_is_let_go_was_told_everything_before_the_number_it_comes_back_with(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "_QUEUE", 3)
    live = Live(sqlite_database)
    live._following.set()

    async def listen() -> list[int]:
        async with live.listen(LOCAL_USER_ID, 0) as news:
            for number in range(1, 6):
                event = Event(number, now(), LOCAL_USER_ID, "track.created", None, None, None, {})
                live._hand_out(News(event=event))
            return [one.event.number async for one in news if one.event]

    assert asyncio.run(listen()) == [1, 2, 3]


def test_whoever_waits_for_something_that_hangs_keeps_no_news_back(
    sqlite_database: Database,
) -> None:
    live = Live(sqlite_database)
    let_go = threading.Event()
    with sqlite_database.write() as connection:
        events.record(connection, "track.created", owner_id=LOCAL_USER_ID)

    async def listen() -> int | None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        hanging = asyncio.create_task(asyncio.to_thread(let_go.wait))
        task = asyncio.create_task(live.run())
        try:
            async with live.listen(LOCAL_USER_ID, 0) as news, asyncio.timeout(10):
                first = await anext(news)
        finally:
            let_go.set()
            task.cancel()
            await hanging
        return first.event.number if first.event else None

    assert asyncio.run(listen()) == 1

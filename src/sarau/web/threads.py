"""Worker threads for what blocks on a disk or the database."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

_threads = ThreadPoolExecutor(32, thread_name_prefix="upload")

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run `work`, which blocks on a disk or the database, in a worker thread.

    A request is cancelled only when the server shuts down. Then this waits for the
    thread all the same: what it holds must not be touched by two.
    """
    # A thread's log lines belong to the request too.
    return await ended(_threads.submit(contextvars.copy_context().run, work))


async def ended(running: Future[Result], *, hurry: Callable[[], None] = lambda: None) -> Result:
    """Return what came of work in a thread; on a shutdown `hurry` it, and wait all the same."""
    try:
        return await asyncio.wrap_future(running)
    except asyncio.CancelledError:
        hurry()
        wait([running])
        raise

"""Threads for bytes that come from a library far away, which may hang: nobody else needs these.

The framework has forty threads for all its routes. With a bucket that hangs, so many listeners
would have kept everything else from being answered.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from starlette.concurrency import run_in_threadpool

from sarau.delivery import Deliverable

_MOST: Final = 16
"""As many connections to S3 are kept open. Who comes later waits."""
_limiter: RunVar[CapacityLimiter] = RunVar("fetching")

Result = TypeVar("Result")


async def fetch(work: Callable[[], Result]) -> Result:
    """Run `work`, which may wait for the library, in a thread of these."""
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(_MOST)
        _limiter.set(limiter)
    return await to_thread.run_sync(work, limiter=limiter)


async def open_bytes(found: Deliverable, work: Callable[[], Result]) -> Result:
    """Run `work`, which opens the bytes of `found`; what is here waits for nothing far away."""
    if await run_in_threadpool(found.is_near):
        return await run_in_threadpool(work)
    return await fetch(work)


async def fetch_each(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what an iterator yields that may wait for the library."""
    while (piece := await fetch(lambda: next(pieces, None))) is not None:
        yield piece

"""Threads for the library's bytes, which may hang as its disk or bucket does: nobody else's.

The framework has forty threads for all its routes. With a bucket or an NFS server that hangs,
so many listeners would have kept everything else from being answered.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from sarau.delivery import Deliverable

Result = TypeVar("Result")


class _Threads:
    """So many threads, of whichever event loop asks for them. Who comes later waits."""

    def __init__(self, name: str, most: int) -> None:
        self.most: Final = most
        self._limiter: RunVar[CapacityLimiter] = RunVar(name)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work`, which may wait, in one of these."""
        try:
            limiter = self._limiter.get()
        except LookupError:
            limiter = CapacityLimiter(self.most)
            self._limiter.set(limiter)
        return await to_thread.run_sync(work, limiter=limiter)

    async def each(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield what an iterator yields that may wait."""
        while (piece := await self.run(lambda: next(pieces, None))) is not None:
            yield piece


FAR: Final = _Threads("far", 16)
"""For what waits for S3: as many connections to it are kept open."""
NEAR: Final = _Threads("near", 40)
"""For what waits for a disk: as many as the framework has for everything else."""


async def open_bytes(found: Deliverable, work: Callable[[], Result]) -> Result:
    """Run `work`, which opens the bytes of `found`; what is here waits for nothing far away."""
    threads = NEAR if await NEAR.run(found.is_near) else FAR
    return await threads.run(work)

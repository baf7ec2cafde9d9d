"""The engine of a command that works on files by itself."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sarau.audio import Engine


@contextlib.contextmanager
def started(jobs: int | None) -> "Iterator[tuple[Engine, int]]":
    """Start an engine; tell how many files to work on at once: `jobs`, or as is set.

    It gets ready in a process of its own, which is started before anything else is loaded:
    whoever waits for the first file waits for the slower of the two and not for both.
    """
    from sarau.audio.zygote import Zygote  # noqa: PLC0415 - light

    with contextlib.closing(Zygote()) as zygote:
        from sarau import settings  # noqa: PLC0415 - heavy
        from sarau.audio import Engine, SandboxMode  # noqa: PLC0415 - heavy

        found = settings.load(workers=jobs)
        with Engine(sandbox=SandboxMode(found.sandbox), zygote=zygote) as engine:
            yield engine, found.worker_count

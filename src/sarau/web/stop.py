"""A request to stop, made to whoever is waiting for a client's bytes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stop:
    """Requested once and for good, by the event loop; tells those who wait at once."""

    def __init__(self) -> None:
        self.requested = False
        self._calls: list[Callable[[], None]] = []

    def request(self) -> None:
        """Ask to stop."""
        self.requested = True
        for call in self._calls:
            call()

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """Have `call` called when the stop is requested, at once if it was already."""
        self._calls.append(call)
        try:
            if self.requested:
                call()
            yield
        finally:
            self._calls.remove(call)

"""A thread that goes round for as long as the process lives: the watch and the caretaker."""

import threading
from collections.abc import Callable


class Rounds:
    """Calls `go` again and again, each time after a pause.

    Args:
        name: Of the thread.
        go: One round; it handles its own errors and returns the pause after it, in seconds.
        pause_s: Before the first round.

    """

    def __init__(self, name: str, go: Callable[[], float], *, pause_s: float) -> None:
        self._go = go
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Tell whether a long round should end early."""
        return self._stop.is_set()

    def start(self) -> None:
        """Begin with the first pause."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for the round at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause_s = self._pause_s
        while not self._stop.wait(pause_s):
            pause_s = self._go()

"""A thread that goes round for as long as the process lives: the watch and the caretaker."""

import threading
import time
from collections.abc import Callable, Mapping

Task = Callable[[], object]


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


class Timetable:
    """Tasks that are done every so many seconds, each as often as it is worth.

    Args:
        every_s: The tasks in the order in which they are done. All are due at first.

    """

    def __init__(self, every_s: Mapping[Task, float]) -> None:
        self._every_s = every_s
        self._due_at = dict.fromkeys(every_s, float("-inf"))

    def due(self) -> list[Task]:
        """Return what has to be done now, and take it for done."""
        at = time.monotonic()
        found = [task for task, due_at in self._due_at.items() if at >= due_at]
        self._due_at |= {task: at + self._every_s[task] for task in found}
        return found

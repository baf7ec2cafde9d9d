"""Progress bars on a terminal; nothing in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console

from sarau.cli.exits import language
from sarau.cli.names import shown
from sarau.cli.terminal_text import said

Report = Callable[[float], None]
"""Takes the fraction of a file that is done, 0 to 1."""


class Progress:
    """One bar for all files and one for each file at work."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeRemainingColumn(),
            console=console,
            disable=not sys.stderr.isatty(),
            transient=True,
            # Else what is printed into a file would go to the terminal.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._found = 0
        self._all = self._bars.add_task(said("files", language()), total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def expect_one(self) -> None:
        """Count one more file as found."""
        self._found += 1
        self._bars.update(self._all, total=self._found)

    def finish_one(self) -> None:
        """Count one file as done."""
        self._bars.advance(self._all)

    @contextmanager
    def file(self, name: str) -> Iterator[Report]:
        """Show a bar for a file and give the function that moves it (0 to 1)."""
        bar = self._bars.add_task(shown(name), total=1.0)
        try:
            yield lambda fraction: self._bars.update(bar, completed=fraction)
        finally:
            self._bars.remove_task(bar)

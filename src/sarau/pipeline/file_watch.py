"""Noticing that another process has written to the SQLite file."""

import logging
import sqlite3
from pathlib import Path

from sarau.intake.rounds import Rounds
from sarau.pipeline.bell import Bell

_LOOK_S = 0.1

_logger = logging.getLogger(__name__)


class FileWatch:
    """A thread that rings when somebody has committed, which SQLite tells in microseconds."""

    def __init__(self, path: Path, bell: Bell) -> None:
        self._bell = bell
        # Nobody waits for a writer: the next look comes soon.
        self._connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
        self._version: int | None = None
        self._rounds = Rounds("file-watch", self._look, pause_s=0.0)

    def start(self) -> None:
        """Begin to watch."""
        self._rounds.start()

    def close(self) -> None:
        """Stop."""
        self._rounds.close()
        self._connection.close()

    def _look(self) -> float:
        try:
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            # Somebody holds the file, and then will have changed it.
            _logger.debug("the file was not looked at: %s", error)
            return _LOOK_S
        if version != self._version:
            self._version = version
            self._bell.trust(is_trusted=True)
            self._bell.ring_for_all()
        return _LOOK_S

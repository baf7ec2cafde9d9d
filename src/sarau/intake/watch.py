"""The watched folder: a thread that looks at it for as long as the process lives."""

import logging
import time
from pathlib import Path

from sarau.catalog import Database
from sarau.errors import RefusedCode, RefusedError, SarauError
from sarau.intake.folder import Folder
from sarau.intake.importing import Importer, StoppedError
from sarau.intake.intake import Intake
from sarau.intake.rounds import Rounds
from sarau.intake.settling import Settled
from sarau.intake.stable import Stability
from sarau.intake.sweep import Kind, Result, Sweep
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.original import After
from sarau.storage import Volume

_PAUSE_S = 2.0
_REST = 20
"""A look is followed by a pause this many times as long: a huge folder costs 5 % of a core."""

_logger = logging.getLogger(__name__)


def check_place(root: Path, *volumes: Volume) -> None:
    """Refuse a folder of which Sarau itself is the one that writes into it.

    Raises:
        RefusedError: `invalid_request`.

    """
    place = root.resolve()
    for volume in volumes:
        home = volume.root.resolve()
        ours = [home / "uploads", home / "quarantine"] if volume.role == "intake" else [home]
        if place == home or any(place.is_relative_to(one) for one in ours):
            raise RefusedError(RefusedCode.INVALID_REQUEST, f"{root} holds Sarau's own files")
    if not place.is_dir():
        raise RefusedError(RefusedCode.INVALID_REQUEST, f"{root} is not a directory")


class Watcher:
    """Takes in what is put into a folder. Several processes may watch the same one.

    Args:
        database: The catalog.
        intake: Where files are copied to.
        root: The folder.
        after: What becomes of originals.
        stable_s: How long a file must not have changed.

    """

    def __init__(
        self, database: Database, intake: Intake, root: Path, *, after: After, stable_s: float
    ) -> None:
        importer = Importer(
            database, intake, owner_id=LOCAL_USER_ID, is_stopping=lambda: self._rounds.is_stopping
        )
        self._sweep = Sweep(importer, Folder(root), after=after, stability=Stability(stable_s))
        self._pause_s = min(_PAUSE_S, stable_s / 2)
        self._said: set[str] = set()
        self._said_before: set[str] = set()
        self._rounds = Rounds("watcher", self._go_round, pause_s=self._pause_s)

    def start(self) -> None:
        """Begin to look."""
        self._rounds.start()

    def close(self) -> None:
        """Stop; a copy at work is continued by the next process."""
        self._rounds.close()

    def _go_round(self) -> float:
        return max(self._pause_s, self._look() * _REST)

    def _look(self) -> float:
        """Look once; return how much of a core looking took, in seconds, without the copies."""
        began = time.thread_time()
        self._said_before, self._said = self._said, set()
        try:
            for result in self._sweep.run():
                self._tell(result)
        except StoppedError:
            return 0.0
        except (SarauError, OSError) as error:
            self._warn(f"the watched folder has to wait: {error}")
        except Exception as error:
            # The watch must outlive whatever one file does to it.
            _logger.exception("looking at the watched folder failed")
            self._warn(repr(error))
        return time.thread_time() - began

    def _tell(self, result: Result) -> None:
        if result.kind is Kind.RECEIVED:
            _logger.info("received %s as track %s", result.path, result.track_id)
        elif result.settled in {Settled.MOVED, Settled.DELETED}:
            _logger.info("%s %s", result.settled, result.path)
        if result.kind in {Kind.REFUSED, Kind.UNREADABLE}:
            self._warn(f"{result.path}: {result.kind}: {result.error or result.detail}")
        elif result.kind is Kind.HERE and result.detail:
            self._warn(f"{result.path} stays where it is: {result.detail}")

    def _warn(self, text: str) -> None:
        """Say something, unless the last look has said it."""
        self._said.add(text)
        if text not in self._said_before:
            _logger.warning("%s", text)

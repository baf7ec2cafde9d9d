"""One look at a whole folder: what is whole is taken, what is dealt with is settled."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from unicodedata import normalize

from sarau.catalog import events
from sarau.catalog.imports import Taken
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError, SarauError
from sarau.intake.folder import Folder, Original
from sarau.intake.importing import Importer, NotStillError, Report
from sarau.intake.settling import Settled, move_refused, settle
from sarau.intake.stable import Stability
from sarau.model.ids import LOCAL_USER_ID, TrackId
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.original import After, Identity
from sarau.model.preset import DEFAULT_PRESET, PRESETS

_BATCH = 200
_WORKERS = 16
"""Copies at once: they share the flushes of their commits."""
_COMES_BACK = frozenset(
    {RefusedCode.UPLOAD_LOCKED, RefusedCode.UPLOAD_GONE, RefusedCode.WRONG_STATE}
)


class Kind(StrEnum):
    """What was found of an original in one look."""

    RECEIVED = "received"
    HERE = "here"
    """It was received by an earlier look."""
    ENDED = "ended"
    """A person cancelled it while it was being received: it is not begun again."""
    WAITING = "waiting"
    """It is being written, or another process is taking it."""
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Result:
    """What one look found of one original, or of a folder that cannot be read."""

    path: str
    kind: Kind
    track_id: TrackId | None = None
    settled: Settled = Settled.KEPT
    error: SarauError | None = None
    detail: str | None = None
    identity: Identity | None = None


class Sweep:
    """Looks at a folder again and again; one thread calls it.

    Args:
        importer: Takes files in.
        folder: What is looked at.
        after: What becomes of originals.
        stability: When a file is whole.
        preset: Of every file; otherwise it is named by the first folder of its path.
        show: Shows that a file is being copied, and how far.

    """

    def __init__(
        self,
        importer: Importer,
        folder: Folder,
        *,
        after: After,
        stability: Stability,
        preset: str | None = None,
        show: Callable[[Original], AbstractContextManager[Report]] | None = None,
    ) -> None:
        self._importer = importer
        self._folder = folder
        self._after = after
        self._stability = stability
        self._preset = preset
        self._show = show or (lambda _original: nullcontext(lambda _bytes: None))
        self._own_presets: frozenset[str] = frozenset()
        self._over: set[Identity] = set()
        self._troubles: set[str] = set()

    def run(self) -> Iterator[Result]:
        """Look once, and give what is new: an unreadable file is told of once.

        Raises:
            OSError: The folder itself cannot be read.
            FailedError: Our own trouble; the next look goes on.
            StoppedError: The process is about to end.

        """
        troubles: list[Result] = []
        self._own_presets = self._importer.own_presets()
        fresh, young = self._find(troubles)
        yield from troubles
        yield from young
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="import") as pool:
            for start in range(0, len(fresh), _BATCH):
                batch = fresh[start : start + _BATCH]
                for result in self._work(pool, batch):
                    self._remember(result)
                    yield result

    def _find(self, troubles: list[Result]) -> tuple[list[Original], list[Result]]:
        """Return what has to be dealt with now, and what is too young."""

        def on_trouble(path: str, error: OSError) -> None:
            if path not in self._troubles:
                self._troubles.add(path)
                troubles.append(Result(path, Kind.UNREADABLE, detail=str(error)))

        self._stability.begin()
        half = self._importer.half_taken()
        fresh: list[Original] = []
        young: list[Result] = []
        still_over: set[Identity] = set()
        for original in self._folder.scan(on_trouble):
            identity = original.identity
            if identity in self._over:
                still_over.add(identity)
                continue
            begun = half.get((identity.device, identity.inode))
            if begun is not None and not begun.identity.is_like(identity):
                self._importer.forget(begun)  # it was written to after its copy was begun
            if self._stability.is_still(original.parts, identity):
                fresh.append(original)
            else:
                young.append(Result(original.path, Kind.WAITING, detail="it was just changed"))
        self._over = still_over
        return fresh, young

    def _work(self, pool: ThreadPoolExecutor, batch: Sequence[Original]) -> Iterator[Result]:
        known = self._importer.recall(self._folder, batch)
        results = pool.map(lambda original: self._one(original, known.get(original)), batch)
        for original, result in zip(batch, results, strict=True):
            if result is not None:
                yield replace(result, identity=original.identity)

    def _remember(self, result: Result) -> None:
        """Leave alone from now on, until it changes, what nothing more is to be done with."""
        comes_back = result.kind is Kind.WAITING or result.settled is Settled.PENDING
        if result.error is not None and result.error.code is RefusedCode.OUT_OF_SPACE:
            comes_back = True
        if result.identity is not None and not comes_back:
            self._over.add(result.identity)

    def _one(self, original: Original, taken: Taken | None) -> Result | None:
        try:
            return self._deal_with(original, taken)
        except NotStillError as error:
            return Result(original.path, Kind.WAITING, detail=str(error))
        except RefusedError as error:
            return self._refuse(original, error)
        except FailedError as error:
            if error.code is not FailedCode.SOURCE_DAMAGED:
                raise
            return Result(original.path, Kind.WAITING, detail="its copy is damaged: once more")
        except FileNotFoundError:
            return None  # somebody took it away again
        except OSError as error:
            return Result(original.path, Kind.UNREADABLE, detail=str(error))

    def _deal_with(self, original: Original, taken: Taken | None) -> Result:
        if taken is not None and taken.is_whole:
            return self._settle(original, taken)
        if taken is not None and _ended_by_a_person(taken):
            return Result(original.path, Kind.ENDED, taken.track_id)
        with self._show(original) as report:
            upload = self._importer.take(
                self._folder, original, taken, self._preset_of(original), report
            )
        pending = Settled.KEPT if self._after is After.KEEP else Settled.PENDING
        return Result(original.path, Kind.RECEIVED, upload.track_id, pending)

    def _settle(self, original: Original, taken: Taken) -> Result:
        try:
            database = self._importer.database
            settled = settle(database, self._folder, original, taken, self._after)
        except FileNotFoundError:
            raise
        except OSError as error:
            # It is here whole; only its original is in the way, which is said once.
            return Result(original.path, Kind.HERE, taken.track_id, detail=str(error))
        return Result(original.path, Kind.HERE, taken.track_id, settled)

    def _refuse(self, original: Original, error: RefusedError) -> Result:
        """Say why, and put away a file that will never be taken as it is."""
        if error.code in _COMES_BACK:
            return Result(original.path, Kind.WAITING, detail=error.detail)
        refused = Result(original.path, Kind.REFUSED, error=error)
        if error.code is RefusedCode.OUT_OF_SPACE:
            return refused
        with self._importer.database.write() as connection:
            data = {"path": f"{self._folder.root}/{original.path}", "code": str(error.code)}
            events.record(connection, "import.refused", owner_id=LOCAL_USER_ID, data=data)
        if self._after is After.KEEP:
            return refused
        try:
            move_refused(self._folder, original)
        except (OSError, NotStillError) as trouble:
            return replace(refused, detail=str(trouble))
        return replace(refused, settled=Settled.MOVED)

    def _preset_of(self, original: Original) -> str:
        if self._preset is not None:
            return self._preset
        first = Path(original.parts[0]).name if len(original.parts) > 1 else ""
        first = normalize("NFC", first)  # macOS takes letters and their accents apart
        return first if first in PRESETS or first in self._own_presets else DEFAULT_PRESET


def _ended_by_a_person(taken: Taken) -> bool:
    return taken.upload_state is UploadState.DISCARDED and taken.track_state in {
        TrackState.CANCELLED,
        TrackState.DELETED,
    }

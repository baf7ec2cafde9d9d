"""A run that ends while its renditions are stored: nothing is left that nobody knows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.errors import CancelledRunError, FailedCode, FailedError
from sarau.library import DiskLibrary, ObjectRef
from sarau.model.ids import LOCAL_USER_ID, RunId
from sarau.pipeline import caretaker, steps
from sarau.pipeline.outcome import Plain


class InterruptedLibrary(DiskLibrary):
    """A library where something happens before the second file is adopted."""

    def __init__(self, like: DiskLibrary, happen: Callable[[], None]) -> None:
        super().__init__(like.volume)
        self.adopted: list[str] = []
        self._happen = happen

    def adopt(self, path: Path) -> ObjectRef:
        if len(self.adopted) == 1:
            self._happen()
        found = super().adopt(path)
        self.adopted.append(found.sha256)
        return found


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits: not to report, nor to notice, nor for a day."""
    monkeypatch.setattr(steps, "_REPORT_EVERY_S", 0.0)
    monkeypatch.setattr(caretaker, "_NOTICED", timedelta(0))
    monkeypatch.setattr(caretaker, "_KEEP_DELETED", timedelta(0))


def _begin(rooms: Rooms, path: Path) -> tuple[RunId, Plain]:
    run_id = rooms.receive(write_music(path), preset="streaming")
    analysis: Plain = rooms.steps.validate(run_id)["analysis"]
    rooms.steps.store(run_id)
    return run_id, analysis


def _nothing_is_left_but(rooms: Rooms, before: set[str]) -> None:
    assert rooms.objects() > before
    rooms.caretaker.collect()
    assert rooms.objects() == before
    assert rooms.library.work_dirs() == []


def test_of_a_run_that_is_cancelled_between_two_files_all_is_collected(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id, analysis = _begin(rooms, tmp_path / "a.wav")
    before = rooms.objects()

    def cancel() -> None:
        rooms.pipeline.cancel(rooms.run(run_id).track_id, LOCAL_USER_ID)

    library = InterruptedLibrary(rooms.library, cancel)
    with pytest.raises(CancelledRunError):
        replace(rooms.steps, library=library).render(run_id, analysis)
    # The one that was on its way, and no other.
    assert len(library.adopted) == 2
    _nothing_is_left_but(rooms, before)


def test_a_work_directory_that_is_removed_meanwhile_is_no_trouble_of_the_library(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id, analysis = _begin(rooms, tmp_path / "a.wav")
    before = rooms.objects()

    def cancel_and_clean() -> None:
        rooms.pipeline.cancel(rooms.run(run_id).track_id, LOCAL_USER_ID)
        rooms.caretaker.clean_work()

    library = InterruptedLibrary(rooms.library, cancel_and_clean)
    with pytest.raises(FailedError):
        replace(rooms.steps, library=library).render(run_id, analysis)
    assert library.check().ok
    _nothing_is_left_but(rooms, before)


def test_of_a_run_that_fails_between_two_files_all_is_collected(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id, analysis = _begin(rooms, tmp_path / "a.wav")
    before = rooms.objects()

    def fail() -> None:
        raise FailedError(FailedCode.DISK_FULL, "no room here")

    library = InterruptedLibrary(rooms.library, fail)
    with pytest.raises(FailedError, match="no room here"):
        replace(rooms.steps, library=library).render(run_id, analysis)
    assert len(library.adopted) == 1
    _nothing_is_left_but(rooms, before)


def test_of_a_run_that_is_cancelled_before_it_is_published_all_is_collected(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id, analysis = _begin(rooms, tmp_path / "a.wav")
    before = rooms.objects()
    made = rooms.steps.render(run_id, analysis)["renditions"]
    rooms.pipeline.cancel(rooms.run(run_id).track_id, LOCAL_USER_ID)
    with pytest.raises(CancelledRunError):
        rooms.steps.publish(run_id, made)
    _nothing_is_left_but(rooms, before)

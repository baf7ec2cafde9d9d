"""A watched folder: what is put there is taken once, whole, and never lost."""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.nobody import as_nobody

from sarau.catalog import Database, events, imports, tracks, uploads
from sarau.catalog.tables import uploads as uploads_table
from sarau.errors import RefusedCode, RefusedError
from sarau.intake import Intake
from sarau.intake import importing as importing_module
from sarau.intake.folder import Folder
from sarau.intake.importing import Importer
from sarau.intake.settling import Settled
from sarau.intake.stable import Stability, is_being_written
from sarau.intake.sweep import Kind, Result, Sweep
from sarau.intake.watch import check_place
from sarau.model.ids import LOCAL_USER_ID, TrackId
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.original import After, is_audio_name
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.storage import Volume

MIB = 1 << 20


@dataclass
class Drop:
    """A folder with an intake behind it, and what the tests look at."""

    database: Database
    intake: Intake
    root: Path
    stopping: bool = False
    sweeps: dict[After, Sweep] = field(default_factory=dict)

    def put(self, name: str, data: bytes = b"sound", *, age_s: float = 60) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.age(path, age_s)
        return path

    @staticmethod
    def age(path: Path, age_s: float = 60) -> None:
        then = time.time() - age_s
        os.utime(path, (then, then))

    def sweep(self, after: After = After.KEEP, *, looks: int = 1) -> Sweep:
        importer = Importer(
            self.database,
            self.intake,
            owner_id=LOCAL_USER_ID,
            is_stopping=lambda: self.stopping,
        )
        return Sweep(importer, Folder(self.root), after=after, stability=Stability(10, looks=looks))

    def look(self, after: After = After.KEEP) -> dict[str, Result]:
        """Look once, as a process that has just started would."""
        return {result.path: result for result in self.sweep(after).run()}

    def kinds(self, after: After = After.KEEP) -> dict[str, Kind]:
        return {path: result.kind for path, result in self.look(after).items()}

    def received(self) -> list[Upload]:
        with self.database.read() as connection:
            return uploads.in_state(connection, UploadState.RECEIVED)

    def names(self) -> list[str]:
        return sorted(upload.filename for upload in self.received())

    def bytes(self) -> list[bytes]:
        return sorted(self.intake.path_of(upload).read_bytes() for upload in self.received())

    def end_tracks(self, *states: TrackState) -> None:
        with self.database.write() as connection:
            for upload in uploads.in_state(connection, UploadState.RECEIVED):
                track = tracks.get(connection, TrackId(str(upload.track_id)))
                for state in states:
                    track = tracks.change_state(connection, track, state)

    def event_kinds(self) -> list[str]:
        with self.database.read() as connection:
            return [event.kind for event in events.after(connection, 0)]

    def files(self) -> set[str]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)) for path in found}


@pytest.fixture
def drop(database: Database, tmp_path: Path) -> Iterator[Drop]:
    def on_received(_c: sa.Connection, received: Sequence[tuple[Upload, Track]]) -> None:
        assert all(track.state is TrackState.RECEIVED for _, track in received)

    intake = Intake(
        database,
        Volume.open(tmp_path / "d", "intake", reserve_bytes=0),
        max_upload_bytes=64 * MIB,
        expiry_s=3600,
        on_received=on_received,
    )
    root = tmp_path / "drop"
    root.mkdir()
    yield Drop(database, intake, root)
    intake.close()


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("song.flac", True),
        ("SONG.WAV", True),
        ("part 1.part.wav", True),
        ("song.wav.part", False),
        ("song.wav.filepart", False),
        ("song.wav.tmp", False),
        ("song.wav~", False),
        (".~song.wav", False),
        (".song.wav.Xy12Za", False),
        (".song.wav", False),
        ("cover.jpg", False),
        ("wav", False),
        ("", False),
    ],
)
def test_names_of_half_files_and_of_other_things_are_left_alone(
    name: str,
    is_one: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert is_audio_name(name) is is_one


def test_a_file_is_taken_once_however_often_it_is_looked_at(drop: Drop) -> None:
    drop.put("song.wav")
    sweep = drop.sweep()
    assert [result.kind for result in sweep.run()] == [Kind.RECEIVED]
    assert list(sweep.run()) == []
    assert drop.kinds() == {"song.wav": Kind.HERE}
    assert drop.bytes() == [b"sound"]
    (upload,) = drop.received()
    assert upload.sha256 == hashlib.sha256(b"sound").hexdigest()
    assert drop.event_kinds()[:3] == ["track.created", "upload.created", "upload.imported"]


def test_a_young_file_waits_and_an_old_one_is_taken_at_the_second_look(drop: Drop) -> None:
    drop.put("young.wav", age_s=0)
    drop.put("old.wav", age_s=60)
    sweep = drop.sweep(looks=2)
    assert {r.path: r.kind for r in sweep.run()} == dict.fromkeys(
        ("young.wav", "old.wav"), Kind.WAITING
    )
    assert {r.path: r.kind for r in sweep.run()} == {
        "young.wav": Kind.WAITING,
        "old.wav": Kind.RECEIVED,
    }


def test_a_file_that_changed_between_two_looks_starts_anew(drop: Drop) -> None:
    path = drop.put("song.wav")
    sweep = drop.sweep(looks=2)
    assert [r.kind for r in sweep.run()] == [Kind.WAITING]
    path.write_bytes(b"longer sound")
    drop.age(path)
    assert [r.kind for r in sweep.run()] == [Kind.WAITING]
    assert [r.kind for r in sweep.run()] == [Kind.RECEIVED]
    assert drop.bytes() == [b"longer sound"]


def test_an_old_file_that_somebody_has_open_for_writing_waits(drop: Drop) -> None:
    path = drop.put("song.wav")
    with path.open("ab"):
        assert drop.kinds() == {"song.wav": Kind.WAITING}
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}


def test_readers_do_not_count_as_writers(drop: Drop) -> None:
    path = drop.put("song.wav")
    with path.open("rb") as first, path.open("rb"):
        assert not is_being_written(first.fileno())


def test_the_first_folder_may_name_the_preset(drop: Drop) -> None:
    for name in ("a.wav", "podcast/b.wav", "podcast/season 1/c.wav", "album/archive/d.wav"):
        drop.put(name)
    drop.look()
    assert {upload.filename: upload.preset for upload in drop.received()} == {
        "a.wav": "streaming",
        "b.wav": "podcast",
        "c.wav": "podcast",
        "d.wav": "streaming",
    }


def test_nothing_leads_out_of_the_folder(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "other.wav").write_bytes(b"not yours")
    (drop.root / "link.wav").symlink_to(secret / "other.wav")
    (drop.root / "folder").symlink_to(secret)
    (drop.root / "done").symlink_to(secret)
    os.mkfifo(drop.root / "pipe.wav")
    drop.put("mine.wav")
    assert drop.kinds(After.MOVE) == {"mine.wav": Kind.RECEIVED}
    drop.end_tracks(TrackState.PROCESSING, TrackState.READY)
    assert drop.look(After.MOVE)["mine.wav"].detail
    assert (drop.root / "mine.wav").exists()
    assert [path.name for path in secret.iterdir()] == ["other.wav"]


def test_a_link_that_takes_a_files_place_is_not_followed(drop: Drop, tmp_path: Path) -> None:
    path = drop.put("song.wav")
    folder = Folder(drop.root)
    (original,) = folder.scan(lambda _path, _error: None)
    path.unlink()
    path.symlink_to(tmp_path / "catalog.db")
    with pytest.raises(OSError, match="symbolic links"):
        folder.open(original)


def test_names_are_no_paths_and_need_not_be_text(drop: Drop) -> None:
    name = b"caf\xe9 \x1b[2J.wav"
    (drop.root / os.fsdecode(name)).write_bytes(b"sound")
    drop.age(drop.root / os.fsdecode(name))
    (result,) = drop.look().values()
    assert result.kind is Kind.RECEIVED
    assert drop.names() == ["caf [2J.wav"]


def test_sarau_does_not_import_its_own_files(drop: Drop, tmp_path: Path) -> None:
    home = drop.root / "data"
    volume = Volume.open(home / "intake", "intake", reserve_bytes=0)
    library = Volume.open(home / "library", "library", reserve_bytes=0)
    (home / "intake" / "uploads").mkdir()
    (home / "intake" / "uploads" / "x.wav").write_bytes(b"ours")
    (home / "library" / "y.wav").write_bytes(b"ours")
    (home / "intake" / "drop").mkdir()
    assert drop.kinds() == {}
    for place in (volume.root, volume.root / "uploads", library.root, tmp_path / "nowhere"):
        with pytest.raises(RefusedError) as caught:
            check_place(place, volume, library)
        assert caught.value.code is RefusedCode.INVALID_REQUEST
    check_place(volume.root / "drop", volume, library)


def test_a_renamed_or_chmodded_file_is_known_by_its_bytes(drop: Drop) -> None:
    path = drop.put("song.wav")
    drop.look()
    path.rename(drop.root / "better name.wav")
    assert drop.kinds() == {"better name.wav": Kind.HERE}
    (drop.root / "better name.wav").chmod(0o600)
    assert drop.kinds() == {"better name.wav": Kind.HERE}
    assert len(drop.received()) == 1


def test_other_bytes_in_the_same_inode_with_the_same_times_are_another_file(drop: Drop) -> None:
    """A disk gives freed inodes out again, and many programs copy times."""
    path = drop.put("song.wav", b"first")
    before = path.stat()
    drop.look()
    path.write_bytes(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_ino == before.st_ino
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}
    assert drop.bytes() == [b"first", b"other"]


def test_a_changed_original_is_a_new_one(drop: Drop) -> None:
    drop.put("song.wav", b"first")
    drop.look()
    drop.put("song.wav", b"second take")
    drop.look()
    assert drop.bytes() == [b"first", b"second take"]


def test_originals_stay_until_their_tracks_are_dealt_with(drop: Drop) -> None:
    drop.put("podcast/song.wav")
    assert drop.look(After.MOVE)["podcast/song.wav"].settled is Settled.PENDING
    assert drop.look(After.MOVE)["podcast/song.wav"].settled is Settled.PENDING
    drop.end_tracks(TrackState.PROCESSING, TrackState.READY)
    assert drop.look(After.MOVE)["podcast/song.wav"].settled is Settled.MOVED
    assert drop.files() == {"done/podcast/song.wav"}
    assert drop.event_kinds()[-1] == "original.moved"
    assert drop.kinds(After.MOVE) == {}


def test_a_second_file_of_a_name_replaces_nothing(drop: Drop) -> None:
    drop.put("done/song.wav", b"older")
    drop.put("song.wav", b"newer")
    drop.look(After.MOVE)
    drop.end_tracks(TrackState.PROCESSING, TrackState.READY)
    drop.look(After.MOVE)
    assert (drop.root / "done/song.wav").read_bytes() == b"older"
    assert (drop.root / "done/song (2).wav").read_bytes() == b"newer"


@pytest.mark.parametrize("after", [After.MOVE, After.DELETE])
def test_a_rejected_original_is_put_away_and_never_deleted(drop: Drop, after: After) -> None:
    drop.put("song.wav")
    drop.look(after)
    drop.end_tracks(TrackState.PROCESSING, TrackState.REJECTED)
    assert drop.look(after)["song.wav"].settled is Settled.MOVED
    assert drop.files() == {"rejected/song.wav"}


def test_a_ready_original_is_deleted_when_asked(drop: Drop) -> None:
    drop.put("song.wav")
    drop.put("young.wav", age_s=0)
    drop.look(After.DELETE)
    drop.end_tracks(TrackState.PROCESSING, TrackState.READY)
    assert drop.look(After.DELETE)["song.wav"].settled is Settled.DELETED
    assert drop.files() == {"young.wav"}
    assert drop.event_kinds()[-1] == "original.deleted"
    drop.put("song.wav")
    assert drop.look(After.DELETE)["song.wav"].kind is Kind.RECEIVED


def test_a_file_that_took_the_place_of_a_dealt_with_one_is_not_deleted(drop: Drop) -> None:
    path = drop.put("song.wav", b"first")
    folder = Folder(drop.root)
    (original,) = folder.scan(lambda _path, _error: None)
    fresh = drop.put("new.part", b"fresh")
    fresh.rename(path)
    assert folder.remove(original) is False
    assert folder.move(original, "done") is False
    assert path.read_bytes() == b"fresh"
    assert drop.files() == {"song.wav"}


def test_a_file_left_aside_by_a_killed_process_keeps_its_name(drop: Drop) -> None:
    drop.put(f".sarau-{'0' * 32}-song.wav")
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}
    assert drop.names() == ["song.wav"]


def test_a_file_that_is_too_large_is_refused_once_and_put_away(drop: Drop) -> None:
    drop.put("huge.wav")
    os.truncate(drop.root / "huge.wav", 65 * MIB)
    drop.age(drop.root / "huge.wav")
    sweep = drop.sweep()
    (refused,) = sweep.run()
    assert refused.error
    assert refused.error.code is RefusedCode.UPLOAD_TOO_LARGE
    assert list(sweep.run()) == []
    assert drop.event_kinds() == ["import.refused"]
    assert drop.look(After.MOVE)["huge.wav"].settled is Settled.MOVED
    assert drop.files() == {"rejected/huge.wav"}


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("mode", [0o744, 0o711, 0o700])
def test_a_directory_that_cannot_be_read_keeps_nothing_else_from_being_found(
    open_place: Path, mode: int
) -> None:
    for number in range(5):
        below = open_place / f"{number}" / "below"
        below.mkdir(parents=True)
        (below / "song.wav").write_bytes(b"sound")
    shut = open_place / "2"
    shut.chmod(mode if os.geteuid() == 0 else (mode & 0o007) * 0o111)
    troubles: list[str] = []
    before = open_files()
    with as_nobody():
        for _ in range(3):
            found = [
                one.path
                for one in Folder(open_place).scan(lambda path, _error: troubles.append(path))
            ]
            assert sorted(found) == [f"{n}/below/song.wav" for n in (0, 1, 3, 4)]
    shut.chmod(0o755)
    assert troubles == ["2"] * 3
    assert open_files() == before


def test_a_folder_that_cannot_be_entered_is_trouble_of_its_own(open_place: Path) -> None:
    (open_place / "song.wav").write_bytes(b"sound")
    open_place.chmod(0o744 if os.geteuid() == 0 else 0o644)
    before = open_files()
    with as_nobody(), pytest.raises(PermissionError):
        list(Folder(open_place).scan(lambda path, _error: pytest.fail(path)))
    open_place.chmod(0o755)
    assert open_files() == before


@pytest.mark.parametrize("broken", ["song.wav", ".sarau-volume", "listing"])
def test_a_broken_disk_below_keeps_nothing_else_from_being_taken(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    for name in ("a/song.wav", "b/song.wav", "c/other.wav", "d.wav"):
        drop.put(name)
    inode = (drop.root / "b").stat().st_ino
    stat, scandir = os.stat, os.scandir

    def is_there(fd: object) -> bool:
        return isinstance(fd, int) and os.fstat(fd).st_ino == inode

    def broken_stat(name: Any, *, dir_fd: int | None = None, **options: Any) -> os.stat_result:
        if name == broken and is_there(dir_fd):
            raise OSError(errno.EIO, "Input/output error")
        return stat(name, dir_fd=dir_fd, **options)

    def broken_scandir(fd: Any) -> Any:
        if broken == "listing" and is_there(fd):
            raise OSError(errno.EIO, "Input/output error")
        return scandir(fd)

    monkeypatch.setattr(os, "stat", broken_stat)
    monkeypatch.setattr(os, "scandir", broken_scandir)
    kinds = drop.kinds()
    monkeypatch.undo()
    place = "b/song.wav" if broken == "song.wav" else "b"
    assert kinds.pop(place) is Kind.UNREADABLE
    assert kinds == dict.fromkeys(("a/song.wav", "c/other.wav", "d.wav"), Kind.RECEIVED)


def test_an_unreadable_file_is_told_of_once(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so what the system would say is said here."""
    path = drop.put("song.wav")
    real = os.open

    def refuse(name: str, flags: int, *rest: int, **options: int) -> int:
        if name == "song.wav":
            raise PermissionError(13, "Permission denied", name)
        return real(name, flags, *rest, **options)

    sweep = drop.sweep()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert [result.kind for result in sweep.run()] == [Kind.UNREADABLE]
        assert list(sweep.run()) == []
    assert list(sweep.run()) == []
    path.chmod(0o644)
    assert [result.kind for result in sweep.run()] == [Kind.RECEIVED]


def _interrupt(drop: Drop, name: str, data: bytes) -> Upload:
    """Copy the beginning of a file, acknowledged, as a process that is killed then."""
    drop.put(name, data)
    folder = Folder(drop.root)
    (original,) = (o for o in folder.scan(lambda _p, _e: None) if o.name == name)
    importer = Importer(drop.database, drop.intake, owner_id=LOCAL_USER_ID)
    upload = importer._create(folder, original, None, "streaming")
    appender = drop.intake.append(upload.id, LOCAL_USER_ID)
    appender.write(data[: 2 * MIB])
    appender.finish(complete=False)
    appender.close()
    drop.intake.hashers.forget(upload.id)
    return upload


def test_a_copy_goes_on_where_it_was_interrupted(drop: Drop) -> None:
    data = os.urandom(5 * MIB)
    begun = _interrupt(drop, "song.wav", data)
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}
    (upload,) = drop.received()
    assert upload.id == begun.id
    assert upload.sha256 == hashlib.sha256(data).hexdigest()
    assert drop.bytes() == [data]


def test_a_copy_of_bytes_that_are_no_longer_there_is_begun_anew(drop: Drop) -> None:
    data = os.urandom(3 * MIB)
    begun = _interrupt(drop, "song.wav", data)
    drop.intake.files.of(begun.id).write_bytes(os.urandom(2 * MIB))
    assert drop.kinds() == {"song.wav": Kind.WAITING}
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}
    assert drop.bytes() == [data]


def test_a_half_taken_file_that_was_written_to_is_taken_anew(drop: Drop) -> None:
    begun = _interrupt(drop, "song.wav", os.urandom(3 * MIB))
    drop.put("song.wav", b"quite another thing")
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}
    assert drop.bytes() == [b"quite another thing"]
    with drop.database.read() as connection:
        assert uploads.get(connection, begun.id).state is UploadState.DISCARDED


def test_a_copy_that_a_person_cancelled_is_not_begun_again(drop: Drop) -> None:
    begun = _interrupt(drop, "song.wav", os.urandom(3 * MIB))
    drop.intake.terminate(begun.id, LOCAL_USER_ID)
    assert drop.kinds() == {"song.wav": Kind.ENDED}


def test_a_copy_that_expired_is_begun_again(drop: Drop) -> None:
    data = os.urandom(3 * MIB)
    begun = _interrupt(drop, "song.wav", data)
    with drop.database.write() as connection:
        chosen = sa.update(uploads_table).where(uploads_table.c.id == begun.id)
        connection.execute(chosen.values(expires_at=begun.created_at))
    assert drop.intake.expire_due() == 1
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}
    assert drop.bytes() == [data]


def test_a_copy_that_another_process_makes_is_left_to_it(drop: Drop) -> None:
    data = os.urandom(3 * MIB)
    begun = _interrupt(drop, "song.wav", data)
    holder = drop.intake.append(begun.id, LOCAL_USER_ID)
    assert drop.kinds() == {"song.wav": Kind.WAITING}
    holder.close()
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}


def test_of_two_processes_over_one_folder_only_one_takes_a_file(drop: Drop) -> None:
    for number in range(20):
        drop.put(f"{number}.wav", b"%d" % number)
    first, second = drop.sweep(), drop.sweep()
    found = second._find([])
    list(first.run())
    second._find = lambda _troubles: found  # type: ignore[method-assign]  # what it saw before
    kinds = {result.kind for result in second.run()}
    assert kinds == {Kind.HERE}
    with drop.database.write() as connection:
        (taken, *_) = imports.like(connection, [found[0][0].identity])
        other = drop.intake.plan(LOCAL_USER_ID, importing_module.Description("x.wav"), 1, None)
        with pytest.raises(RefusedError) as caught:
            imports.add(connection, taken.identity, other, path="x.wav", instead_of=None)
    assert caught.value.code is RefusedCode.UPLOAD_LOCKED
    assert len(drop.received()) == 20


def test_a_file_that_changes_under_the_copy_is_not_received(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop.put("song.wav", os.urandom(3 * MIB))
    real = os.readv

    def change(fd: int, buffers: list[memoryview]) -> int:
        with path.open("ab") as file:
            file.write(b"more")
        return real(fd, buffers)

    with monkeypatch.context() as patch:
        patch.setattr(os, "readv", change)
        assert drop.kinds() == {"song.wav": Kind.WAITING}
    assert drop.received() == []
    drop.age(path)
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}
    assert drop.bytes() == [path.read_bytes()]


def test_a_stop_leaves_a_copy_that_goes_on(drop: Drop) -> None:
    data = os.urandom(3 * MIB)
    drop.put("song.wav", data)
    drop.stopping = True
    with pytest.raises(importing_module.StoppedError):
        drop.look()
    drop.stopping = False
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}
    assert drop.bytes() == [data]


def test_a_folder_that_is_gone_is_our_trouble_and_comes_back(drop: Drop) -> None:
    shutil.rmtree(drop.root)
    with pytest.raises(FileNotFoundError):
        drop.look()
    drop.root.mkdir()
    drop.put("song.wav")
    assert drop.kinds() == {"song.wav": Kind.RECEIVED}

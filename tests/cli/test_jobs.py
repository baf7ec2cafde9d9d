"""Every file has a folder of its own, and finds it again."""

import os
import shutil
from pathlib import Path

import pytest
from tests.nobody import as_nobody

from sarau.audio import Engine
from sarau.cli import batch, drafts, receipts
from sarau.cli.jobs import Job, plan_jobs
from sarau.cli.progress import Progress
from sarau.model.filenames import fitting_name
from sarau.model.preset import PRESETS


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


OUT = Path("out")


def put(name: str, data: bytes = b"") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data or name.encode())
    return path


def make(*given: Path, target: Path = OUT) -> dict[str, str]:
    """Plan, and leave in each folder what is there once somebody has begun to fill it."""
    jobs = list(plan_jobs(given, target))
    for job in jobs:
        begin(job)
    return {str(job.path): str(job.out_dir.relative_to(target)) for job in jobs}


def begin(job: Job) -> None:
    job.out_dir.mkdir(parents=True, exist_ok=True)
    name = fitting_name(job.path, ".mp3")
    receipts.claim(receipts.Source.of(job.path), job.out_dir, {name: 0}, {})
    (job.out_dir / name).touch()


def test_files_of_one_name_have_a_folder_each_and_find_it_again_in_any_order() -> None:
    years = [put(f"{year}/01.wav") for year in (2019, 2020, 2021, 2022)]
    first = make(*years)
    assert list(first.values()) == ["01", "01.wav", "01 (2)", "01 (3)"]
    assert make(*years) == first
    assert make(*years[::-1]) == first
    for path in years:
        assert make(path) == {str(path): first[str(path)]}


def test_a_later_call_does_not_put_another_file_into_a_folder_that_is_taken() -> None:
    wave, flac = put("a.wav"), put("a.flac")
    assert make(wave) == {"a.wav": "a"}
    assert make(flac) == {"a.flac": "a.flac"}
    wave.unlink()  # its renditions stay
    assert make(flac) == {"a.flac": "a.flac"}
    assert make(put("other/a.flac")) == {"other/a.flac": "a (2)"}


def test_a_file_finds_its_folder_when_its_neighbour_never_had_one() -> None:
    broken, whole = put("2019/01.wav"), put("2020/01.wav")
    (_, job) = plan_jobs([broken, whole], OUT)
    begin(job)
    assert make(whole) == {"2020/01.wav": "01.wav"}


def test_a_file_that_was_changed_or_moved_keeps_its_folder(tmp_path: Path) -> None:
    path = put("music/a.wav")
    make(Path("music"))
    path.write_bytes(b"exported again")
    assert make(Path("music")) == {"music/a.wav": "a"}
    Path("everything").mkdir()
    Path("music").rename("everything/music")
    Path("out").rename("everything/out")
    moved = tmp_path / "everything"
    for name in ("a.wav", "b.wav"):
        put(str(moved / "music" / name), b"exported once more")
    assert list(make(moved / "music", target=moved / "out").values()) == ["a", "b"]
    (moved / "music" / "b.wav").rename("b.wav")
    assert make(Path("b.wav"), target=moved / "out") == {"b.wav": "b"}


def test_names_that_are_one_on_some_disks_do_not_meet() -> None:
    given = [put(name) for name in ("x/Ação.wav", "y/ação.wav", "z/Ac\u0327a\u0303o.wav")]
    made = make(*given)
    assert list(made.values()) == ["Ação", "ação.wav", "Ac\u0327a\u0303o (2)"]
    assert make(*given) == made


def test_a_file_that_is_named_twice_is_one() -> None:
    path = put("music/a.wav")
    assert list(make(Path("music"), path, Path("music/../music/a.wav"))) == ["music/a.wav"]
    Path("link").symlink_to("music")
    assert list(make(Path("link"), path)) == ["link/a.wav"]


def test_what_was_made_below_a_folder_of_sources_is_no_source() -> None:
    put("music/a.wav")
    out = Path("music/out")
    assert make(Path("music"), target=out) == {"music/a.wav": "a"}
    assert (out / "a" / "a.mp3").exists()
    assert make(Path("music"), target=out) == {"music/a.wav": "a"}
    Path("link").symlink_to("music/out")
    assert make(Path("music"), target=Path("link")) == {"music/a.wav": "a"}


def test_sources_may_lie_below_the_target() -> None:
    """As in `sarau process . --to .`; what was made is told by the receipts: test_process."""
    put("a.wav")
    put("a/b.wav")
    with drafts.room(Path("a")) as room:
        put(f"{room}/half.mp3")
        assert make(Path(), target=Path()) == {"a.wav": "a", "a/b.wav": "a/b"}


def test_what_nobody_has_claimed_is_not_replaced() -> None:
    put("music/a.wav")
    mine = put("out/a/a.flac", b"mine")
    assert make(Path("music")) == {"music/a.wav": "a.wav"}
    assert mine.read_bytes() == b"mine"
    put("music/b.wav")
    put("out/b", b"a file")
    put("out/b.wav", b"a file")
    put("out/notes.txt")
    assert make(Path("music")) == {"music/a.wav": "a.wav", "music/b.wav": "b (2)"}


def make_all(*given: Path) -> dict[str, str]:
    """Plan, and leave all that is made of each file; an HLS set is a folder."""
    jobs = list(plan_jobs(given, OUT))
    for job in jobs:
        begin(job)
        for suffix in (".flac", ".sarau.json"):
            with (job.out_dir / fitting_name(job.path, suffix)).open("a"):
                pass
        hls = job.out_dir / fitting_name(job.path, ".hls")
        hls.mkdir(exist_ok=True)
        assert not list(hls.glob("*.sarau.json"))
    return {str(job.path): str(job.out_dir.relative_to(OUT)) for job in jobs}


@pytest.mark.parametrize(
    "names",
    [
        ("in/A.mp3", "in/A/A.mp3", "in/A/A.flac"),
        ("in/A.wav", "in/A/a.mp3", "in/A/a.flac"),
        ("in/A.wav", "in/A/A.flac.wav"),
        ("in/A.wav", "in/A/A.flac/b.wav"),
        ("in/A.wav", "in/A/A.hls.wav", "in/A/A.sarau.json.wav"),
    ],
)
def test_no_folder_of_a_file_is_where_another_one_has_a_file(names: tuple[str, ...]) -> None:
    outer, *_ = [put(name) for name in names]
    for order in ([Path("in")], [outer, Path("in")]):
        made = make_all(*order)
        assert len(set(made.values())) == len(names)
        assert make_all(*order) == make_all(Path("in")) == made
        assert make_all(outer) == {str(outer): made[str(outer)]}
        shutil.rmtree(OUT)


def test_a_folder_that_could_never_be_filled_is_left_for_another_one() -> None:
    path, inner = put("in/A.mp3"), put("in/A/A.mp3")
    for source, folder in ((path, "A"), (inner, "A/A.mp3")):
        (OUT / folder).mkdir(parents=True)
        receipts.claim(receipts.Source.of(source), OUT / folder, {}, {})
    assert make(Path("in")) == {"in/A/A.mp3": "A/A.mp3", "in/A.mp3": "A.mp3"}


@pytest.mark.parametrize("name", [".wav", "a.", "n" * 251 + ".wav", "n" * 255])
def test_a_folder_is_found_for_any_name(name: str) -> None:
    made = [make(put(f"{folder}/{name}")) for folder in ("x", "y", "z")]
    assert len({folder for one in made for folder in one.values()}) == 3


@pytest.mark.parametrize("length", [201, 244])
def test_a_long_name_that_leaves_room_for_its_receipt_keeps_its_folder(length: int) -> None:
    stem = "n" * length
    path = put(f"{stem}.wav")
    assert make(path) == {path.name: stem}
    assert (OUT / stem / f"{stem}.sarau.json").exists()


def test_a_folder_that_is_called_like_a_receipt_claims_nothing() -> None:
    put("out/B.sarau.json/notes.txt")
    path = put("in/B.flac/c.wav")
    assert make(Path("in")) == {str(path): "B.flac/c"}


def test_a_cut_name_that_nobody_has_claimed_is_not_replaced() -> None:
    path = put("n" * 251 + ".wav")
    put(f"out/{path.stem}/{fitting_name(path, '.flac')}", b"mine")
    assert make(path) == {path.name: path.name}


def test_a_place_that_cannot_be_looked_at_is_left_to_whoever_writes_there() -> None:
    put("out/disc", b"a file")
    put("music/disc/a.wav")
    (job,) = plan_jobs([Path("music")], OUT)
    assert job.out_dir == Path("out/disc/a")


def test_names_that_are_no_text_have_folders_too() -> None:
    path = Path(os.fsdecode(b"caf\xe9.wav"))
    path.touch()
    assert make(path) == {str(path): path.stem}
    assert make(path) == {str(path): path.stem}


@pytest.mark.parametrize(
    ("mode", "failed"), [(0o744, "music/2/song.wav"), (0o711, "music/2"), (0o700, "music/2")]
)
def test_a_directory_that_cannot_be_read_is_told_and_keeps_nothing_else_from_being_found(
    open_place: Path, monkeypatch: pytest.MonkeyPatch, mode: int, failed: str
) -> None:
    monkeypatch.chdir(open_place)
    for number in range(1, 4):
        put(f"music/{number}/song.wav")
    put("music/2.wav")
    Path("music/gone.wav").symlink_to("nothing")
    shut = Path("music/2")
    shut.chmod(mode if os.geteuid() == 0 else (mode & 0o007) * 0o111)
    with Engine() as engine, Progress() as progress, as_nobody():
        jobs = {str(job.path): job for job in plan_jobs([Path("music")], OUT)}
        told = batch.process(engine, PRESETS["archive"], jobs[failed], progress, again=False)
        measured = batch.measure(engine, Path(failed), progress, insight=False)
    shut.chmod(0o755)
    assert sorted(jobs) == sorted(["music/1/song.wav", failed, "music/2.wav", "music/3/song.wav"])
    # It takes no place from a file that can be read.
    assert jobs["music/2.wav"].out_dir == OUT / "2"
    for one in (told, measured):
        assert one.error is not None
        assert one.error.code == "disk_error"
        assert failed in str(one.error)


def test_a_named_directory_that_cannot_be_read_is_told(open_place: Path) -> None:
    open_place.chmod(0o711 if os.geteuid() == 0 else 0o111)
    with as_nobody():
        jobs = list(plan_jobs([open_place], OUT))
    open_place.chmod(0o755)
    assert [job.path for job in jobs] == [open_place]

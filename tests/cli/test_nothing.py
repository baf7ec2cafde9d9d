"""Who gives nothing to work on is told why, in their language."""

from pathlib import Path

import pytest
from tests.commands import sarau
from tests.sounds import write_music


@pytest.fixture
def out(tmp_path: Path) -> Path:
    source = write_music(tmp_path / "a.wav", seconds=1)
    assert sarau("process", source, "--to", tmp_path / "out", "--preset", "archive").returncode == 0
    return tmp_path / "out"


def test_what_was_made_is_said_to_be_passed_over(out: Path, tmp_path: Path) -> None:
    english = "sarau: nothing to do: there is no source in {}, only what `sarau process` made"
    portuguese = "sarau: nada a fazer: não há original em {}, só o que `sarau process` fez"
    named = (
        "; a file that is named itself is taken as a source",
        "; um arquivo indicado diretamente vale como original",
    )
    below = (" or what is in --to", " ou o que está em --to")
    for call, more in (
        (("measure", "out"), named),
        (("process", "out", "--to", "new"), below),
        (("process", out / "a", "--to", "out"), below),
    ):
        done = sarau(*call, place=tmp_path)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == english.format(call[1]) + more[0] + "\n"
        done = sarau(*call, place=tmp_path, LANG="pt_BR.UTF-8")
        assert done.stderr == portuguese.format(call[1]) + more[1] + "\n"
    assert sarau("measure", out / "a" / "a.flac").stderr == ""


def test_a_directory_without_audio_is_said_to_have_none(tmp_path: Path) -> None:
    for language, said in (
        ("en_US.UTF-8", "nothing to do: there is no source in ."),
        ("pt_BR.UTF-8", "nada a fazer: não há original em ."),
    ):
        done = sarau("measure", ".", place=tmp_path, LANG=language)
        assert (done.returncode, done.stderr) == (0, f"sarau: {said}\n")

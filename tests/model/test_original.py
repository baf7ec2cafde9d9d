"""Which files of a directory are taken for sound, by their names."""

import pytest

from sarau.model.original import is_audio_name


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("song.flac", True), ("SONG.WAV", True), ("old.au", True), ("next.snd", True),
        ("clip.mp4", True), ("._song.wav", False), (".song.wav", False), ("cover.jpg", False),
        ("wav", False), ("", False),
    ],
)  # fmt: skip
def test_a_directory_gives_what_sounds_and_is_not_hidden(
    name: str,
    is_one: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert is_audio_name(name) is is_one

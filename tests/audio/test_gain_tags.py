"""What the tags say of a rendition's loudness, and that saying it changes no sound."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import mutagen
import mutagen.id3
import mutagen.oggopus
import pytest
from tests.audio.kitchen import Kitchen, png, wav
from tests.audio.meters import decode, ebur128
from tests.audio.studio import STREAMING, Work, noise, pcm16

from sarau.audio import Engine
from sarau.audio._gain_tags import r128, replaygain
from sarau.model.loudness import Loudness


def loud(lufs: float | None, peak_dbtp: float | None) -> Loudness:
    return Loudness(lufs, None, None, None, peak_dbtp)


def texts(path: Path) -> dict[str, str]:
    """Return the gain tags of a file by their names, whatever its container calls them."""
    file = mutagen.File(path)
    found = {}
    for key in file:
        if "replaygain" in key.lower() or "r128" in key.lower():
            name = key.removeprefix("TXXX:").removeprefix("----:com.apple.iTunes:").upper()
            value = file[key].text[0] if hasattr(file[key], "text") else file[key][0]
            found[name] = bytes(value).decode() if not isinstance(value, str) else value
    return found


def test_tags_say_what_was_measured(work: Callable[..., Work], kitchen: Kitchen) -> None:
    made = work(kitchen.wav)
    for name, each in made.renditions.items():
        heard = ebur128(each.file.path)
        found = texts(each.file.path)
        if name == "opus":
            assert found.keys() == {"R128_TRACK_GAIN"}
            gain_db = int(found["R128_TRACK_GAIN"]) / 256
            assert gain_db == pytest.approx(-23 - heard.integrated_lufs, abs=0.1)
            continue
        assert found.keys() == {"REPLAYGAIN_TRACK_GAIN", "REPLAYGAIN_TRACK_PEAK"}, name
        gain_db = float(found["REPLAYGAIN_TRACK_GAIN"].removesuffix(" dB"))
        assert gain_db == pytest.approx(-18 - heard.integrated_lufs, abs=0.1), name
        peak = float(found["REPLAYGAIN_TRACK_PEAK"])
        assert peak == pytest.approx(10 ** (heard.true_peak_dbtp / 20), rel=0.03), name


def test_tagging_changes_no_sample_and_the_size_is_the_last_one(
    engine: Engine, tmp_path: Path
) -> None:
    source = tmp_path / "source.wav"
    source.write_bytes(wav(pcm16(noise(3, 44_100))))
    analysis = engine.analyse(source)
    files = engine.render(source, analysis, STREAMING, tmp_path)
    before = [hashlib.md5(decode(each.path)).hexdigest() for each in files]
    untagged = [each.path.read_bytes() for each in files]
    verified = engine.verify(source, analysis, STREAMING, files, tmp_path)

    for old, sound, each in zip(untagged, before, verified, strict=True):
        name = each.file.spec.name
        assert each.file.path in {one.path for one in files}, name
        assert each.file.path.read_bytes() != old, name
        assert hashlib.md5(decode(each.file.path)).hexdigest() == sound, name
        assert each.file.size_bytes == each.file.path.stat().st_size, name


def test_verifying_again_gives_the_same_bytes_and_evidence(
    engine: Engine, work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    made = work(kitchen.wav)
    before = {name: each.file.path.read_bytes() for name, each in made.renditions.items()}
    files = [each.file for each in made.renditions.values()]
    for each in engine.verify(made.source, made.analysis, STREAMING, files, tmp_path / "out"):
        assert each == made.renditions[each.file.spec.name]
        assert each.file.path.read_bytes() == before[each.file.spec.name]


def test_cover_and_names_stay(work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path) -> None:
    path = tmp_path / "tagged.mp3"
    path.write_bytes(kitchen.mp3())
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=3, text="Oração"))
    tags.add(mutagen.id3.APIC(encoding=3, mime="image/png", type=3, data=png(600, 600)))
    tags.save(path)
    for name, each in work(path.read_bytes()).renditions.items():
        assert mutagen.File(each.file.path, easy=True)["title"] == ["Oração"], name
        assert texts(each.file.path), name
        assert b"\xff\xd8\xff" in each.file.path.read_bytes() or name == "opus"


def test_opus_keeps_the_gain_of_its_header_at_zero(
    work: Callable[..., Work], kitchen: Kitchen
) -> None:
    # R128_TRACK_GAIN counts from the level after that gain, at which it was measured.
    data = work(kitchen.wav).renditions["opus"].file.path.read_bytes()
    head = data.index(b"OpusHead")
    assert data[head + 16 : head + 18] == b"\0\0"


def test_silence_says_nothing(work: Callable[..., Work]) -> None:
    made = work(wav(bytes(4 * 44_100)))
    assert [texts(each.file.path) for each in made.renditions.values()] == [{}] * 4


def test_figures() -> None:
    assert replaygain(loud(-14.0, -1.0)) == {
        "REPLAYGAIN_TRACK_GAIN": "-4.00 dB",
        "REPLAYGAIN_TRACK_PEAK": "0.891251",
    }
    assert r128(loud(-14.0, -1.0)) == {"R128_TRACK_GAIN": "-2304"}
    assert r128(loud(-23.0, -1.0)) == {"R128_TRACK_GAIN": "0"}
    assert r128(loud(-200.0, None)) == {"R128_TRACK_GAIN": "32767"}
    assert replaygain(loud(None, None)) == r128(loud(None, None)) == {}

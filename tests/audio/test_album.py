"""Albums: one gain, gated over all tracks in a row, and proved on the encoded files."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mutagen
import numpy as np
import pytest
from tests.audio.kitchen import wav
from tests.audio.meters import ebur128
from tests.audio.studio import STREAMING, noise, pcm16
from tests.audio.test_gain_tags import texts

from sarau.audio import Album, Analysis, Engine, GainPlan, Rendition, Verdict
from sarau.audio._plan_album import correct_in_album
from sarau.audio._types import LIMITER_MARGIN_DB
from sarau.audio.album import album_lufs, correct_album, judge_album, plan_album
from sarau.model.loudness import Loudness
from sarau.model.preset import Format, Preset, RenditionSpec

RATE_HZ = 44_100
LEVELS = (0.02, 0.09, 0.05)
QUIET = replace(STREAMING, target_lufs=-18.0)


@dataclass(frozen=True)
class Shelf:
    """Sources in a row, analysed."""

    sources: tuple[Path, ...]
    analyses: tuple[Analysis, ...]


def shelve(engine: Engine, place: Path, sounds: Sequence[np.ndarray]) -> Shelf:
    sources = []
    for number, samples in enumerate(sounds):
        source = place / f"{number}.wav"
        source.write_bytes(wav(pcm16(samples), channels=samples.shape[1]))
        sources.append(source)
    return Shelf(
        tuple(sources), tuple(engine.analyse(source, for_album=True) for source in sources)
    )


def three(seconds: Sequence[float] = (6.017, 5.333, 7.089)) -> list[np.ndarray]:
    """Tracks of different levels, none of them a whole number of tenths long."""
    pairs = zip(seconds, LEVELS, strict=True)
    return [
        noise(length, RATE_HZ, level=level, seed=at) for at, (length, level) in enumerate(pairs)
    ]


def make(
    engine: Engine, shelf: Shelf, preset: Preset, album: Album, place: Path
) -> list[tuple[Rendition, ...]]:
    made = []
    for number, (source, analysis) in enumerate(zip(shelf.sources, shelf.analyses, strict=True)):
        out = place / f"out {number}"
        out.mkdir(exist_ok=True)
        files = engine.render(source, analysis, preset, out, album=album)
        made.append(engine.verify(source, analysis, preset, files, out, album=album))
    return made


def joined(files: Sequence[Path], place: Path) -> Path:
    """Let ffmpeg decode files and put them in a row."""
    out = place / "joined.wav"
    given = [part for path in files for part in ("-i", str(path))]
    join = f"concat=n={len(files)}:v=0:a=1"
    command = ["ffmpeg", "-v", "error", "-y", "-nostdin", *given, "-filter_complex", join]
    subprocess.run([*command, "-c:a", "pcm_f32le", str(out)], check=True)
    return out


def test_an_album_is_as_loud_as_its_tracks_in_one_file(engine: Engine, tmp_path: Path) -> None:
    shelf = shelve(engine, tmp_path, three())
    together = joined(shelf.sources, tmp_path)
    level = album_lufs(shelf.analyses, STREAMING.renditions[0])
    whole = engine.analyse(together).loudness.integrated_lufs
    # The blocks of a later track begin elsewhere within a tenth: less than a meter's tolerance.
    assert level == pytest.approx(whole, abs=0.1)
    assert level == pytest.approx(ebur128(together).integrated_lufs, abs=0.1)


def test_of_tracks_of_whole_tenths_not_even_a_thousandth_is_lost(
    engine: Engine, tmp_path: Path
) -> None:
    shelf = shelve(engine, tmp_path, three((6.0, 5.3, 7.1)))
    level = album_lufs(shelf.analyses, STREAMING.renditions[0])
    whole = engine.analyse(joined(shelf.sources, tmp_path)).loudness.integrated_lufs
    assert level == pytest.approx(whole, abs=0.001)


def test_it_is_no_mean_of_its_tracks(engine: Engine, tmp_path: Path) -> None:
    # The soft track is under the album's relative gate, as it is in one file.
    soft, loud = noise(5, RATE_HZ, level=0.005), noise(5, RATE_HZ, level=0.1)
    shelf = shelve(engine, tmp_path, [soft, loud])
    level = album_lufs(shelf.analyses, STREAMING.renditions[0])
    assert level == pytest.approx(shelf.analyses[1].loudness.integrated_lufs, abs=0.1)


def test_all_tracks_get_one_gain_and_the_album_is_at_its_target(
    engine: Engine, tmp_path: Path
) -> None:
    shelf = shelve(engine, tmp_path, three())
    album = plan_album(shelf.analyses, QUIET)
    made = make(engine, shelf, QUIET, album, tmp_path)
    assert correct_album(album, shelf.analyses, QUIET, made) is None
    judged = judge_album(album, QUIET, made)
    sealed = [engine.tag_album(renditions) for renditions in judged]
    for row in zip(*sealed, strict=True):
        name = row[0].file.spec.name
        assert len({one.evidence.gain_db for one in row}) == 1, name
        assert {one.evidence.verdict for one in row} == {Verdict.PASSED}, name
        heard = ebur128(joined([one.file.path for one in row], tmp_path))
        assert heard.integrated_lufs == pytest.approx(-18, abs=0.35), name
        assert heard.true_peak_dbtp <= -1.0
        before = [each.loudness.integrated_lufs or 0.0 for each in shelf.analyses]
        after = [one.evidence.loudness.integrated_lufs or 0.0 for one in row]
        assert np.diff(after) == pytest.approx(np.diff(before), abs=0.3), name
        for one in row:
            assert one.evidence.album is not None
            assert one.evidence.album.tracks == 3
            assert heard.integrated_lufs == pytest.approx(
                one.evidence.album.integrated_lufs, abs=0.15
            )
            assert one.file.size_bytes == one.file.path.stat().st_size


def test_tags_tell_the_album_from_the_track(engine: Engine, tmp_path: Path) -> None:
    shelf = shelve(engine, tmp_path, three())
    album = plan_album(shelf.analyses, QUIET)
    made = judge_album(album, QUIET, make(engine, shelf, QUIET, album, tmp_path))
    told = []
    for renditions in made:
        for one in engine.tag_album(renditions):
            found = texts(one.file.path)
            level = one.evidence.album.integrated_lufs if one.evidence.album else None
            assert level is not None
            if one.file.spec.name == "opus":
                assert found.keys() == {"R128_TRACK_GAIN", "R128_ALBUM_GAIN"}
                album_db = int(found["R128_ALBUM_GAIN"]) / 256
                assert album_db == pytest.approx(-23 - level, abs=0.01)
            else:
                album_db = float(found["REPLAYGAIN_ALBUM_GAIN"].removesuffix(" dB"))
                assert album_db == pytest.approx(-18 - level, abs=0.01)
                peak = float(found["REPLAYGAIN_ALBUM_PEAK"])
                assert peak >= float(found["REPLAYGAIN_TRACK_PEAK"])
            told.append((one.file.spec.name, album_db))
    assert len(set(told)) == 4
    assert mutagen.File(made[0][0].file.path) is not None


def test_the_highest_peak_of_all_tracks_stops_the_gain(engine: Engine, tmp_path: Path) -> None:
    sounds = three()
    sounds[0][RATE_HZ : RATE_HZ + 20] = 0.99
    shelf = shelve(engine, tmp_path, sounds)
    preset = replace(STREAMING, target_lufs=-9.0, renditions=STREAMING.renditions[:1])
    album = plan_album(shelf.analyses, preset)
    highest = max(each.loudness.true_peak_dbtp or -99 for each in shelf.analyses)
    (gain,) = album.gains.values()
    assert gain.ceiling_limited
    assert gain.gain_db == pytest.approx(-1.05 - 0.1 + 3 - highest, abs=0.001)
    made = judge_album(album, preset, make(engine, shelf, preset, album, tmp_path))
    assert {one.evidence.verdict for (one,) in made} == {Verdict.CEILING_LIMITED}
    assert all(ebur128(one.file.path).true_peak_dbtp <= -1.0 for (one,) in made)


def test_without_a_limiter_every_sample_gets_the_same_gain(engine: Engine, tmp_path: Path) -> None:
    shelf = shelve(engine, tmp_path, three())
    preset = replace(STREAMING, max_limiting_db=0.0, target_lufs=-9.0)
    album = plan_album(shelf.analyses, preset)
    assert len({(gain.gain_db, gain.ceiling_limited) for gain in album.gains.values()}) == 1
    made = make(engine, shelf, preset, album, tmp_path)
    better = correct_album(album, shelf.analyses, preset, made)
    assert better is None or all(
        new.gain_db < album.gains[name].gain_db for name, new in better.gains.items()
    )
    assert all(one.file.gain.limiter_ceiling_dbtp is None for row in made for one in row)


def works_db(one: Rendition, analysis: Analysis) -> float:
    """Return how far the limiter of a track brings its highest peak down."""
    gain, peak_dbtp = one.file.gain, analysis.loudness.true_peak_dbtp
    assert peak_dbtp is not None
    held_dbtp = gain.limiter_ceiling_dbtp
    return 0.0 if held_dbtp is None else peak_dbtp + gain.gain_db - held_dbtp + LIMITER_MARGIN_DB


def test_where_a_codec_overshoots_the_gain_comes_down_and_no_limiter_works_harder(
    engine: Engine, tmp_path: Path
) -> None:
    t = np.arange(3 * RATE_HZ) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * f * t + f) for f in (110, 277.2, 554.4, 1318, 1975, 2637, 3520))
    crushed = np.clip(chord / 2, -0.9, 0.9) * np.where(np.sin(2 * np.pi * 1.1 * t) > 0.9, 0.9, 0.27)
    sounds = [np.stack([crushed] * 2, 1), noise(3, RATE_HZ, level=0.1)]
    shelf = shelve(engine, tmp_path, sounds)
    aac = RenditionSpec("aac", Format.AAC, bitrate_bps=64_000)
    preset = replace(STREAMING, target_lufs=-3.0, renditions=(aac,))
    album = plan_album(shelf.analyses, preset)
    first = make(engine, shelf, preset, album, tmp_path)
    better = correct_album(album, shelf.analyses, preset, first)
    assert better is not None
    assert better.gains["aac"].gain_db < album.gains["aac"].gain_db - 1
    again = make(engine, shelf, preset, better, tmp_path)

    for row in (first, again):
        for (one,), analysis in zip(row, shelf.analyses, strict=True):
            assert works_db(one, analysis) <= preset.max_limiting_db + 0.001
    assert works_db(again[0][0], shelf.analyses[0]) > 1
    judged = judge_album(better, preset, again)
    assert {one.evidence.verdict for (one,) in judged} == {Verdict.CEILING_LIMITED}
    for (one,) in judged:
        assert ebur128(one.file.path).true_peak_dbtp <= preset.ceiling_dbtp


def test_a_limiter_is_corrected_as_far_as_the_preset_allows() -> None:
    before, plan = Loudness(-26, 5, -26, -26, -6), GainPlan(6.0, -2.0, ceiling_limited=False)

    def corrected(heard_dbtp: float) -> GainPlan | None:
        return correct_in_album(plan, before, Loudness(-20, 5, -20, -20, heard_dbtp), STREAMING)

    assert corrected(-1.0) is None
    assert corrected(-0.8) == replace(plan, limiter_ceiling_dbtp=-2.45)
    assert corrected(0.5) == replace(plan, limiter_ceiling_dbtp=-2.9)
    plan = replace(plan, limiter_ceiling_dbtp=-2.9)
    assert corrected(0.5) is None


def test_an_album_that_was_foretold_wrongly_is_corrected(engine: Engine, tmp_path: Path) -> None:
    shelf = shelve(engine, tmp_path, three())
    album = plan_album(shelf.analyses, QUIET)
    wrong = replace(
        album,
        gains={
            name: replace(gain, gain_db=gain.gain_db - (1.0 if name == "aac" else 0.0))
            for name, gain in album.gains.items()
        },
    )
    made = make(engine, shelf, QUIET, wrong, tmp_path)
    better = correct_album(wrong, shelf.analyses, QUIET, made)
    assert better is not None
    assert list(better.gains) == ["aac"]
    assert better.gains["aac"].gain_db == pytest.approx(album.gains["aac"].gain_db, abs=0.3)
    verdicts = [one.evidence.verdict for one in judge_album(wrong, QUIET, made)[0]]
    assert verdicts == [Verdict.PASSED, Verdict.PASSED, Verdict.FAILED, Verdict.PASSED]


def test_a_mix_is_levelled_by_the_loudness_of_the_mixes(engine: Engine, tmp_path: Path) -> None:
    wide = noise(5, RATE_HZ, channels=6, level=0.05)
    shelf = shelve(engine, tmp_path, [wide, noise(5, RATE_HZ, level=0.05)])
    flac, _, aac, _ = STREAMING.renditions
    preset = replace(STREAMING, renditions=(flac, aac))
    album = plan_album(shelf.analyses, preset)
    assert album.gains["flac"].gain_db != album.gains["aac"].gain_db
    made = judge_album(album, preset, make(engine, shelf, preset, album, tmp_path))
    assert {one.evidence.verdict for row in made for one in row} == {Verdict.PASSED}
    heard = ebur128(joined([row[1].file.path for row in made], tmp_path))
    assert heard.integrated_lufs == pytest.approx(-14, abs=0.3)


@pytest.mark.parametrize("target_lufs", [None, -14.0])
def test_all_tracks_come_down_for_the_one_that_passes_full_scale(
    engine: Engine, tmp_path: Path, target_lufs: float | None
) -> None:
    # Without a target, or with sounds that are too short to have a loudness.
    sounds = three((0.13, 0.12, 0.11))
    shelf = shelve(engine, tmp_path, sounds)
    shelf.sources[1].write_bytes(wav((8 * sounds[1]).astype("<f4").tobytes(), bits=32, tag=3))
    louder = engine.analyse(shelf.sources[1], for_album=True)
    shelf = Shelf(shelf.sources, (shelf.analyses[0], louder, shelf.analyses[2]))
    assert louder.sample_peak_dbfs is not None
    assert louder.sample_peak_dbfs > 0

    preset = replace(STREAMING, target_lufs=target_lufs, renditions=STREAMING.renditions[:2])
    album = plan_album(shelf.analyses, preset)
    made = judge_album(album, preset, make(engine, shelf, preset, album, tmp_path))
    verdicts = [[one.evidence.verdict for one in row] for row in made]
    assert verdicts == [[Verdict.CEILING_LIMITED, Verdict.NOT_NORMALISED]] * 3
    for flac, _ in made:
        assert flac.evidence.gain_db == pytest.approx(-louder.sample_peak_dbfs, abs=0.002)


def test_an_album_of_silence_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    shelf = shelve(engine, tmp_path, [np.zeros((RATE_HZ, 2))] * 2)
    preset = replace(STREAMING, renditions=STREAMING.renditions[:1])
    album = plan_album(shelf.analyses, preset)
    made = judge_album(album, preset, make(engine, shelf, preset, album, tmp_path))
    assert {one.evidence.gain_db for (one,) in made} == {0.0}
    assert {one.evidence.verdict for (one,) in made} == {Verdict.NOT_NORMALISED}
    assert texts(engine.tag_album(made[0])[0].file.path) == {}

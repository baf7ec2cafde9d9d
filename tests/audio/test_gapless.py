"""Where the sound begins and ends in lossy renditions, told by Debian's ffmpeg.

As ffmpeg plays the file; MP3 and AAC also decoded without what the container says of delay
and padding, which then has to account for every sample.
"""

import re
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import mutagen.mp4
import numpy as np
import pytest
from tests.audio.kitchen import Kitchen, wav
from tests.audio.meters import decode, probe
from tests.audio.studio import STREAMING, Work, noise, pcm16

from sarau.audio import Engine
from sarau.audio._gapless import itunsmpb, set_mp3_padding
from sarau.audio._mp3 import parse_header

ITUNSMPB = "----:com.apple.iTunes:iTunSMPB"
LAME_DECODER_DELAY = 529
QUIET = replace(STREAMING, target_lufs=-40.0, tolerance_lu=60.0)
"""Changes no level by much, and makes MP3, AAC and Opus as `streaming` does."""


@dataclass(frozen=True)
class Placed:
    """What a tag says of the samples that a codec gives back."""

    delay: int
    padding: int
    samples: int


def click(samples: int, rate_hz: int, channels: int) -> tuple[bytes, int]:
    """Return a WAV file with one click, and where it is."""
    sound = np.zeros((samples, channels))
    sound[samples // 3] = 0.5
    return wav(pcm16(sound), rate=rate_hz, channels=channels), samples // 3


def heard(path: Path, channels: int, container: str | None = None) -> np.ndarray:
    """Return the first channel as ffmpeg decodes it."""
    sound = np.frombuffer(decode(path, container=container), "<i2")
    return sound.reshape(-1, channels)[:, 0].astype(int)


def loudest(sound: np.ndarray) -> int:
    return int(np.argmax(np.abs(sound)))


def lame_tag(data: bytes) -> tuple[Placed, bytes]:
    """Return what Xing's and LAME's tag say, in decoded samples, and the frames after it."""
    assert data[:3] == b"ID3"
    begin = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9])
    frame = parse_header(int.from_bytes(data[begin + 1 : begin + 4], "big") & 0xFFFFC0)
    assert frame is not None
    tag = data[begin + frame.side_bytes :]
    assert tag[:4] in {b"Xing", b"Info"}
    frames = struct.unpack_from(">I", tag, 8)[0]
    packed = int.from_bytes(tag[141:144], "big")
    delay = (packed >> 12) + LAME_DECODER_DELAY
    padding = (packed & 0xFFF) - LAME_DECODER_DELAY
    total = frames * frame.samples
    return Placed(delay, padding, total - delay - padding), data[begin + frame.size_bytes :]


def apple_tag(path: Path) -> Placed:
    (text,) = mutagen.mp4.MP4(path).tags[ITUNSMPB]
    form = r" 0{8} ([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{16})( 0{8}){8}"
    found = re.fullmatch(form, bytes(text).decode())
    assert found
    return Placed(*(int(found[field], 16) for field in (1, 2, 3)))


def check_mp3(path: Path, channels: int, samples: int, onset: int) -> None:
    sound = heard(path, channels)
    assert len(sound) == samples
    assert abs(loudest(sound) - onset) <= 1
    said, frames = lame_tag(path.read_bytes())
    bare = path.with_suffix(".bare.mp3")
    bare.write_bytes(frames)
    all_of_it = heard(bare, channels, "mp3")
    assert said.samples == samples
    assert len(all_of_it) == said.delay + said.samples + said.padding
    assert abs(loudest(all_of_it) - said.delay - onset) <= 1


def check_aac(path: Path, channels: int, samples: int, onset: int) -> None:
    said = apple_tag(path)
    assert said.samples == samples
    bare = path.with_suffix(".aac")
    copy = ["ffmpeg", "-v", "error", "-y", "-i", str(path), "-c", "copy", str(bare)]
    subprocess.run(copy, check=True)
    all_of_it = heard(bare, channels, "aac")
    assert len(all_of_it) == said.delay + said.samples + said.padding
    assert abs(loudest(all_of_it) - said.delay - onset) <= 1

    # The edit list says the same, with the tag beside it and alone.
    alone = path.with_suffix(".alone.m4a")
    alone.write_bytes(path.read_bytes())
    file = mutagen.mp4.MP4(alone)
    del file.tags[ITUNSMPB]
    file.save()
    for each in (path, alone):
        assert probe(each)["duration_ts"] == samples
        sound = heard(each, channels)
        # ffmpeg 5 does not cut the padding by the edit list.
        assert len(sound) == said.samples + said.padding
        assert abs(loudest(sound) - onset) <= 1


def check_opus(path: Path, channels: int, samples: int, onset: int) -> None:
    sound = heard(path, channels)
    assert len(sound) == samples
    assert abs(loudest(sound) - onset) <= 1
    data = path.read_bytes()
    pre_skip = struct.unpack_from("<H", data, data.index(b"OpusHead") + 10)[0]
    end = struct.unpack_from("<Q", data, data.rindex(b"OggS") + 6)[0]
    assert end - pre_skip == samples


CHECKS = {"mp3": check_mp3, "aac": check_aac, "opus": check_opus}


def check(made: Work, channels: int, samples: int, rate_hz: int, onset: int) -> None:
    for name, one in CHECKS.items():
        each = made.renditions[name].file
        to_hz = each.sample_rate_hz
        assert to_hz == (48_000 if name == "opus" else rate_hz)
        whole = -(-samples * to_hz // rate_hz)
        one(each.path, channels, whole, round(onset * to_hz / rate_hz))
        assert made.renditions[name].evidence.samples == whole, name


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
# Shorter than the resampler's filter; than a frame of AAC; primes; one of those where the last
# packet of MP3 is nothing but padding (31 121); whole frames of Opus.
@pytest.mark.parametrize("samples", [31, 997, 4409, 31_121, 48_000])
def test_length_and_onset_are_those_of_the_source(
    work: Callable[..., Work], samples: int, rate_hz: int, channels: int
) -> None:
    data, onset = click(samples, rate_hz, channels)
    check(work(data, QUIET), channels, samples, rate_hz, onset)


def test_a_rendition_made_again_is_as_exact(
    engine: Engine, work: Callable[..., Work], tmp_path: Path
) -> None:
    sound = noise(0.8, 44_100, level=0.02)[:31_121]
    sound[10_007] = 0.5
    made = work(wav(pcm16(sound)), replace(STREAMING, target_lufs=-34.0))
    lower = replace(STREAMING, target_lufs=-38.0)
    again = engine.verify(made.source, made.analysis, lower, made.files, tmp_path / "out")

    assert all(".trimmed." in each.file.path.name for each in again)
    renditions = {each.file.spec.name: each for each in again}
    check(replace(made, renditions=renditions), 2, 31_121, 44_100, 10_007)


@pytest.mark.parametrize("channels", [1, 2])
def test_what_another_muxer_wrote_right_stays_to_the_bit(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "theirs.mp3"
    data, _ = click(5000, 44_100, channels)
    (tmp_path / "source.wav").write_bytes(data)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "source.wav"), "-b:a", "128k"]
    subprocess.run([*command, str(path)], check=True)
    theirs = path.read_bytes()

    set_mp3_padding(path, 4999)
    assert lame_tag(path.read_bytes())[0].samples == 4999
    set_mp3_padding(path, 5000)
    assert path.read_bytes() == theirs


def test_what_cannot_be_said_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "some.mp3"
    path.write_bytes(bytes(4096))
    with pytest.raises(ValueError, match="no MPEG frame"):
        set_mp3_padding(path, 1)
    with pytest.raises(ValueError, match="without an index"):
        itunsmpb(path)


@pytest.mark.parametrize("codec", ["libopus", "libvorbis"])
def test_a_chained_stream_sounds_as_it_does_alone(
    engine: Engine, kitchen: Kitchen, tmp_path: Path, codec: str
) -> None:
    noise = ("-filter_complex", "anoisesrc=d=1:r=48000:a=0.1:s=1")
    alone = kitchen.encode(f"{codec}.ogg", *noise, "-c:a", codec, "-b:a", "96k")
    paths = tmp_path / "alone.ogg", tmp_path / "chained.ogg"
    paths[0].write_bytes(alone)
    paths[1].write_bytes(alone * 3)

    one, three = (engine.analyse(path) for path in paths)

    assert three.source.samples == 3 * one.source.samples == 3 * 48_000
    assert three.loudness.true_peak_dbtp == pytest.approx(one.loudness.true_peak_dbtp, abs=0.1)

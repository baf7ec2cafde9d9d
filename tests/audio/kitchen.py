"""Well-formed files of every kind, made here, and the ways to spoil them."""

import random
import struct
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mutagen.flac
import mutagen.id3
import mutagen.mp3
import numpy as np

from sarau.errors import RejectedCode as Code

ACCEPTED = ""
RATE_HZ = 44_100
SECONDS = 6


@dataclass(frozen=True)
class Case:
    name: str
    expected: Code | str
    """A code, ACCEPTED, or the warning it is accepted with."""
    make: Callable[["Kitchen", Path], None]


class Kitchen:
    """Well-formed files to spoil, made once."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.random = random.Random(1)
        self._made: dict[str, bytes] = {}
        rng = np.random.default_rng(7)
        t = np.arange(SECONDS * RATE_HZ) / RATE_HZ
        tone = np.sin(2 * np.pi * 330 * t) * (0.6 + 0.4 * np.sin(7 * t))
        self.samples = np.stack([tone, tone[::-1]], 1) * 0.2 + rng.normal(0, 0.02, (len(t), 2))
        self.wav = wav((self.samples * 32767).astype("<i2").tobytes())
        (place / "ok.wav").write_bytes(self.wav)

    def encode(self, name: str, *arguments: str, source: str = "ok.wav") -> bytes:
        """Return what ffmpeg makes of the base sound."""
        if name not in self._made:
            out = self.place / f"kitchen-{name}"
            self.ffmpeg("-i", str(self.place / source), *arguments, str(out))
            self._made[name] = out.read_bytes()
        return self._made[name]

    def ffmpeg(self, *arguments: str) -> None:
        command = ["ffmpeg", "-v", "error", "-y", "-nostdin", *arguments]
        subprocess.run(command, check=True)

    def flac(self) -> bytes:
        return self.encode("a.flac")

    def mp3(self) -> bytes:
        return self.encode("a.mp3", "-c:a", "libmp3lame", "-b:a", "192k")

    def m4a(self) -> bytes:
        return self.encode("a.m4a", "-c:a", "aac", "-movflags", "+faststart")

    def vorbis(self) -> bytes:
        return self.encode("a.ogg", "-c:a", "libvorbis", "-b:a", "160k")

    def opus(self) -> bytes:
        return self.encode("a.opus", "-c:a", "libopus", "-b:a", "128k")

    def aiff(self) -> bytes:
        return self.encode("a.aiff")

    def wma(self) -> bytes:
        return self.encode("a.wma", "-c:a", "wmav2")

    def mka(self) -> bytes:
        return self.encode("a.mka", "-c:a", "flac")

    def wv(self) -> bytes:
        return self.encode("a.wv", "-c:a", "wavpack")

    def tta(self) -> bytes:
        return self.encode("a.tta", "-c:a", "tta")

    def adts(self) -> bytes:
        return self.encode("a.aac", "-c:a", "aac")

    def w64(self) -> bytes:
        return self.encode("a.w64")

    def caf(self) -> bytes:
        return self.encode("a.caf")

    def alac_caf(self) -> bytes:
        return self.encode("alac.caf", "-c:a", "alac")

    def aifc(self) -> bytes:
        return self.encode("sowt.aif", "-c:a", "pcm_s16le", "-f", "aiff")

    def au(self) -> bytes:
        return self.encode("a.au")

    def ape(self) -> bytes:
        return ape()


def wav(
    data: bytes,
    *,
    channels: int = 2,
    rate: int = RATE_HZ,
    bits: int = 16,
    tag: int = 1,
    size: int | None = None,
    mask: int | None = None,
) -> bytes:
    """Return a WAV file; with `mask` it names its loudspeakers (WAVE_FORMAT_EXTENSIBLE)."""
    block = channels * bits // 8
    rates = struct.pack("<IIHH", rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    form = struct.pack("<HH", tag if mask is None else 0xFFFE, channels & 0xFFFF) + rates
    if mask is not None:
        guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
        form += struct.pack("<HHI", 22, bits, mask) + guid
    size = len(data) if size is None else size
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", min(0xFFFFFFFF, len(body))) + body


def ape(frames: int = 3, last: int = 5000, frame_samples: int = 73_728) -> bytes:
    """Return Monkey's Audio of silence, which nobody has to encode: a flag of the frame says it."""
    sound = struct.pack("<III", 1 << 31, 3, 0) * frames
    header = struct.pack("<HHIIIHHI", 2000, 32, frame_samples, last, frames, 16, 2, RATE_HZ)
    start = 52 + len(header) + 4 * frames
    table = struct.pack(f"<{frames}I", *(start + 12 * number for number in range(frames)))
    sizes = (52, len(header), len(table), 0, len(sound), 0, 0)
    return struct.pack("<4sHH7I16x", b"MAC ", 3990, 0, *sizes) + header + table + sound


def old_ape(frames: int = 3, last: int = 5000) -> bytes:
    """Return the same as before version 3.98, which says nothing of sizes in bytes."""
    start = 32 + 4 * frames
    table = struct.pack(f"<{frames}I", *(start + 12 * number for number in range(frames)))
    header = struct.pack("<4s4H5I", b"MAC ", 3970, 2000, 32, 2, RATE_HZ, 0, 0, frames, last)
    return header + table + struct.pack("<III", 1 << 31, 3, 0) * frames


def png(width: int, height: int) -> bytes:
    """Return a black picture of any size in very few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    row = b"\0" * (width * 3 + 1)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def raw(data: bytes) -> Callable[[Kitchen, Path], None]:
    return lambda _, path: path.write_bytes(data) and None


def from_(make: Callable[[Kitchen], bytes]) -> Callable[[Kitchen, Path], None]:
    return lambda kitchen, path: path.write_bytes(make(kitchen)) and None


def cut(make: Callable[[Kitchen], bytes], share: float) -> Callable[[Kitchen, Path], None]:
    def spoil(kitchen: Kitchen) -> bytes:
        whole = make(kitchen)
        return whole[: int(len(whole) * share)]

    return from_(spoil)


def short(make: Callable[[Kitchen], bytes]) -> Callable[[Kitchen, Path], None]:
    """Leave out the last bytes of the last frame."""
    return from_(lambda kitchen: make(kitchen)[:-4])


def untagged(kind: str) -> Callable[[Kitchen], bytes]:
    """Return how to make a file that ends with its last frame, and no tag behind it."""
    return lambda kitchen: kitchen.encode(f"untagged.{kind}", "-fflags", "+bitexact")


def smash(
    make: Callable[[Kitchen], bytes], at: float, count: int = 3000
) -> Callable[[Kitchen, Path], None]:
    """Overwrite `count` bytes at a share of the file with noise."""

    def spoil(kitchen: Kitchen) -> bytes:
        whole = bytearray(make(kitchen))
        start = int(len(whole) * at)
        whole[start : start + count] = random.Random(3).randbytes(count)
        return bytes(whole)

    return from_(spoil)


def drop(
    make: Callable[[Kitchen], bytes], at: float, count: int = 5000
) -> Callable[[Kitchen, Path], None]:
    """Leave out `count` bytes at a share of the file."""

    def spoil(kitchen: Kitchen) -> bytes:
        whole = make(kitchen)
        start = int(len(whole) * at)
        return whole[:start] + whole[start + count :]

    return from_(spoil)


def floats(spoil: Callable[[np.ndarray], None]) -> Callable[[Kitchen, Path], None]:
    def make(kitchen: Kitchen) -> bytes:
        values = kitchen.samples.astype("<f4")
        spoil(values)
        return wav(values.tobytes(), bits=32, tag=3)

    return from_(make)


def put(index: int, value: float) -> Callable[[np.ndarray], None]:
    def spoil(values: np.ndarray) -> None:
        values[index] = value

    return spoil


def times(factor: float) -> Callable[[np.ndarray], None]:
    def spoil(values: np.ndarray) -> None:
        values *= factor

    return spoil


def tagged(path: Path, kitchen: Kitchen, frames: list[mutagen.id3.Frame]) -> None:
    path.write_bytes(kitchen.mp3())
    file = mutagen.mp3.MP3(path)
    if file.tags is None:
        file.add_tags()
    for frame in frames:
        file.tags.add(frame)
    file.save()


def cover(data: bytes, mime: str = "image/png") -> Callable[[Kitchen, Path], None]:
    picture = mutagen.id3.APIC(encoding=0, mime=mime, type=3, desc="", data=data)
    return lambda kitchen, path: tagged(path, kitchen, [picture])


def by_ffmpeg(*arguments: str) -> Callable[[Kitchen, Path], None]:
    return lambda kitchen, path: kitchen.ffmpeg(*arguments, str(path))


def poke(
    make: Callable[[Kitchen], bytes], mark: bytes, offset: int, data: bytes
) -> Callable[[Kitchen, Path], None]:
    """Overwrite some bytes at an offset from a mark."""

    def spoil(kitchen: Kitchen) -> bytes:
        whole = bytearray(make(kitchen))
        at = whole.find(mark) + offset
        whole[at : at + len(data)] = data
        return bytes(whole)

    return from_(spoil)


def without_table(kitchen: Kitchen) -> bytes:
    """Return a CAF that ends with its sound, before the sizes of its packets."""
    whole = kitchen.alac_caf()
    return whole[: whole.rfind(b"pakt")]


def streamed_aiff(kitchen: Kitchen) -> bytes:
    """Return an AIFF as SoX writes it to a pipe: with as many samples as 0x7f000000 bytes hold."""
    whole = bytearray(kitchen.aiff())
    struct.pack_into(">I", whole, whole.find(b"COMM") + 10, 0x7F000000 // 4)
    struct.pack_into(">I", whole, whole.find(b"SSND") + 4, 0x7F000000 + 8)
    return bytes(whole)


def joined(*arguments: tuple[str, ...]) -> Callable[[Kitchen, Path], None]:
    """Join files that ffmpeg makes of the base sound with different arguments."""

    def make(kitchen: Kitchen) -> bytes:
        return b"".join(
            kitchen.encode(f"part{abs(hash(each))}.{each[0]}", "-t", "2", *each[1:])
            for each in arguments
        )

    return from_(make)


def unframed_mp3(kitchen: Kitchen) -> bytes:
    """Return an MP3 without the Xing frame, as streams and old encoders have it."""
    return kitchen.encode(
        "plain.mp3", "-c:a", "libmp3lame", "-b:a", "192k", "-write_xing", "0", "-id3v2_version", "0"
    )


CHANGED = joined(("mp3", "-ar", "48000"), ("mp3", "-ac", "1"))
"""An MP3 of 2 s at 48 kHz in stereo, and 2 s at 44.1 kHz in mono behind it."""

HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n"
ID3_EMPTY = b"ID3\x04\x00\x00\x00\x00\x00\x00"
ID3V1 = b"TAG" + b"Old title".ljust(125, b"\0")
APE_ITEM = struct.pack("<II", 5, 0) + b"Title\0" + b"Hello"
APE_TAG = APE_ITEM + b"APETAGEX" + struct.pack("<IIII8x", 2000, len(APE_ITEM) + 32, 1, 0)
NOISE = random.Random(5).randbytes(65536)

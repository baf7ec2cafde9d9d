"""Files that should not have been sent, and odd ones that are fine, made here.

Every entry of `CASES` says what the engine must answer: a code, or ACCEPTED, or
ACCEPTED with a warning. Nothing is downloaded and nothing is larger than a few MB.
"""

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


def ape(frames: int = 3, last: int = 5000) -> bytes:
    """Return Monkey's Audio of silence, which nobody has to encode: a flag of the frame says it."""
    sound = struct.pack("<III", 1 << 31, 3, 0) * frames
    header = struct.pack("<HHIIIHHI", 2000, 32, 73_728, last, frames, 16, 2, RATE_HZ)
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
MPD = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
    '<AdaptationSet mimeType="audio/mp4"><Representation id="a" bandwidth="1000">'
    "<BaseURL>http://127.0.0.1:9/x.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
SDP = (
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=audio 19998 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
)
ID3_HUGE = b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f"
ID3_EMPTY = b"ID3\x04\x00\x00\x00\x00\x00\x00"
ID3V1 = b"TAG" + b"Old title".ljust(125, b"\0")
APE_ITEM = struct.pack("<II", 5, 0) + b"Title\0" + b"Hello"
APE_TAG = APE_ITEM + b"APETAGEX" + struct.pack("<IIII8x", 2000, len(APE_ITEM) + 32, 1, 0)
NOISE = random.Random(5).randbytes(65536)

NOT_MEDIA = [
    Case("zero bytes.mp3", Code.EMPTY_FILE, raw(b"")),
    Case("one byte.wav", Code.NOT_AUDIO, raw(b"R")),
    Case("noise.mp3", Code.NOT_AUDIO, raw(NOISE)),
    Case("noise.wav", Code.NOT_AUDIO, raw(NOISE)),
    Case("zeros.flac", Code.NOT_AUDIO, raw(bytes(65536))),
    Case("ones.mp3", Code.NOT_AUDIO, raw(b"\xff" * 65536)),
    Case("text.flac", Code.NOT_AUDIO, raw(b"hello, this is no sound\n" * 100)),
    Case("text.mp3", Code.NOT_AUDIO, raw(b"hello, this is no sound\n" * 100)),
    Case("page.mp3", Code.NOT_AUDIO, raw(b"<!DOCTYPE html><html><body>x</body></html>" * 50)),
    Case("json.ogg", Code.NOT_AUDIO, raw(b'{"a": [1, 2, 3]}\n' * 50)),
    Case("picture.mp3", Code.NOT_AUDIO, raw(png(64, 64))),
    Case("program.wav", Code.NOT_AUDIO, from_(lambda _: Path("/bin/true").read_bytes())),
    Case("archive.flac", Code.NOT_AUDIO, raw(b"PK\x03\x04" + NOISE)),
    Case("document.mp3", Code.NOT_AUDIO, raw(b"%PDF-1.7\n" + NOISE)),
    Case("lines of comments.flac", Code.NOT_AUDIO, raw(b"REM a comment\r\n" * 2000)),
    Case("lines of words.flac", Code.NOT_AUDIO, raw(b"TITLE of a song\r\n" * 2000)),
    Case("lines after a version.mp3", Code.NOT_AUDIO, raw(b"v=0\r\n" + b"a=b c\r\n" * 2000)),
    Case("id3 and text.mp3", Code.TRUNCATED, raw(ID3_EMPTY + b"only words here\n" * 100)),
    Case("midi.wav", Code.UNSUPPORTED_CODEC, raw(b"MThd\0\0\0\6\0\1\0\1\0\x60" + NOISE[:500])),
]

PLAYLISTS = [
    Case("hls of http.mp3", Code.PLAYLIST, raw(HLS.format("http://127.0.0.1:9/a.ts").encode())),
    Case("hls of http.m3u8", Code.PLAYLIST, raw(HLS.format("http://127.0.0.1:9/a.ts").encode())),
    Case("hls of a file.m3u8", Code.PLAYLIST, raw(HLS.format("ok.wav").encode())),
    Case(
        "hls of a file address.m3u8", Code.PLAYLIST, raw(HLS.format("file:///etc/passwd").encode())
    ),
    Case(
        "hls of concat.m3u8",
        Code.PLAYLIST,
        raw(HLS.format("concat:file:///etc/passwd|/etc/hosts").encode()),
    ),
    Case(
        "hls with a mark.mp3", Code.PLAYLIST, raw(b"\xef\xbb\xbf" + HLS.format("ok.wav").encode())
    ),
    Case(
        "hls in utf-16.mp3",
        Code.PLAYLIST,
        raw(b"\xff\xfe" + HLS.format("ok.wav").encode("utf-16-le")),
    ),
    Case("m3u.mp3", Code.PLAYLIST, raw(b"song.mp3\nother.mp3\n")),
    Case("m3u of addresses.mp3", Code.PLAYLIST, raw(b"http://127.0.0.1:9/a.mp3\n")),
    Case("ffconcat.mp3", Code.PLAYLIST, raw(b"ffconcat version 1.0\nfile 'ok.wav'\n")),
    Case(
        "ffconcat of a path.mp3", Code.PLAYLIST, raw(b"ffconcat version 1.0\nfile '/etc/passwd'\n")
    ),
    Case(
        "ffconcat of http.mp3",
        Code.PLAYLIST,
        raw(b"ffconcat version 1.0\nfile 'http://127.0.0.1:9/x'\n"),
    ),
    Case(
        "ffconcat and bytes.mp3",
        Code.PLAYLIST,
        raw(b"ffconcat version 1.0\nfile 'ok.wav'\n" + NOISE),
    ),
    Case("concat list.txt", Code.PLAYLIST, raw(b"file 'ok.wav'\nfile 'ok.wav'\n")),
    Case("sdp.mp3", Code.PLAYLIST, raw(SDP.encode())),
    Case("pls.mp3", Code.PLAYLIST, raw(b"[playlist]\nFile1=http://127.0.0.1:9/a.mp3\n")),
    Case("mpd.mp3", Code.PLAYLIST, raw(MPD.encode())),
    Case("xspf.mp3", Code.PLAYLIST, raw(b'<?xml version="1.0"?><playlist version="1"></playlist>')),
    Case("smil.mp3", Code.PLAYLIST, raw(b"<smil><body><audio src='x'/></body></smil>")),
    Case("asx.mp3", Code.PLAYLIST, raw(b'<asx version="3.0"><entry><ref href="x"/></entry></asx>')),
    Case("asf reference.mp3", Code.PLAYLIST, raw(b"[Reference]\r\nRef1=http://127.0.0.1:9/\r\n")),
    Case(
        "cue of many lines.flac",
        Code.PLAYLIST,
        raw(b"REM x\r\n" * 2000 + b'FILE "ok.wav" WAVE\r\n  TRACK 01 AUDIO\r\n'),
    ),
    Case("cue.flac", Code.PLAYLIST, raw(b'REM x\nFILE "ok.wav" WAVE\n  TRACK 01 AUDIO\n')),
    Case("ffmetadata.mp3", Code.PLAYLIST, raw(b";FFMETADATA1\ntitle=x\n")),
]

CUT = [
    Case("cut flac", Code.TRUNCATED, cut(Kitchen.flac, 0.6)),
    Case("cut mp3", Code.TRUNCATED, cut(Kitchen.mp3, 0.6)),
    Case("cut m4a", Code.TRUNCATED, cut(Kitchen.m4a, 0.6)),
    Case("cut vorbis", Code.TRUNCATED, cut(Kitchen.vorbis, 0.6)),
    Case("cut opus", Code.TRUNCATED, cut(Kitchen.opus, 0.6)),
    Case("cut wav", Code.TRUNCATED, cut(lambda k: k.wav, 0.6)),
    Case("cut aiff", Code.TRUNCATED, cut(Kitchen.aiff, 0.6)),
    Case("cut wma", Code.TRUNCATED, cut(Kitchen.wma, 0.6)),
    Case("cut matroska", Code.TRUNCATED, cut(Kitchen.mka, 0.6)),
    Case("cut wavpack", Code.TRUNCATED, cut(Kitchen.wv, 0.6)),
    Case("cut tta", Code.TRUNCATED, cut(Kitchen.tta, 0.6)),
    Case("cut w64", Code.TRUNCATED, cut(Kitchen.w64, 0.6)),
    Case("cut caf", Code.TRUNCATED, cut(Kitchen.caf, 0.6)),
    Case("cut caf of packets", Code.TRUNCATED, cut(Kitchen.alac_caf, 0.6)),
    Case("cut aiff-c", Code.TRUNCATED, cut(Kitchen.aifc, 0.6)),
    Case("cut au", Code.TRUNCATED, cut(Kitchen.au, 0.6)),
    Case("cut ape", Code.TRUNCATED, cut(Kitchen.ape, 0.6)),
    Case("short w64", Code.TRUNCATED, short(Kitchen.w64)),
    Case("short caf", Code.TRUNCATED, short(Kitchen.caf)),
    Case("short aiff-c", Code.TRUNCATED, short(Kitchen.aifc)),
    Case("short au", Code.TRUNCATED, short(Kitchen.au)),
    Case("short ape", Code.TRUNCATED, short(Kitchen.ape)),
    Case("short ape of 2003", Code.TRUNCATED, short(lambda _: old_ape())),
    Case("short wavpack", Code.TRUNCATED, short(untagged("wv"))),
    Case("short tta", Code.TRUNCATED, short(untagged("tta"))),
    Case("caf without table", Code.TRUNCATED, from_(without_table)),
    Case("thousand bytes of flac", Code.TRUNCATED, from_(lambda k: k.flac()[:1000])),
    Case("thousand bytes of mp3", Code.TRUNCATED, from_(lambda k: k.mp3()[:1000])),
    Case("thousand bytes of m4a", Code.TRUNCATED, from_(lambda k: k.m4a()[:1000])),
    Case("thousand bytes of vorbis", Code.TRUNCATED, from_(lambda k: k.vorbis()[:1000])),
    Case("forty bytes of wav", Code.TRUNCATED, from_(lambda k: k.wav[:40])),
    Case(
        "m4a without index",
        Code.TRUNCATED,
        from_(lambda k: k.encode("end.m4a", "-c:a", "aac")[:-9000]),
    ),
    Case(
        "ogg without last page",
        Code.TRUNCATED,
        from_(lambda k: k.vorbis()[: k.vorbis().rfind(b"OggS")]),
    ),
    Case(
        "flac of no frames", Code.TRUNCATED, from_(lambda k: k.flac()[: k.flac().find(b"\xff\xf8")])
    ),
    Case("wav of no samples", Code.NO_SAMPLES, raw(wav(b""))),
]

SMASHED = [
    Case("smashed flac", Code.CORRUPT, smash(Kitchen.flac, 0.5)),
    Case("smashed mp3", Code.CORRUPT, smash(Kitchen.mp3, 0.5)),
    Case("smashed vorbis", Code.CORRUPT, smash(Kitchen.vorbis, 0.5)),
    Case("smashed opus", Code.CORRUPT, smash(Kitchen.opus, 0.5)),
    Case("smashed m4a", Code.CORRUPT, smash(Kitchen.m4a, 0.5)),
    Case("smashed wavpack", Code.CORRUPT, smash(Kitchen.wv, 0.5)),
    Case("smashed tta", Code.CORRUPT, smash(Kitchen.tta, 0.5)),
    Case("one bit of flac", Code.CORRUPT, smash(Kitchen.flac, 0.5, 1)),
    Case("one byte of vorbis", Code.CORRUPT, smash(Kitchen.vorbis, 0.7, 1)),
    Case("hole in flac", Code.CORRUPT, drop(Kitchen.flac, 0.5)),
    Case("hole in mp3", Code.CORRUPT, drop(Kitchen.mp3, 0.5, 5001)),
    Case("hole in vorbis", Code.CORRUPT, drop(Kitchen.vorbis, 0.5)),
    Case("flac of another md5", Code.CORRUPT, poke(Kitchen.flac, b"fLaC", 30, b"wrong")),
    Case("riff and noise.wav", Code.TRUNCATED, raw(b"RIFF\0\0\1\0WAVE" + NOISE)),
    Case("flac and noise.flac", Code.TRUNCATED, raw(b"fLaC" + NOISE)),
    Case("ogg and noise.ogg", Code.CORRUPT, raw(b"OggS" + NOISE)),
    Case("wav without format", Code.CORRUPT, raw(b"RIFF\0\0\1\0WAVEdata\x10\0\0\0" + NOISE[:16])),
]

SHAPES = [
    Case(
        "video without sound.mp4",
        Code.NO_AUDIO_STREAM,
        by_ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=64x64", "-c:v", "mpeg4", "-f", "mp4"),
    ),
    Case(
        "video without sound.mkv",
        Code.NO_AUDIO_STREAM,
        by_ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=64x64", "-c:v", "mpeg4", "-f", "matroska"),
    ),
    Case(
        "video.avi",
        Code.UNSUPPORTED_CODEC,
        by_ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=64x64", "-c:v", "mpeg4", "-f", "avi"),
    ),
    Case(
        "of unknown length.w64",
        Code.UNSUPPORTED_CODEC,
        poke(Kitchen.w64, b"data\xf3", 16, b"\xff" * 7 + b"\x7f"),
    ),
    Case("nine channels.wav", Code.TOO_MANY_CHANNELS, raw(wav(bytes(18 * 44100), channels=9))),
    Case(
        "65535 channels.wav",
        Code.TOO_MANY_CHANNELS,
        raw(wav(NOISE, channels=65535, size=0xFFFFFFFF)),
    ),
    Case("no channels.wav", Code.CORRUPT, raw(wav(NOISE, channels=0))),
    Case("rate of 4 GHz.wav", Code.UNSUPPORTED_RATE, raw(wav(NOISE, rate=0xFFFFFFFF))),
    Case("rate of nothing.wav", Code.UNSUPPORTED_RATE, raw(wav(NOISE, rate=0))),
    Case("rate of 1 kHz.wav", Code.UNSUPPORTED_RATE, raw(wav(NOISE, rate=1000))),
    Case("not a number.wav", Code.INVALID_SAMPLES, floats(put(1000, np.nan))),
    Case("infinite.wav", Code.INVALID_SAMPLES, floats(put(1000, np.inf))),
    Case("beyond all sound.wav", Code.INVALID_SAMPLES, floats(put(1000, 1e20))),
    Case(
        "mp3 that is all delay",
        Code.NO_SAMPLES,
        poke(lambda k: k.encode("short.mp3", "-t", "0.02"), b"Info", 141, b"\xff\xff\xff"),
    ),
    Case("last is not a number.wav", Code.INVALID_SAMPLES, floats(put(-1, np.nan))),
    Case(
        "flac of 433 hours", Code.TOO_LONG, poke(Kitchen.flac, b"fLaC", 21, b"\xff\xff\xff\xff\xff")
    ),
    Case(
        "huge chunk.wav",
        Code.TRUNCATED,
        raw(b"RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\x7f" + NOISE[:1000]),
    ),
    Case("id3 of 256 MB.mp3", Code.TRUNCATED, raw(ID3_HUGE + NOISE[:5000])),
    Case("mp4 of 2 G samples", Code.CORRUPT, poke(Kitchen.m4a, b"stsz", 12, b"\x7f\xff\xff\xff")),
    Case("mp4 of 2 G times", ACCEPTED, poke(Kitchen.m4a, b"stts", 12, b"\x7f\xff\xff\xff")),
]

FINE = [
    Case("plain.wav", ACCEPTED, from_(lambda k: k.wav)),
    Case("plain.flac", ACCEPTED, from_(Kitchen.flac)),
    Case("plain.mp3", ACCEPTED, from_(Kitchen.mp3)),
    Case("plain.m4a", ACCEPTED, from_(Kitchen.m4a)),
    Case("plain.ogg", ACCEPTED, from_(Kitchen.vorbis)),
    Case("plain.opus", ACCEPTED, from_(Kitchen.opus)),
    Case("plain.aiff", ACCEPTED, from_(Kitchen.aiff)),
    Case("plain.wma", ACCEPTED, from_(Kitchen.wma)),
    Case("plain.mka", ACCEPTED, from_(Kitchen.mka)),
    Case("plain.wv", ACCEPTED, from_(Kitchen.wv)),
    Case("plain.tta", ACCEPTED, from_(Kitchen.tta)),
    Case("plain.w64", ACCEPTED, from_(Kitchen.w64)),
    Case("plain.caf", ACCEPTED, from_(Kitchen.caf)),
    Case("packets.caf", ACCEPTED, from_(Kitchen.alac_caf)),
    Case("plain.aifc", ACCEPTED, from_(Kitchen.aifc)),
    Case("plain.au", ACCEPTED, from_(Kitchen.au)),
    Case("plain.ape", ACCEPTED, from_(Kitchen.ape)),
    Case("of 2003.ape", ACCEPTED, from_(lambda _: old_ape(frames=1))),
    Case("plain.aac", ACCEPTED, from_(Kitchen.adts)),
    Case("mp3 called.wav", ACCEPTED, from_(Kitchen.mp3)),
    Case("wav called.mp3", ACCEPTED, from_(lambda k: k.wav)),
    Case("flac called.jpg", ACCEPTED, from_(Kitchen.flac)),
    Case("streamed size.wav", "streamed_header", from_(lambda k: wav(k.wav[44:], size=0xFFFFFFFF))),
    Case(
        "streamed size of sox.wav",
        "streamed_header",
        from_(lambda k: wav(k.wav[44:], size=0x7FFFF000)),
    ),
    Case(
        "streamed size of nothing.wav", "streamed_header", from_(lambda k: wav(k.wav[44:], size=0))
    ),
    Case("streamed size of sox.aiff", "streamed_header", from_(streamed_aiff)),
    Case("of unknown length.caf", ACCEPTED, poke(Kitchen.caf, b"data", 4, b"\xff" * 8)),
    Case("of unknown length.au", ACCEPTED, poke(Kitchen.au, b".snd", 8, b"\xff" * 4)),
    Case("box of 16 EiB.m4a", ACCEPTED, from_(lambda k: k.m4a() + b"\0\0\0\1free" + b"\xff" * 8)),
    Case("id3v1 at the end.mp3", ACCEPTED, from_(lambda k: k.mp3() + ID3V1)),
    Case("ape tag at the end.mp3", ACCEPTED, from_(lambda k: k.mp3() + APE_TAG + ID3V1)),
    Case("junk at the end.mp3", ACCEPTED, from_(lambda k: k.mp3() + b"\0" * 3000)),
    Case("id3v1 at the end.flac", ACCEPTED, from_(lambda k: k.flac() + ID3V1)),
    Case("id3v2 before.flac", ACCEPTED, from_(lambda k: ID3_EMPTY + k.flac())),
    Case("cut stream.mp3", "damaged_start", from_(lambda k: unframed_mp3(k)[700:])),
    Case("cut stream at the end.mp3", ACCEPTED, from_(lambda k: unframed_mp3(k)[:-300])),
    Case("junk before.mp3", "damaged_start", from_(lambda k: b"\x11" * 777 + unframed_mp3(k))),
    Case(
        "smashed first frame.mp3",
        "damaged_start",
        from_(lambda k: unframed_mp3(k)[:100] + NOISE[:900] + unframed_mp3(k)[1000:]),
    ),
    Case(
        "six thousand empty id3.mp3", "damaged_start", from_(lambda k: ID3_EMPTY * 6000 + k.mp3())
    ),
    Case(
        "change of parameters.mp3",
        "parameters_changed",
        CHANGED,
    ),
    Case(
        "chained.ogg",
        ACCEPTED,
        joined(("ogg", "-c:a", "libvorbis"), ("ogg", "-c:a", "libvorbis", "-b:a", "64k")),
    ),
    Case("eight channels.wav", ACCEPTED, from_(lambda _: wav(NOISE * 8, channels=8))),
    Case("five channels.wav", ACCEPTED, from_(lambda _: wav(NOISE[:65530] * 8, channels=5))),
    Case("8 kHz.wav", ACCEPTED, from_(lambda _: wav(NOISE, rate=8000))),
    Case(
        "192 kHz of 24 bits.wav",
        ACCEPTED,
        from_(lambda _: wav(NOISE[:65532] * 8, rate=192000, bits=24)),
    ),
    Case(
        "mu-law.wav",
        ACCEPTED,
        from_(lambda k: k.encode("u.wav", "-ar", "8000", "-ac", "1", "-c:a", "pcm_mulaw")),
    ),
    Case("unsigned bytes.wav", ACCEPTED, from_(lambda k: k.encode("u8.wav", "-c:a", "pcm_u8"))),
    Case("adpcm.wav", ACCEPTED, from_(lambda k: k.encode("ad.wav", "-c:a", "adpcm_ms"))),
    Case("a million times too loud.wav", ACCEPTED, floats(times(1e6))),
    Case("silence.wav", "no_loudness", from_(lambda _: wav(bytes(4 * RATE_HZ)))),
    Case("ten milliseconds.wav", "no_loudness", from_(lambda k: wav(k.wav[44 : 44 + 4 * 441]))),
    Case("one sample.wav", "no_loudness", from_(lambda k: wav(k.wav[44:48]))),
    Case(
        "video with sound.mp4",
        ACCEPTED,
        by_ffmpeg(
            "-f",
            "lavfi",
            "-i",
            "testsrc=d=2:s=64x64",
            "-f",
            "lavfi",
            "-i",
            "sine=d=2",
            "-c:v",
            "mpeg4",
            "-c:a",
            "aac",
        ),
    ),
    Case(
        "fragmented.mp4",
        ACCEPTED,
        from_(
            lambda k: k.encode(
                "frag.mp4", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof"
            )
        ),
    ),
    Case("cover.mp3", ACCEPTED, cover(png(300, 300))),
    Case("cover of 256 million pixels.mp3", ACCEPTED, cover(png(16000, 16000))),
    Case("cover of noise.mp3", ACCEPTED, cover(NOISE, "image/jpeg")),
    Case("cover that is a playlist.mp3", ACCEPTED, cover(HLS.encode(), "image/jpeg")),
]

BOMBS = [
    Case(
        "tags.mp3",
        Code.DECODE_TIMEOUT,
        lambda kitchen, path: tagged(
            path,
            kitchen,
            [mutagen.id3.TXXX(encoding=3, desc=f"k{n}", text=["v"]) for n in range(80_000)],
        ),
    ),
    Case(
        "silence of eight channels.flac",
        Code.TOO_LONG,
        by_ffmpeg(
            "-f",
            "lavfi",
            "-i",
            "anullsrc=r=192000:cl=7.1",
            "-t",
            "1500",
            "-c:a",
            "flac",
            "-frame_size",
            "65535",
            "-compression_level",
            "0",
        ),
    ),
]

CASES = [*NOT_MEDIA, *PLAYLISTS, *CUT, *SMASHED, *SHAPES, *FINE, *BOMBS]

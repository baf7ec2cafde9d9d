"""Files that should not have been sent, made here.

Every entry of `CASES`, odd ones that are fine among them, says what the engine must answer: a
code, or ACCEPTED, or ACCEPTED with a warning. Nothing is downloaded and nothing is larger than
a few MB.
"""

from pathlib import Path

import mutagen.id3
import numpy as np
from tests.audio.kitchen import (
    ACCEPTED,
    HLS,
    ID3_EMPTY,
    NOISE,
    Case,
    Kitchen,
    by_ffmpeg,
    cut,
    drop,
    floats,
    from_,
    old_ape,
    png,
    poke,
    put,
    raw,
    short,
    smash,
    tagged,
    untagged,
    wav,
    without_table,
)
from tests.audio.odd import ODD

from sarau.errors import RejectedCode as Code

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
            "70",
            "-c:a",
            "flac",
            "-frame_size",
            "32768",
            "-compression_level",
            "0",
        ),
    ),
]

CASES = [*NOT_MEDIA, *PLAYLISTS, *CUT, *SMASHED, *SHAPES, *ODD, *BOMBS]

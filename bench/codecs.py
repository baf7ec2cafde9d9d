"""How often a lossy file that was made lossless is told, and by what.

    python -m bench.codecs [FOLDER ...] [--tracks 40] [--seconds 20]

Music of the folders (or of bench.likeness's packages, which is lossy itself) is played 8.8 %
faster, so that nothing of its own blocks is left, and stands for a master. Each codec encodes
it, FFmpeg decodes it to FLAC, and the quality report is asked, for the master and all copies.
What lies below -60 dBFS is left out.
"""

import argparse
import json
import random
import tempfile
from collections import Counter
from pathlib import Path

from bench.likeness import MUSIC, download, ffmpeg
from sarau.audio import Engine, Insight

MASTER = (
    "aresample=44100,asetrate=48000,"
    "aresample=44100:filter_size=64:cutoff=0.98:dither_method=triangular"
)
QUIET_DBFS = -60.0
CODECS = {
    "MP3 128": ("mp3", "-b:a", "128k"),
    "MP3 V2": ("mp3", "-q:a", "2"),
    "MP3 V0": ("mp3", "-q:a", "0"),
    "MP3 320": ("mp3", "-b:a", "320k"),
    "AAC 128": ("m4a", "-b:a", "128k"),
    "AAC 256": ("m4a", "-b:a", "256k"),
    "AAC 320": ("m4a", "-b:a", "320k"),
    "Vorbis q4": ("ogg", "-q:a", "4"),
    "Vorbis q6": ("ogg", "-q:a", "6"),
    "Vorbis q9": ("ogg", "-q:a", "9"),
}


def judged(engine: Engine, path: Path) -> Insight:
    found = engine.analyse(path, insight=True).insight
    assert found is not None
    return found


def told(found: Insight) -> str:
    """Return by what the report calls a file lossy: its codec, `wall` or `nothing`."""
    if not any(finding.code == "lossy_source" for finding in found.findings):
        return "nothing"
    return found.codec_trace.codec if found.codec_trace else "wall"


def copies(master: Path, place: Path) -> dict[str, Path]:
    made = {}
    for name, (suffix, *options) in CODECS.items():
        lossy, made[name] = place / f"lossy.{suffix}", place / f"{name}.flac"
        ffmpeg("-i", master, *options, lossy)
        ffmpeg("-i", lossy, "-sample_fmt", "s16", made[name])
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--tracks", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=20)
    asked = parser.parse_args()
    folders = asked.folders or download()
    paths = sorted(path for one in folders for path in one.rglob("*") if path.suffix in MUSIC)
    paths = [path for path in paths if path.stat().st_size > 1 << 19]
    random.Random(1).shuffle(paths)
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("master", *CODECS)}
    tracks = 0
    with Engine() as engine, tempfile.TemporaryDirectory() as name:
        place, master = Path(name), Path(name, "master.flac")
        for path in paths:
            begin = ("-ss", "20", "-t", str(asked.seconds), "-i", path, "-vn", "-ac", "2")
            ffmpeg(*begin, "-af", MASTER, "-sample_fmt", "s16", master)
            found = judged(engine, master)
            if max(one.rms_dbfs or -200.0 for one in found.channels) < QUIET_DBFS:
                continue
            counts["master"][told(found)] += 1
            for codec, copy in copies(master, place).items():
                counts[codec][told(judged(engine, copy))] += 1
            tracks += 1
            if tracks == asked.tracks:
                break
    print(json.dumps({"tracks": tracks, **counts}, indent=1))


if __name__ == "__main__":
    main()

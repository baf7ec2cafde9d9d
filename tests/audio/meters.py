"""Meters and decoders that are not ours: Debian's ffmpeg, from outside."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Heard:
    integrated_lufs: float
    true_peak_dbtp: float


def ebur128(path: Path) -> Heard:
    """Measure a file with ffmpeg's ebur128, a tenth of a decibel exact."""
    log = _run(
        "ffmpeg", "-i", str(path), "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"
    )
    summary = log.stderr[log.stderr.rfind("Summary") :]
    integrated = re.search(r"I:\s+(\S+) LUFS", summary)
    peak = re.search(r"True peak:\s+Peak:\s+(\S+) dBFS", summary)
    assert integrated
    assert peak
    return Heard(float(integrated[1]), float(peak[1]))


def decode(
    path: Path | str, *arguments: str, form: str = "s16le", container: str | None = None
) -> bytes:
    """Return the samples of a file or address; `container` where ffmpeg is not to guess."""
    known = [] if container is None else ["-f", container]
    command = ["ffmpeg", "-v", "error", *known, "-i", str(path), *arguments, "-f", form, "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def probe(path: Path) -> dict[str, object]:
    """Return what ffprobe says of the first stream of sound."""
    log = _run("ffprobe", "-select_streams", "a:0", "-show_streams", "-of", "json", str(path))
    (stream,) = json.loads(log.stdout)["streams"]
    assert isinstance(stream, dict)
    return stream


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program, "-hide_banner", *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )

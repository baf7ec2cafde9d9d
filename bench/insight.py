"""What each part of the quality report costs: CPU-s per minute of music.

    python -m bench.insight FILE [--rounds 3]

The file is decoded once into canonical frames, as the analysis gets them; then each part alone
is given all of them, in turn, round after round. Medians.
"""

import argparse
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from av.audio.frame import AudioFrame

from sarau.audio._canonical import Canonical
from sarau.audio._decode import Source
from sarau.audio._frames import Samples, to_samples
from sarau.audio._meter import Meter
from sarau.audio._types import Limits
from sarau.audio.insight._bits import BitCounter
from sarau.audio.insight._clipping import ClippingFinder
from sarau.audio.insight._fingerprint import Fingerprinter
from sarau.audio.insight._key import KeyFinder
from sarau.audio.insight._levels import Levels
from sarau.audio.insight._mono import Downmixer
from sarau.audio.insight._spectrum import Spectrum
from sarau.audio.insight._tempo import TempoFinder

Part = Callable[[], object]
Piece = tuple[AudioFrame, Samples]


def read(path: Path) -> tuple[Canonical, list[Piece]]:
    fd = os.open(path, os.O_RDONLY)
    try:
        source = Source(fd, Limits())
        canonical = Canonical(source)
        frames = [
            piece
            for frame in itertools.chain(source.frames(), [None])
            for piece in canonical.push(frame)
        ]
    finally:
        os.close(fd)
    return canonical, [(frame, to_samples(frame)) for frame in frames]


def of_samples(pieces: list[Piece], make: Callable[[], object]) -> Part:
    def work() -> None:
        part = make()
        for _, samples in pieces:
            part.push(samples)

    return work


def of_mono(mono: list[Samples], rate_hz: float, make: type[TempoFinder | KeyFinder]) -> Part:
    def work() -> None:
        part = make(rate_hz)
        for piece in mono:
            part.push(piece)
        part.result()

    return work


def of_frames(pieces: list[Piece], make: Callable[[], Fingerprinter | Meter]) -> Part:
    def work() -> None:
        part = make()
        for frame, _ in pieces:
            part.push(frame)
        part.push(None)
        part.result()

    return work


def parts(canonical: Canonical, pieces: list[Piece]) -> dict[str, Part]:
    """Return a function for each part that works through all pieces."""
    rate_hz, layout, channels = canonical.rate_hz, canonical.layout, len(pieces[0][1])
    mixer = Downmixer(rate_hz)
    mono = [mixer.push(samples) for _, samples in pieces]
    return {
        "loudness (for comparison)": of_frames(pieces, lambda: Meter(rate_hz, layout)),
        "levels": of_samples(pieces, lambda: Levels(rate_hz, channels)),
        "clipping": of_samples(pieces, lambda: ClippingFinder(rate_hz, channels)),
        "bits": of_samples(pieces, lambda: BitCounter(16)),
        "spectrum": of_samples(pieces, lambda: Spectrum(rate_hz, channels)),
        "mono for tempo and key": of_samples(pieces, lambda: Downmixer(rate_hz)),
        "tempo": of_mono(mono, mixer.rate_hz, TempoFinder),
        "key": of_mono(mono, mixer.rate_hz, KeyFinder),
        "fingerprint": of_frames(pieces, lambda: Fingerprinter(rate_hz, layout)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    canonical, pieces = read(given.file)
    minutes = sum(frame.samples for frame, _ in pieces) / canonical.rate_hz / 60
    costs: dict[str, list[float]] = {}
    for _ in range(given.rounds):
        for name, work in parts(canonical, pieces).items():
            started = time.process_time()
            work()
            costs.setdefault(name, []).append((time.process_time() - started) / minutes)
    found = {name: round(statistics.median(cost), 4) for name, cost in costs.items()}
    found["all of the report"] = round(sum(list(found.values())[1:]), 3)
    print(json.dumps({"minutes": round(minutes, 2), "cpu_s_per_minute": found}, indent=2))


if __name__ == "__main__":
    main()

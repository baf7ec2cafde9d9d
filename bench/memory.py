"""How much memory a child of the engine needs: the highest resident size (VmHWM) by operation.

The file is pink noise that comes and goes, so loud that the limiter works, as 24 bit FLAC at
96 kHz. It is written anew each time and deleted afterwards.

    python -m bench.memory [--hours 2] [--rate 96000]
"""

import argparse
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sarau.audio import Engine
from sarau.model.preset import PRESETS

PRESET = PRESETS["streaming"]
KB = 1024


def make_source(path: Path, seconds: float, rate_hz: int) -> None:
    """Write noise with peaks that the limiter has to hold."""
    left, right = (
        f"anoisesrc=c=pink:r={rate_hz}:a=0.8:d={seconds}:s={seed},tremolo=f=0.2:d=0.98"
        for seed in (1, 2)
    )
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", left, "-f", "lavfi", "-i", right]
    command += ["-filter_complex", "amerge=inputs=2,volume=-3dB", "-ac", "2"]
    command += ["-c:a", "flac", "-compression_level", "0", "-sample_fmt", "s32"]
    subprocess.run([*command, "-bits_per_raw_sample", "24", str(path)], check=True)


def children(pid: int) -> Iterator[int]:
    """Yield the processes that the zygote `pid` has forked."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from map(int, listed.read_text().split())
        except OSError:
            continue


def highest_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(s.split()[1]) for s in status.splitlines() if s.startswith("VmHWM")), 0)


class Watch:
    """Looks at the children twenty times a second; VmHWM itself forgets nothing."""

    def __init__(self, zygote_pid: int) -> None:
        self._zygote_pid = zygote_pid
        self.peaks_kb: dict[int, int] = {}
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            for pid in children(self._zygote_pid):
                self.peaks_kb[pid] = max(self.peaks_kb.get(pid, 0), highest_kb(pid))
            time.sleep(0.05)

    def take(self) -> float:
        """Return the highest peak of one child since the last call, in MB."""
        seen, self.peaks_kb = self.peaks_kb, {}
        return max(seen.values(), default=0) / KB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--rate", type=int, default=96_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Engine() as engine:
        source = Path(directory) / "long.flac"
        make_source(source, options.hours * 3600, options.rate)
        engine.describe()
        zygote = engine._running()  # noqa: SLF001 - nobody else needs its pid
        print(f"zygote {highest_kb(zygote.pid) / KB:.0f} MB", flush=True)
        watch = Watch(zygote.pid)
        analysis = engine.analyse(source)
        print(f"analyse {watch.take():.0f} MB", flush=True)
        files = engine.render(source, analysis, PRESET, Path(directory))
        print(f"render {watch.take():.0f} MB, limiter {files[0].gain}", flush=True)
        engine.verify(source, analysis, PRESET, files, Path(directory))
        print(f"verify {watch.take():.0f} MB, the highest of one child", flush=True)


if __name__ == "__main__":
    main()

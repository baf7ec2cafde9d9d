"""How much memory the engine needs: the highest resident size of each of its processes.

The file is pink noise that comes and goes, so loud that the limiter works, as 24 bit FLAC at
96 kHz. It is written anew each time and deleted afterwards. A child's peak is what the kernel
tells of it when it has ended (`ru_maxrss`), what it shares with the zygote included.

    python -m bench.memory [--hours 2] [--rate 96000]
"""

import argparse
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sarau.audio import ChildReport, Engine
from sarau.model.preset import PRESETS

PRESET = PRESETS["streaming"]
KB = 1024
MB = KB * KB


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


def own_children() -> Iterator[int]:
    """Yield the processes that this one has started; the zygote is the only one that lasts."""
    for listed in Path("/proc/self/task").glob("*/children"):
        yield from map(int, listed.read_text().split())


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / KB


def tell(report: ChildReport) -> None:
    print(
        f"{report.operation}: {report.max_rss_bytes / MB:.0f} MB"
        f" ({report.duration_s:.0f} s, {report.cpu_s:.0f} CPU-s)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--rate", type=int, default=96_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Engine(on_child=tell) as engine:
        source = Path(directory) / "long.flac"
        make_source(source, options.hours * 3600, options.rate)
        print(f"{source.stat().st_size / MB:.0f} MB of FLAC, limits as in production", flush=True)
        analysis = engine.analyse(source, insight=True)
        files = engine.render(source, analysis, PRESET, Path(directory))
        print(f"the limiter at work: {files[0].gain}", flush=True)
        engine.verify(source, analysis, PRESET, files, Path(directory))
        for zygote in own_children():
            print(f"zygote: {peak_mb(zygote):.0f} MB", flush=True)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB
        print(f"the process that asks: {own:.0f} MB", flush=True)


if __name__ == "__main__":
    main()

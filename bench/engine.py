"""What a track costs: ours against the bare encoders, ffmpeg by hand and ffmpeg-normalize.

CPU seconds per minute of music for the same four outputs (FLAC 5, MP3 V0, AAC 256k, Opus
128k) at -14 LUFS; all contestants take turns on one core, as the same work takes more where
another is busy too. Ours also checks the file, draws the waveform, and decodes and measures
every rendition again.

    python -m bench.engine MUSIC... [--rounds 3] [--normalize PATH]
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.cores import all_cores, on_cores
from bench.cost import cost
from bench.floor import floor_cpu
from sarau.audio import ChildReport, Engine
from sarau.model.preset import PRESETS

PRESET = PRESETS["streaming"]
NORMALIZE = shutil.which("ffmpeg-normalize", path=str(Path(sys.executable).parent))
ENCODERS = {
    "flac.flac": ["-c:a", "flac", "-compression_level", "5", "-sample_fmt", "s16"],
    "mp3.mp3": ["-c:a", "libmp3lame", "-q:a", "0"],
    "aac.m4a": ["-c:a", "aac", "-b:a", "256k", "-movflags", "+faststart"],
    "opus.opus": ["-c:a", "libopus", "-b:a", "128k", "-ar", "48000"],
}
FAST_AAC = ["-aac_coder", "fast", "-aac_pns", "0", "-aac_is", "0"]
"""Our own choice; ffmpeg's default takes over twice as long."""

HELD = [
    "aresample=176400",
    f"alimiter=limit={PRESET.ceiling_dbtp}dB:level=false",
    "aresample=44100",
]
"""True peaks held with what ffmpeg has: its limiter, at four times the samples."""


def ffmpeg(*arguments: str) -> str:
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def measured(source: Path) -> tuple[float, float]:
    """Return the gain to the target in dB, and the true peak with it in dBTP."""
    log = ffmpeg("-i", str(source), "-vn", "-af", "ebur128=peak=true", "-f", "null", "-")
    summary = log[log.rfind("Summary") :]
    loudness, peak = (
        re.search(rf"{name}:\s+(\S+) {unit}", summary)
        for name, unit in (("I", "LUFS"), ("Peak", "dBFS"))
    )
    assert loudness
    assert peak
    assert PRESET.target_lufs is not None
    gain_db = PRESET.target_lufs - float(loudness[1])
    return gain_db, float(peak[1]) + gain_db


def separate(source: Path, out: Path) -> None:
    gain, _ = measured(source)
    for name, options in ENCODERS.items():
        ffmpeg("-i", str(source), "-vn", "-af", f"volume={gain}dB", *options, str(out / name))


def together(source: Path, out: Path, *, fast_aac: bool = False, holds_peaks: bool = False) -> None:
    gain, peak_dbtp = measured(source)
    steps = [f"volume={gain}dB"]
    if holds_peaks and peak_dbtp > PRESET.ceiling_dbtp:
        steps += HELD
    labels = "".join(f"[{index}]" for index in range(len(ENCODERS)))
    graph = f"[0:a]{','.join(steps)},asplit={len(ENCODERS)}{labels}"
    outputs: list[str] = []
    for index, (name, options) in enumerate(ENCODERS.items()):
        more = FAST_AAC if fast_aac and name.startswith("aac") else []
        outputs += ["-map", f"[{index}]", *options, *more, str(out / name)]
    ffmpeg("-i", str(source), "-filter_complex", graph, *outputs)


def normalize(program: str, source: Path, out: Path) -> None:
    for name, options in ENCODERS.items():
        codec, extra = options[1], options[2:]
        command = [program, str(source), "-f", "-t", str(PRESET.target_lufs), "-tp", "-1", "-vn"]
        command += ["-c:a", codec, "-ar", "48000" if codec == "libopus" else "44100"]
        command += [f"--extra-output-options={' '.join(extra)}", "-o", str(out / name)]
        subprocess.run(command, check=True, capture_output=True)


def ours(source: Path, out: Path) -> None:
    with Engine() as engine:
        analysis = engine.analyse(source)
        files = engine.render(source, analysis, PRESET, out)
        engine.verify(source, analysis, PRESET, files, out)


def ours_unverified(source: Path, out: Path) -> None:
    with Engine() as engine:
        engine.render(source, engine.analyse(source), PRESET, out)


def only_analysed(source: Path, _: Path, *, insight: bool = False) -> None:
    with Engine() as engine:
        engine.analyse(source, insight=insight)


def start_up() -> float:
    """Return the CPU seconds of having everything ready that ours needs for a file."""
    children: list[ChildReport] = []

    def start() -> None:
        with Engine(on_child=children.append) as engine:
            engine.describe()

    # The second half of what there is to load is asked for by children that try it.
    return cost(start).cpu_s - sum(child.cpu_s for child in children)


def contestants(program: str | None) -> dict[str, Callable[[Path, Path], None]]:
    found: dict[str, Callable[[Path, Path], None]] = {
        "ours, verified": ours,
        "ours, not verified": ours_unverified,
        "one ffmpeg command": together,
        "one ffmpeg command, true peaks held": partial(together, holds_peaks=True),
        "one ffmpeg command, AAC as fast as ours": partial(together, fast_aac=True),
        "separate ffmpeg commands": separate,
    }
    if program:
        found["ffmpeg-normalize"] = partial(normalize, program)
    return found | {
        "(our analysis alone)": only_analysed,
        "(our analysis with the quality report)": partial(only_analysed, insight=True),
    }


Round = dict[str, list[float]]
"""The CPU seconds of each contestant for each source."""


def measure_round(sources: list[Path], program: str | None, start_s: float) -> Round:
    """Let all take turns. As in `sarau process`, an engine starts once for all files."""
    found: Round = {}
    for source in sources:
        found.setdefault("floor", []).append(floor_cpu(source))
        for name, work in contestants(program).items():
            with tempfile.TemporaryDirectory() as out:
                spent_s = cost(partial(work, source, Path(out))).cpu_s
            has_started = name.startswith(("our", "(our")) and name in found
            found.setdefault(name, []).append(spent_s - start_s if has_started else spent_s)
    return found


def least(rounds: list[Round]) -> Round:
    """Return what each needed at best: a busy host only adds to it."""
    return {
        name: [min(each) for each in zip(*(one[name] for one in rounds), strict=True)]
        for name in rounds[0]
    }


def bench(sources: dict[str, Path], rounds: int, program: str | None) -> str:
    with Engine() as engine:
        analyses = {kind: engine.analyse(source) for kind, source in sources.items()}
    minutes = [analysis.source.duration_s / 60 for analysis in analyses.values()]
    with on_cores(all_cores()[-1:]):
        start_s = min(start_up() for _ in range(2 * rounds))
        found = [measure_round(list(sources.values()), program, start_s) for _ in range(rounds)]
    tracks = [
        f"| {kind} | {analysis.loudness.integrated_lufs} | {analysis.loudness.true_peak_dbtp} |"
        for kind, analysis in analyses.items()
    ]
    told = (
        f"{sum(minutes):.1f} minutes of music, {rounds} rounds, all on one core; of each track"
        " the round with the least. Each of ours includes one start of the engine"
        f" ({start_s:.2f} CPU-s)."
    )
    best = least(found)
    return "\n".join([told, "", *table(best, minutes), "", *by_track(best, tracks, minutes)])


def table(found: Round, minutes: list[float]) -> list[str]:
    lines = ["| | CPU-s/min | x floor | ours, verified, is |", "|---|---|---|---|"]
    floor_s, ours_s = (sum(found[name]) for name in ("floor", "ours, verified"))
    for name, each_s in found.items():
        total_s = sum(each_s)
        ratios = f"{total_s / floor_s:.2f} | {ours_s / total_s:.2f} x"
        lines.append(f"| {name} | {total_s / sum(minutes):.2f} | {ratios} |")
    return lines


def by_track(found: Round, tracks: list[str], minutes: list[float]) -> list[str]:
    names = ["floor", "ours, verified", "one ffmpeg command"]
    lines = [
        "| track | LUFS | dBTP | " + " | ".join(f"{name}, CPU-s/min" for name in names) + " |",
        "|---|---|---|" + "---|" * len(names),
    ]
    for index, row in enumerate(tracks):
        cells = [f"{found[name][index] / minutes[index]:.2f}" for name in names]
        lines.append(f"{row} " + " | ".join(cells) + " |")
    return lines


def wall(sources: dict[str, Path], rounds: int) -> str:
    """Compare the wall time of ours with that of one ffmpeg command, both on all cores."""
    walls: dict[str, list[float]] = {"ours, verified": [], "one ffmpeg command": []}
    for source in sources.values():
        for name, found in walls.items():
            costs = []
            for _ in range(rounds):
                with tempfile.TemporaryDirectory() as out:
                    costs.append(cost(partial(contestants(None)[name], source, Path(out))).wall_s)
            found.append(min(costs))
    total = {name: sum(found) for name, found in walls.items()}
    told = ", ".join(f"{name} {each:.1f} s" for name, each in total.items())
    ratio = total["ours, verified"] / total["one ffmpeg command"]
    return f"Wall time of the same on all {len(all_cores())} cores: {told} ({ratio:.2f} x)."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("music", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--normalize", default=NORMALIZE)
    options = parser.parse_args()
    sources = {path.stem: path for path in options.music}
    print(bench(sources, options.rounds, options.normalize))
    print(wall(sources, options.rounds))


if __name__ == "__main__":
    main()

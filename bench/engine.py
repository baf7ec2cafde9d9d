"""What a track costs: ours against the bare encoders, ffmpeg by hand and ffmpeg-normalize.

CPU seconds per minute of music for the same four outputs (FLAC 5, MP3 V0, AAC 256k, Opus
128k) at -14 LUFS; all contestants take turns. Ours also checks the file, draws the
waveform, and decodes and measures every rendition again.

    python -m bench.engine MUSIC... [--rounds 3] [--normalize PATH]
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.cost import Cost, cost
from bench.floor import floor_cpu
from sarau.audio import Engine
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


def ffmpeg(*arguments: str) -> str:
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def gain_db(source: Path) -> float:
    log = ffmpeg("-i", str(source), "-vn", "-af", "ebur128=peak=true", "-f", "null", "-")
    found = re.search(r"I:\s+(\S+) LUFS", log[log.rfind("Summary") :])
    assert found
    assert PRESET.target_lufs is not None
    return PRESET.target_lufs - float(found[1])


def separate(source: Path, out: Path) -> None:
    gain = gain_db(source)
    for name, options in ENCODERS.items():
        ffmpeg("-i", str(source), "-vn", "-af", f"volume={gain}dB", *options, str(out / name))


def together(source: Path, out: Path, *, fast_aac: bool = False) -> None:
    gain = gain_db(source)
    labels = "".join(f"[{index}]" for index in range(len(ENCODERS)))
    graph = f"[0:a]volume={gain}dB,asplit={len(ENCODERS)}{labels}"
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


def start_up() -> None:
    """Have everything ready that ours needs for a file; the engine gets the last of it late."""
    with Engine() as engine:
        engine.describe()


def contestants(program: str | None) -> dict[str, Callable[[Path, Path], None]]:
    found: dict[str, Callable[[Path, Path], None]] = {
        "ours, verified": ours,
        "ours, not verified": ours_unverified,
        "one ffmpeg command": together,
        "one ffmpeg command, AAC as fast as ours": partial(together, fast_aac=True),
        "separate ffmpeg commands": separate,
    }
    if program:
        found["ffmpeg-normalize"] = partial(normalize, program)
    return found | {
        "(our analysis alone)": only_analysed,
        "(our analysis with the quality report)": partial(only_analysed, insight=True),
    }


Round = dict[str, list[Cost]]
"""What each contestant needed for each source."""


def measure_round(sources: list[Path], program: str | None, base: Cost) -> Round:
    """Let all take turns. As in `sarau process`, an engine starts once for all files."""
    found: Round = {}
    for source in sources:
        found.setdefault("floor", []).append(Cost(floor_cpu(source)))
        for name, work in contestants(program).items():
            with tempfile.TemporaryDirectory() as out:
                spent = cost(partial(work, source, Path(out)))
            has_started = name.startswith(("our", "(our")) and name in found
            found.setdefault(name, []).append(spent - base if has_started else spent)
    return found


def bench(sources: dict[str, Path], rounds: int, program: str | None) -> str:
    with Engine() as engine:
        analyses = {kind: engine.analyse(source) for kind, source in sources.items()}
    minutes = [analysis.source.duration_s / 60 for analysis in analyses.values()]
    bases = [cost(start_up) for _ in range(rounds)]
    base = Cost(
        statistics.median(each.cpu_s for each in bases),
        statistics.median(each.wall_s for each in bases),
    )
    found = [measure_round(list(sources.values()), program, base) for _ in range(rounds)]
    tracks = [
        f"| {kind} | {analysis.loudness.integrated_lufs} | {analysis.loudness.true_peak_dbtp} |"
        for kind, analysis in analyses.items()
    ]
    return "\n".join([*table(found, minutes, base), "", *by_track(found, tracks, minutes)])


def table(found: list[Round], minutes: list[float], base: Cost) -> list[str]:
    told = f"{sum(minutes):.1f} minutes of music, {len(found)} rounds."
    lines = [
        f"{told} Each of ours includes one start of the engine ({base.cpu_s:.2f} CPU-s).",
        "",
        "| | CPU-s/min, median | x floor, lowest | x floor, median | wall s/min, median |",
        "|---|---|---|---|---|",
    ]
    for name in found[0]:
        totals = [sum(each[name], Cost()) for each in found]
        floors = [sum(each["floor"], Cost()).cpu_s for each in found]
        ratios = [total.cpu_s / floor for total, floor in zip(totals, floors, strict=True)]
        cpu = statistics.median(total.cpu_s for total in totals) / sum(minutes)
        wall = statistics.median(total.wall_s for total in totals) / sum(minutes)
        shown = f"{wall:.2f}" if wall else ""
        low, middle = min(ratios), statistics.median(ratios)
        lines.append(f"| {name} | {cpu:.2f} | {low:.2f} | {middle:.2f} | {shown} |")
    return lines


def by_track(found: list[Round], tracks: list[str], minutes: list[float]) -> list[str]:
    names = ["floor", "ours, verified", "one ffmpeg command"]
    lines = [
        "| track | LUFS | dBTP | " + " | ".join(f"{name}, CPU-s/min" for name in names) + " |",
        "|---|---|---|" + "---|" * len(names),
    ]
    for index, row in enumerate(tracks):
        cells = [
            f"{statistics.median(each[name][index].cpu_s for each in found) / minutes[index]:.2f}"
            for name in names
        ]
        lines.append(f"{row} " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("music", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--normalize", default=NORMALIZE)
    options = parser.parse_args()
    sources = {path.stem: path for path in options.music}
    print(bench(sources, options.rounds, options.normalize))


if __name__ == "__main__":
    main()

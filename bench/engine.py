"""What a track costs: ours against the bare encoders, ffmpeg by hand and ffmpeg-normalize.

CPU seconds per minute of music for the same four outputs (FLAC 5, MP3 V0, AAC 256k, Opus
128k) at -14 LUFS; all contestants take turns, the median of the rounds counts. Ours also
checks the file, draws the waveform, and decodes and measures every rendition again.

    python bench/engine.py MUSIC... [--rounds 3] [--normalize PATH] [--markdown FILE]
"""

import argparse
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sarau.audio import Engine
from sarau.model.preset import PRESETS

PRESET = PRESETS["streaming"]
ENCODERS = {
    "flac.flac": ["-c:a", "flac", "-compression_level", "5"],
    "mp3.mp3": ["-c:a", "libmp3lame", "-q:a", "0"],
    "aac.m4a": ["-c:a", "aac", "-b:a", "256k", "-movflags", "+faststart"],
    "opus.opus": ["-c:a", "libopus", "-b:a", "128k", "-ar", "48000"],
}


@dataclass(frozen=True)
class Cost:
    cpu_s: float
    wall_s: float


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cost(work: Callable[[], None]) -> Cost:
    """Run `work`, whose children have all been waited for when it returns."""
    cpu, wall = children_cpu(), time.perf_counter()
    work()
    return Cost(children_cpu() - cpu, time.perf_counter() - wall)


def ffmpeg(*arguments: str) -> str:
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-y", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stderr


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


def together(source: Path, out: Path) -> None:
    gain = gain_db(source)
    labels = "".join(f"[{index}]" for index in range(len(ENCODERS)))
    graph = f"[0:a]volume={gain}dB,asplit={len(ENCODERS)}{labels}"
    outputs: list[str] = []
    for index, (name, options) in enumerate(ENCODERS.items()):
        outputs += ["-map", f"[{index}]", *options, str(out / name)]
    ffmpeg("-i", str(source), "-filter_complex", graph, *outputs)


def normalize(program: str) -> Callable[[Path, Path], None]:
    def work(source: Path, out: Path) -> None:
        for name, options in ENCODERS.items():
            codec, extra = options[1], options[2:]
            command = [
                program,
                str(source),
                "-f",
                "-t",
                str(PRESET.target_lufs),
                "-tp",
                "-1",
                "-vn",
            ]
            command += ["-c:a", codec, "-ar", "48000" if codec == "libopus" else "44100"]
            command += [f"--extra-output-options={' '.join(extra)}", "-o", str(out / name)]
            subprocess.run(command, check=True, capture_output=True)

    return work


def ours(source: Path, out: Path) -> None:
    with Engine() as engine:
        analysis = engine.analyse(source)
        files = engine.render(source, analysis, PRESET, out)
        engine.verify(source, analysis, PRESET, files, out)


def ours_unverified(source: Path, out: Path) -> None:
    with Engine() as engine:
        engine.render(source, engine.analyse(source), PRESET, out)


def start_up() -> None:
    """Do what ours does before it touches a file."""
    with Engine() as engine:
        engine.describe()


def run_floor(source: Path) -> None:
    """Decode once and feed the encoders frames they need not convert, writing nothing."""
    from sarau.audio._libraries import load_libraries  # noqa: PLC0415 - LAME comes first

    load_libraries()
    import av  # noqa: PLC0415 - after LAME

    from sarau.audio._formats import TRAITS, bitrate_bps, codec_options  # noqa: PLC0415

    with av.open(str(source)) as container:
        decoded = list(container.decode(container.streams.audio[0]))
    rate_hz = decoded[0].sample_rate
    for spec in PRESET.renditions:
        traits = TRAITS[spec.format]
        context = av.CodecContext.create(traits.codec, "w")
        context.sample_rate = 48_000 if spec.name == "opus" else rate_hz
        context.layout = "stereo"
        context.format = {"flac": "s16", "libopus": "flt"}.get(traits.codec, "fltp")
        context.options = codec_options(spec)
        rate_bps = bitrate_bps(spec, 2)
        if rate_bps:
            context.bit_rate = rate_bps
        context.open()
        resampler = av.AudioResampler(
            context.format.name, "stereo", context.sample_rate, context.frame_size or 4096
        )
        prepared = [each for frame in [*decoded, None] for each in resampler.resample(frame)]
        spent = time.thread_time()
        for frame in [*prepared, None]:
            context.encode(frame)
        print(spec.name, round(time.thread_time() - spent, 3), flush=True)
    spent = time.thread_time()
    with av.open(str(source)) as container:
        for _ in container.decode(container.streams.audio[0]):
            pass
    print("decode", round(time.thread_time() - spent, 3), flush=True)


def floor_cpu(source: Path) -> float:
    done = subprocess.run(
        [sys.executable, __file__, "--floor", str(source)],
        check=True,
        capture_output=True,
        text=True,
    )
    return sum(float(line.split()[1]) for line in done.stdout.splitlines())


def bench(sources: list[Path], rounds: int, program: str | None) -> str:
    contestants = {
        "ours, verified": ours,
        "ours, not verified": ours_unverified,
        "one ffmpeg command, asplit": together,
        "separate ffmpeg commands": separate,
    }
    if program:
        contestants["ffmpeg-normalize"] = normalize(program)
    found: dict[str, list[Cost]] = {name: [] for name in ["floor", *contestants]}
    minutes = 0.0
    with Engine() as engine:
        for source in sources:
            minutes += engine.analyse(source).source.duration_s / 60
    base = cost(start_up)
    for _ in range(rounds):
        total = {name: Cost(0, 0) for name in found}
        for source in sources:
            total["floor"] = Cost(total["floor"].cpu_s + floor_cpu(source), 0)
            for name, work in contestants.items():
                with tempfile.TemporaryDirectory() as out:
                    spent = cost(partial(work, source, Path(out)))
                less = base.cpu_s if name.startswith("ours") else 0.0
                total[name] = Cost(
                    total[name].cpu_s + spent.cpu_s - less, total[name].wall_s + spent.wall_s
                )
        for name, each in total.items():
            found[name].append(each)
    return table(found, minutes, base, rounds)


def table(found: dict[str, list[Cost]], minutes: float, base: Cost, rounds: int) -> str:
    bottom = statistics.median(each.cpu_s for each in found["floor"]) / minutes
    started = f"start-up of the engine {base.cpu_s:.2f} CPU-s, {base.wall_s:.2f} s"
    lines = [
        f"{minutes:.1f} minutes of music, median of {rounds} rounds; {started}",
        "",
        "| | CPU-s/min | x floor | wall s/min |",
        "|---|---|---|---|",
    ]
    for name, costs in found.items():
        cpu = statistics.median(each.cpu_s for each in costs) / minutes
        wall = statistics.median(each.wall_s for each in costs) / minutes
        shown = f"{wall:.2f}" if wall else ""
        lines.append(f"| {name} | {cpu:.2f} | {cpu / bottom:.2f} | {shown} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("music", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--normalize", default=shutil.which("ffmpeg-normalize"))
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--floor", type=Path)
    options = parser.parse_args()
    if options.floor:
        run_floor(options.floor)
        return
    text = bench(options.music, options.rounds, options.normalize)
    print(text)
    if options.markdown:
        options.markdown.write_text(f"# What the engine costs\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

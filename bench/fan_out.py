"""One long track, made by one worker and by two, each of them with one core to itself.

`python -m bench.fan_out [MINUTES]` prints how much sooner two are done, and whether the
bytes are the same; `python -m bench.fan_out costs` what each format costs, which is how
the work is divided (audio/_division.py). Both on real music. By the clock it needs a
machine without anything beside it; CPU seconds on the longest way through need none.
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from tests.music import real_music
from tests.servers import Server, Worker

from bench.cores import all_cores, on_cores
from sarau.audio import ChildReport, Engine, SandboxMode
from sarau.catalog import Database
from sarau.catalog.tables import events, renditions
from sarau.model.preset import PRESETS, Format, RenditionSpec

PRESET = PRESETS["streaming"]
VORBIS = RenditionSpec("vorbis", Format.VORBIS, quality=6)
COSTED = replace(PRESET, renditions=(*PRESET.renditions, VORBIS))
MINUTES = 30.0
TIMEOUT_S = 900.0
CACHE = Path(__file__).parent / ".cache"


def long_track(minutes: float) -> Path:
    """Return real music over and over again, as 16 bit FLAC at 44.1 kHz."""
    CACHE.mkdir(exist_ok=True)
    target = CACHE / f"long-{minutes:g}.flac"
    if not target.exists():
        command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(real_music()[0])]
        command += ["-t", str(minutes * 60), "-ar", "44100", "-sample_fmt", "s16", "-f", "flac"]
        subprocess.run([*command, str(target)], check=True)
    return target


@dataclass(frozen=True)
class Made:
    """How long a track took, by its own events, and what came of it."""

    whole_s: float
    """From the beginning of its examination until it was ready."""
    rendering_s: float
    """From the beginning of rendering."""
    analysis_cpu_s: float
    hands_cpu_s: list[float]
    """Of rendering and verifying, for each worker that had some of it."""
    objects: dict[str, str]


def make(source: Path, cores: list[int], room: Path) -> Made:
    """Have a track made by one worker on each of `cores`."""
    environment = {"SARAU_WORKERS": "1", "SARAU_DIVIDE_S": "60", "SARAU_LOG": "json"}
    web = Server(room / "data", "--no-worker", **environment).start()
    workers = []
    try:
        for number, core in enumerate(cores):
            with on_cores([core]):
                workers.append(Worker(web.data, room / f"{number}.log", **environment))
        for worker in workers:
            worker.wait_until_it_says("runs at once")
        time.sleep(6)  # until every worker has been seen, and has settled
        track_id = web.send(source, preset=PRESET.name)["id"]
        track = web.wait_for(track_id, "ready", "failed", "rejected", timeout_s=TIMEOUT_S)
        if track["state"] != "ready":
            raise SystemExit(f"it did not become ready: {track}")
    finally:
        for worker in workers:
            with suppress(ProcessLookupError):
                worker.end()
        web.kill()
    told = [told_by(room / f"{number}.log") for number in range(len(cores))]
    return read(web.data / "sarau.db", track_id, told)


def told_by(log: Path) -> dict[str, float]:
    """Return the CPU seconds of a worker's engine by operation, as its log tells them."""
    found: dict[str, float] = {}
    for line in log.read_text().splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("message") == "engine child":
            operation = event["operation"]
            found[operation] = found.get(operation, 0.0) + event["cpu_s"]
    return found


def read(path: Path, track_id: str, told: list[dict[str, float]]) -> Made:
    database = Database(f"sqlite:///{path}")
    try:
        with database.read() as connection:
            rows = connection.execute(
                sa.select(events.c.kind, events.c.at, events.c.data)
                .where(events.c.track_id == track_id)
                .order_by(events.c.number)
            ).all()
            objects = connection.execute(
                sa.select(renditions.c.name, renditions.c.object_sha256)
            ).all()
    finally:
        database.close()
    begun = {row.data["stage"]: row.at for row in reversed(rows) if row.kind == "run.stage"}
    ready = next(row.at for row in rows if row.kind == "track.ready")
    return Made(
        (ready - begun["validate"]).total_seconds(),
        (ready - begun["render"]).total_seconds(),
        sum(one.pop("analyse", 0.0) for one in told),
        [sum(one.values()) for one in told if one],
        {row.name: row.object_sha256 for row in objects},
    )


def compare(minutes: float) -> None:
    source = long_track(minutes)
    cores = all_cores()[:2]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        alone = make(source, cores[:1], Path(one))
        both = make(source, cores, Path(two))
    made = (alone, both)
    print(f"{minutes:g} minutes of real music, preset {PRESET.name}, one core for each worker\n")
    print("| | 1 worker | 2 workers | sooner |\n|---|---|---|---|")
    for what, first, second in (
        ("examined to ready, by the clock", alone.whole_s, both.whole_s),
        ("rendered to ready, by the clock", alone.rendering_s, both.rendering_s),
        ("examined to ready, CPU", *(one.analysis_cpu_s + max(one.hands_cpu_s) for one in made)),
        ("rendered to ready, CPU", *(max(one.hands_cpu_s) for one in made)),
    ):
        print(f"| {what} | {first:.1f} s | {second:.1f} s | {first / second:.2f} x |")
    print(f"\nCPU seconds of the hands: {alone.hands_cpu_s}, {both.hands_cpu_s}")
    print(f"{len(both.objects)} renditions, the same bytes: {alone.objects == both.objects}")


def costs() -> None:
    """Print the CPU seconds of each format for a minute of music."""
    source = long_track(2)
    told: list[ChildReport] = []
    with Engine(sandbox=SandboxMode.BEST_EFFORT, on_child=told.append) as engine:
        analysis = engine.analyse(source, insight=True)
        minutes = analysis.source.duration_s / 60
        analysing_s = sum(one.cpu_s for one in told) / minutes
        rendering: dict[str, float] = {}
        verifying: dict[str, float] = {}
        parts = [(spec,) for spec in COSTED.renditions]
        for part in [*parts, COSTED.renditions]:
            preset, name = replace(COSTED, renditions=part), "+".join(one.name for one in part)
            with tempfile.TemporaryDirectory() as room:
                told.clear()
                files = engine.render(source, analysis, preset, Path(room))
                rendering[name] = sum(one.cpu_s for one in told) / minutes
                told.clear()
                engine.verify(source, analysis, preset, files, Path(room))
                verifying[name] = sum(one.cpu_s for one in told) / minutes
    *alone, together = rendering
    # What each of them paid for the decode that they share when made together.
    decoding_s = (sum(rendering[one] for one in alone) - rendering[together]) / (len(alone) - 1)
    print(f"analysis {analysing_s:.2f}, decode and level {decoding_s:.2f} CPU-s/min\n")
    print("| | encode | verify | CPU-s/min |\n|---|---|---|---|")
    for one in alone:
        encoding_s = rendering[one] - decoding_s
        total_s = encoding_s + verifying[one]
        print(f"| {one} | {encoding_s:.2f} | {verifying[one]:.2f} | {total_s:.2f} |")


def main() -> None:
    arguments = sys.argv[1:]
    if arguments == ["costs"]:
        costs()
    else:
        compare(float(arguments[0]) if arguments else MINUTES)


if __name__ == "__main__":
    main()

"""How long `sarau process` takes before the first decode, and one file on one core and on two.

    python -m bench.startup FILE [--rounds 5]

A file that is refused by its first bytes costs everything that comes before decoding, and
the end of the process besides.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.cores import all_cores, on_cores
from bench.cost import Cost, cost

SARAU = Path(sys.executable).parent / "sarau"


def process(source: Path) -> Cost:
    with tempfile.TemporaryDirectory() as out:
        command = [str(SARAU), "process", str(source), "--to", out, "--json"]
        return cost(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=False))


def start_up(rounds: int) -> str:
    with tempfile.NamedTemporaryFile(suffix=".wav") as refused:
        refused.write(b"no sound")
        refused.flush()
        found = [process(Path(refused.name)) for _ in range(rounds)]
    walls = [each.wall_s for each in found]
    cpu = statistics.median(each.cpu_s for each in found)
    return (
        f"`sarau process` of a file that is refused by its first bytes, {rounds} times:"
        f" {min(walls):.2f} s at best, {statistics.median(walls):.2f} s median, {cpu:.2f} CPU-s."
    )


def by_cores(source: Path, rounds: int) -> str:
    """Compare the wall time of one file on one core with that on all of them."""
    every = all_cores()
    walls: dict[int, list[float]] = {1: [], len(every): []}
    for _ in range(rounds):
        for count, found in walls.items():
            with on_cores(every[:count]):
                found.append(process(source).wall_s)
    best = {count: min(found) for count, found in walls.items()}
    told = " ".join(f"{wall:.1f} s on {count}." for count, wall in best.items())
    return f"One whole file from end to end, best of {rounds}, by cores: {told}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(start_up(options.rounds))
    print(by_cores(options.file, options.rounds))


if __name__ == "__main__":
    main()

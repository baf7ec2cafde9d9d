"""Write what a fuzzer begins with: `python -m tests.fuzz.corpus DIRECTORY`.

The hostile files of the tests, each for the parser of its container and for the sniffer.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.audio.hostile import CASES
from tests.audio.kitchen import Kitchen
from tests.fuzz.targets import CONTAINERS
from tests.lookup.test_acoustid import KNOWN

from sarau.audio import Waveform, _sniff, to_plain
from sarau.model.fingerprint import Fingerprint

_MOST_BYTES = 64 * 1024


def seeds(kitchen: Kitchen, place: Path) -> dict[str, bytes]:
    """Return inputs by name; big files are represented by their beginning."""
    found = {}
    for number, case in enumerate(CASES):
        path = place / case.name
        case.make(kitchen, path)
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES)
        path.unlink()
        container = _sniff.container_of(data) or "mp3"
        if container in CONTAINERS:
            found[f"{number}-{container}"] = bytes([CONTAINERS.index(container)]) + data
        found[f"{number}-sniff"] = bytes([len(CONTAINERS)]) + data[:4096]
    waveform = json.dumps(to_plain(Waveform(44_100, 1, 256, 8, bytes(range(32)))))
    found["waveform"] = bytes([len(CONTAINERS) + 1]) + waveform.encode()
    fingerprint = json.dumps(to_plain(Fingerprint(bytes(range(256)))))
    found["fingerprint"] = bytes([len(CONTAINERS) + 1]) + fingerprint.encode()
    found["answer"] = bytes([len(CONTAINERS) + 2]) + json.dumps(KNOWN).encode()
    return found


def main() -> None:
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        made = seeds(Kitchen(place), place)
    for name, data in made.items():
        (target / name).write_bytes(data)
    print(f"{len(made)} inputs in {target}")


if __name__ == "__main__":
    main()

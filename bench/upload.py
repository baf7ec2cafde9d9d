"""Uploads: what a gigabyte costs, and how many small files go through in a second.

CPU seconds are the server process's and its children's, from /proc, with everything the
kernel does in their name. All servers run at once and take turns, round by round, so that
a busy machine treats them alike; the best round of each counts.

    python -m bench.upload [large|small|memory ...] [--rounds 3] [--peers nginx sarau]

For `small` there are two peers more, which show how low a server of ours could go: `answers`
only reads bodies, `writes` puts them on disk and into no catalog (serve_floor.py).
"""

import argparse
import hashlib
import http.client
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.upload_peers import FLOORS, Peer, install, running
from sarau.intake.appender import STEP_BYTES

GIB = 1 << 30
GB = GIB / 1e9
PEERS = ("nginx", "sarau", "@tus/server", "tuspyserver")
TICKS = os.sysconf("SC_CLK_TCK")
OFFSET_TYPE = "application/offset+octet-stream"
HASHED_AT_ONCE = 1 << 20
"""As many bytes as the server hashes at once."""


def processes(pid: int) -> list[int]:
    found = [pid]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += processes(int(child))
    return found


def cpu_s(peer: Peer) -> float:
    total = 0
    for pid in processes(peer.pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def rss_bytes(peer: Peer) -> int:
    pages = sum(
        int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in processes(peer.pid)
    )
    return pages * os.sysconf("SC_PAGE_SIZE")


class Pinger(threading.Thread):
    """Asks for a page that does nothing all the time, and notes how long it took."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(daemon=True)
        self.peer, self.times_s, self.stopped = peer, list[float](), False

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.peer.port)
        while not self.stopped:
            start = time.perf_counter()
            connection.request("GET", self.peer.ping)
            connection.getresponse().read()
            self.times_s.append(time.perf_counter() - start)
            time.sleep(0.02)

    def p99_ms(self) -> float:
        self.stopped = True
        self.join()
        return statistics.quantiles(self.times_s, n=100)[98] * 1000


def create(peer: Peer, size: int) -> str:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size)}
    request = urllib.request.Request(f"{peer.url}/files/", method="POST", headers=headers)
    path = urllib.request.urlopen(request).headers["location"]
    return path if path.startswith("http") else f"{peer.url}{path}"


def send(peer: Peer, file: Path) -> None:
    command = ["curl", "-sS", "--fail", "-o", "/dev/null", "-T", str(file), "-H", "Expect:"]
    if peer.tus:
        location = create(peer, file.stat().st_size)
        for header in ("Tus-Resumable: 1.0.0", "Upload-Offset: 0", f"Content-Type: {OFFSET_TYPE}"):
            command += ["-H", header]
        command += ["-X", "PATCH", location]
    else:
        command += [f"{peer.url}/files/body"]
    subprocess.run(command, check=True)


@dataclass(frozen=True)
class Large:
    cpu_s: float
    """A gigabyte (not a gibibyte)."""
    wall_s: float
    p99_ms: float


def hash_s() -> float:
    """Return what SHA-256 of a gigabyte takes by itself, from memory that was just written."""
    view = memoryview(bytearray(os.urandom(HASHED_AT_ONCE)))
    hasher, start = hashlib.sha256(), time.thread_time()
    for _ in range(GIB // len(view)):
        hasher.update(view)
    return (time.thread_time() - start) / GB


def sync_s(body: Path) -> float:
    """Return the CPU time of `fdatasync` alone for a gigabyte, called as often as the server does.

    The kernel writes back in the name of who asks for it; what nobody asks for is nobody's.
    """
    spent = 0.0
    with tempfile.NamedTemporaryFile(prefix="sarau-bench-") as copy, body.open("rb") as file:
        while piece := file.read(HASHED_AT_ONCE):
            copy.raw.write(piece)
            if copy.tell() % STEP_BYTES == 0:
                start = time.thread_time()
                os.fdatasync(copy.fileno())
                spent += time.thread_time() - start
    return spent / GB


def one_large(peer: Peer, body: Path) -> Large:
    """Send the body twice: alone, for what it costs, and while a page is asked for."""
    before, start = cpu_s(peer), time.perf_counter()
    send(peer, body)
    wall_s = time.perf_counter() - start
    spent_s = cpu_s(peer) - before
    peer.forget_files()
    pinger = Pinger(peer)
    pinger.start()
    send(peer, body)
    found = Large(spent_s / GB, wall_s / GB, pinger.p99_ms())
    peer.forget_files()
    return found


def in_turns(names: Sequence[str], rounds: int, work: Callable[[Peer], None]) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(running(name)) for name in names]
        for _ in range(rounds):
            for peer in peers:
                work(peer)


def large(names: Sequence[str], rounds: int) -> str:
    found: dict[str, list[Large]] = {name: [] for name in names}
    hashed, synced = list[float](), list[float]()
    with tempfile.NamedTemporaryFile(prefix="sarau-bench-") as body:
        for _ in range(GIB >> 20):
            body.write(os.urandom(1 << 20))
        body.flush()

        def work(peer: Peer) -> None:
            if peer.name == "sarau":
                hashed.append(hash_s())
                synced.append(sync_s(Path(body.name)))
            found[peer.name].append(one_large(peer, Path(body.name)))

        in_turns(names, rounds, work)
    bottom = min((each.cpu_s for each in found.get("nginx", [])), default=math.nan)
    alone, sync = min(hashed), min(synced)
    lines = [
        "## A body of 1 GiB\n",
        f"Best of {rounds} rounds, sent by curl: alone, and again while a page is asked for.",
        "SHA-256 and `fdatasync` were measured alone in the same run.\n",
        "| | CPU-s/GB | x nginx | MB/s | other requests' p99 ms | on disk when answered |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        cpu = min(one.cpu_s for one in each)
        rate = 1000 / min(one.wall_s for one in each)
        p99 = min(one.p99_ms for one in each)
        durable = "yes" if name == "sarau" else "no"
        lines.append(
            f"| {name} | {cpu:.2f} | {cpu / bottom:.2f} | {rate:.0f} | {p99:.1f} | {durable} |"
        )
        if name == "sarau":
            bare = cpu - alone
            lines.append(f"| - of which SHA-256 | {alone:.2f} | | | | |")
            lines.append(f"| - all but SHA-256 | {bare:.2f} | {bare / bottom:.2f} | | | |")
            lines.append(f"| - of which `fdatasync` | {sync:.2f} | {sync / bottom:.2f} | | | |")
    return "\n".join(lines)


def one_small(peer: Peer, count: int, at_once: int, size: int) -> tuple[float, float, float]:
    """Return requests a second, the 99th percentile in ms, and the server's CPU ms a request."""
    client = Path(__file__).parent / "small_client.py"
    kind = "tus" if peer.tus else "put"
    before = cpu_s(peer)
    command = [sys.executable, str(client), *map(str, (peer.port, count, at_once, size)), kind]
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    peer.forget_files()
    p99_ms = statistics.quantiles(said["times_s"], n=100)[98] * 1000
    return count / said["wall_s"], p99_ms, (cpu_s(peer) - before) / count * 1000


def small(
    names: Sequence[str], rounds: int, count: int = 1000, at_once: int = 16, size: int = 200_000
) -> str:
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}

    def work(peer: Peer) -> None:
        if not found[peer.name]:
            one_small(peer, 100, at_once, size)
        found[peer.name].append(one_small(peer, count, at_once, size))

    in_turns(names, rounds, work)
    node = max((each[0] for each in found.get("@tus/server", [])), default=math.nan)
    lines = [
        f"## {count} files of {size // 1000} kB\n",
        f"Created with their bodies, {at_once} at once; best of {rounds} rounds.\n",
        "| | requests/s | x @tus/server | p99 ms | CPU ms a request | on disk when answered |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        rate, p99, _ = max(each)
        cpu = min(one[2] for one in each)
        durable = {"sarau": "yes", "writes": "its bytes"}.get(name, "no")
        lines.append(
            f"| {name} | {rate:.0f} | {rate / node:.2f} | {p99:.0f} | {cpu:.2f} | {durable} |"
        )
    return "\n".join(lines)


def memory(names: Sequence[str], _rounds: int, at_once: int = 50, size: int = 32 << 20) -> str:
    lines = [
        f"## Memory while {at_once} bodies of {size >> 20} MiB arrive at once\n",
        "| | idle MB | more MB |",
        "|---|---|---|",
    ]
    with tempfile.NamedTemporaryFile(prefix="sarau-bench-") as body:
        body.write(os.urandom(size))
        body.flush()
        for name in names:
            with running(name) as peer:
                send(peer, Path(body.name))
                idle = most = rss_bytes(peer)
                senders = [threading.Thread(target=send, args=(peer, Path(body.name)))
                           for _ in range(at_once)]  # fmt: skip
                for sender in senders:
                    sender.start()
                while any(sender.is_alive() for sender in senders):
                    most = max(most, rss_bytes(peer))
                    time.sleep(0.01)
            lines.append(f"| {name} | {idle / 1e6:.0f} | {(most - idle) / 1e6:.0f} |")
    return "\n".join(lines)


PARTS: dict[str, Callable[[Sequence[str], int], str]] = {
    "large": large,
    "small": small,
    "memory": memory,
}


def bench(parts: Sequence[str], names: Sequence[str], rounds: int) -> str:
    install()
    written = []
    for part in parts:
        written.append(PARTS[part](names, rounds))
        print(f"\n{written[-1]}", flush=True)
    return "\n\n".join(written)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=[*PEERS, *FLOORS], default=PEERS)
    options = parser.parse_args()
    bench(options.parts or list(PARTS), options.peers, options.rounds)


if __name__ == "__main__":
    main()

"""Uploads: what a gigabyte costs, and how many small files go through in a second.

Every figure is of the server process and its children: CPU seconds from /proc, so
that a busy machine changes them little. `python -m bench.upload [large|small|memory]`.
"""

import asyncio
import contextlib
import hashlib
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from bench.upload_peers import Peer, install, running

GIB = 1 << 30
PEERS = ("nginx", "sarau", "@tus/server", "tuspyserver")
TICKS = os.sysconf("SC_CLK_TCK")
OFFSET_TYPE = "application/offset+octet-stream"


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
    """Asks for /ping all the time and notes how long it took."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(daemon=True)
        self.peer, self.times_s, self.stopped = peer, list[float](), False

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.peer.port)
        while not self.stopped:
            start = time.perf_counter()
            connection.request("GET", "/ping")
            connection.getresponse().read()
            self.times_s.append(time.perf_counter() - start)
            time.sleep(0.005)

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


def large(rounds: int = 3) -> None:
    with tempfile.NamedTemporaryFile(prefix="sarau-bench-") as body:
        block = os.urandom(1 << 20)
        for _ in range(GIB >> 20):
            body.write(block)
        body.flush()
        start = time.process_time()
        hasher, view = hashlib.sha256(), memoryview(bytearray(512 << 10))
        with Path(body.name).open("rb", buffering=0) as source:
            while source.readinto(view):
                pass
            read_s, start = time.process_time() - start, time.process_time()
            for _ in range(GIB // len(view)):
                hasher.update(view)
        gb = GIB / 1e9
        hash_s = (time.process_time() - start) / gb
        print(
            f"\n1 GiB body to file, best of {rounds} (reading it alone {read_s / gb:.2f} CPU-s/GB)"
        )
        print(f"{'':14}{'CPU-s/GB':>10}{'x nginx':>9}{'MB/s':>8}{'ping p99 ms':>13}")
        print(f"{'SHA-256 alone':14}{hash_s:10.2f}")
        base = 0.0
        for number, name in enumerate(PEERS):
            with running(name, 18200 + number) as peer:
                results = [one_large(peer, Path(body.name)) for _ in range(rounds)]
            cpu = min(result[0] for result in results) / gb
            base = base or cpu
            rate = GIB / 1e6 / min(result[1] for result in results)
            p99 = min(result[2] for result in results)
            print(f"{name:14}{cpu:10.2f}{cpu / base:9.2f}{rate:8.0f}{p99:13.1f}", flush=True)
            if name == "sarau":
                bare = cpu - hash_s
                print(f"{'  less hash':14}{bare:10.2f}{bare / base:9.2f}")


def one_large(peer: Peer, body: Path) -> tuple[float, float, float]:
    pinger = Pinger(peer)
    before, start = cpu_s(peer), time.perf_counter()
    pinger.start()
    send(peer, body)
    wall_s = time.perf_counter() - start
    p99_ms = pinger.p99_ms()
    return cpu_s(peer) - before, wall_s, p99_ms


async def small_client(peer: Peer, numbers: list[int], body: bytes, times_s: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
    while numbers:
        number = numbers.pop()
        what = "POST /files/" if peer.tus else f"PUT /files/{number}"
        head = f"{what} HTTP/1.1\r\nHost: 127.0.0.1:{peer.port}\r\nContent-Length: {len(body)}\r\n"
        if peer.tus:
            head += f"Tus-Resumable: 1.0.0\r\nUpload-Length: {len(body)}\r\n"
            head += f"Content-Type: {OFFSET_TYPE}\r\nUpload-Metadata: filename c29uZy5mbGFj\r\n"
        start = time.perf_counter()
        writer.write(head.encode() + b"\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 204")), answer
        for line in answer.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.partition(b":")[2]))
            if line == b"transfer-encoding: chunked":
                await reader.readuntil(b"0\r\n\r\n")
        times_s.append(time.perf_counter() - start)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def small_run(peer: Peer, count: int, at_once: int) -> tuple[float, float]:
    body, times_s = os.urandom(200_000), list[float]()
    numbers = list(range(count))
    start = time.perf_counter()
    await asyncio.gather(*(small_client(peer, numbers, body, times_s) for _ in range(at_once)))
    rate = count / (time.perf_counter() - start)
    return rate, statistics.quantiles(times_s, n=100)[98] * 1000


def small(count: int = 1000, at_once: int = 16, rounds: int = 3) -> None:
    print(
        f"\n{count} files of 200 kB, created with their body, {at_once} at once, best of {rounds}"
    )
    print(f"{'':14}{'req/s':>8}{'p99 ms':>9}{'CPU ms/req':>12}  durable")
    for number, name in enumerate(PEERS):
        with running(name, 18210 + number) as peer:
            asyncio.run(small_run(peer, 50, at_once))
            before = cpu_s(peer)
            results = [asyncio.run(small_run(peer, count, at_once)) for _ in range(rounds)]
            cpu_ms = (cpu_s(peer) - before) / count / rounds * 1000
        rate, p99 = max(results)
        durable = "yes" if name == "sarau" else "no"
        print(f"{name:14}{rate:8.0f}{p99:9.0f}{cpu_ms:12.2f}  {durable}", flush=True)


def memory(at_once: int = 50, size: int = 32 << 20) -> None:
    print(f"\nMemory while {at_once} bodies of {size >> 20} MiB arrive at once")
    with tempfile.NamedTemporaryFile(prefix="sarau-bench-") as body:
        body.write(os.urandom(size))
        body.flush()
        for number, name in enumerate(PEERS):
            with running(name, 18220 + number) as peer:
                send(peer, Path(body.name))
                idle = most = rss_bytes(peer)
                senders = [threading.Thread(target=send, args=(peer, Path(body.name)))
                           for _ in range(at_once)]  # fmt: skip
                for sender in senders:
                    sender.start()
                while any(sender.is_alive() for sender in senders):
                    most = max(most, rss_bytes(peer))
                    time.sleep(0.01)
            print(
                f"{name:14}{idle / 1e6:8.0f} MB idle{(most - idle) / 1e6:8.0f} MB more", flush=True
            )


def main() -> None:
    install()
    chosen = sys.argv[1:] or ["large", "small", "memory"]
    for name in chosen:
        {"large": large, "small": small, "memory": memory}[name]()


if __name__ == "__main__":
    main()

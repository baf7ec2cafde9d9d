"""Creates uploads with their bodies over several connections and prints what it took.

A process of its own, with a thread and a blocking socket for each connection, so that it
costs little: 0.06 ms of CPU for 200 kB. Usage: small_client.py PORT COUNT AT_ONCE SIZE tus|put
"""

import json
import os
import resource
import socket
import sys
import threading
import time

OFFSET_TYPE = "application/offset+octet-stream"


class Client:
    def __init__(self, port: int, count: int, size: int, kind: str) -> None:
        self._port = port
        self._kind = kind
        self._numbers = iter(range(count))
        self._lock = threading.Lock()
        self._body = os.urandom(size)
        self.times_s: list[float] = []
        self.bad: list[bytes] = []

    def _request(self, number: int) -> bytes:
        what = "POST /files/" if self._kind == "tus" else f"PUT /files/{os.getpid()}-{number}"
        lines = [f"{what} HTTP/1.1", f"Host: 127.0.0.1:{self._port}"]
        lines += [f"Content-Length: {len(self._body)}"]
        if self._kind == "tus":
            lines += ["Tus-Resumable: 1.0.0", f"Upload-Length: {len(self._body)}"]
            lines += [f"Content-Type: {OFFSET_TYPE}", "Upload-Metadata: filename c29uZy5mbGFj"]
        return "\r\n".join([*lines, "", ""]).encode() + self._body

    def run(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with self._lock:
                    number = next(self._numbers, None)
                if number is None:
                    return
                started = time.perf_counter()
                connection.sendall(self._request(number))
                answer = receive(connection)
                self.times_s.append(time.perf_counter() - started)
                if not answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 204")):
                    self.bad.append(answer)
                    return


def receive(connection: socket.socket) -> bytes:
    """Return one answer, its body included."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        got = connection.recv(1 << 16)
        if not got:
            return b"the connection was closed: " + answer
        answer += got
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(one[15:]) for one in lines if one.startswith(b"content-length:")), 0)
    chunked = b"transfer-encoding: chunked" in lines
    while len(body) < length or (chunked and not body.endswith(b"0\r\n\r\n")):
        body += connection.recv(1 << 16)
    return answer


def main() -> None:
    port, count, at_once, size = map(int, sys.argv[1:5])
    client = Client(port, count, size, sys.argv[5])
    threads = [threading.Thread(target=client.run) for _ in range(at_once)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - started
    if client.bad:
        sys.exit(f"refused: {client.bad[0][:500]!r}")
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = spent.ru_utime + spent.ru_stime
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "times_s": client.times_s}))


if __name__ == "__main__":
    main()

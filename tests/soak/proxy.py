"""A bad line: it hands each connection to the next server, slows it, and breaks it on demand.

It knows nothing of uploads. Every request gets a connection of its own, so that
consecutive requests of one upload reach different servers.
"""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Sequence

_BLOCK = 1 << 16
BREAK_AFTER_BYTES = 200_000
STALL_S = 1.5


class Proxy:
    """Listens on a port of its own, for one client.

    Args:
        ports: The servers', taken in turn.
        bytes_per_s: How fast a connection takes bytes from the client.
        troubles: What happens to the next connections that have sent 200 kB: `cut` ends
            both sides; `stall` stops, ends the client's side, and leaves the server
            waiting for the rest, as a router that lost its state does.

    """

    def __init__(
        self, ports: Sequence[int], *, bytes_per_s: float, troubles: Sequence[str] = ()
    ) -> None:
        self.left = list(troubles)
        self._turns = itertools.cycle(ports)
        self._bytes_per_s = bytes_per_s
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        try:
            with self._lock:
                port = next(self._turns)
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            _end(client)
            return
        self._open.add(server)
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            if self._forward(client, server):
                return  # the server is left in the belief that more will come
        back.join()
        _end(client)
        _end(server)

    def _forward(self, client: socket.socket, server: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (got := client.recv(_BLOCK)):
                _shut(server)
                return False
            head += got
        lines, _, body = head.partition(b"\r\n\r\n")
        kept = [one for one in lines.split(b"\r\n") if not one.lower().startswith(b"connection:")]
        server.sendall(b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body)
        sent = len(body)
        while got := client.recv(_BLOCK):
            server.sendall(got)
            sent += len(got)
            time.sleep(len(got) / self._bytes_per_s)
            if sent > BREAK_AFTER_BYTES and (trouble := self._next_trouble()):
                if trouble == "stall":
                    time.sleep(STALL_S)
                    _end(client)
                    return True
                _end(client)
                _end(server)
                return False
        _shut(server)
        return False

    def _next_trouble(self) -> str | None:
        with self._lock:
            return self.left.pop(0) if self.left else None


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while got := source.recv(_BLOCK):
            target.sendall(got)
    _shut(target)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_WR)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

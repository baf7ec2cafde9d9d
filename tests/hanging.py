"""A door before PostgreSQL behind which it can hang: bytes are taken, and nothing comes back."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

_BYTES = 1 << 16


class HangingDoor:
    """Passes on between a port and a server's socket, until it is told to swallow."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._swallows = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self) -> None:
        """Take every byte from now on, of old connections and of new ones, and pass on none."""
        self._swallows.set()

    def heal(self) -> None:
        """Serve new connections; those that were open meanwhile stay silent for ever."""
        self._swallows = threading.Event()

    def close(self) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._target))
                self._open += [client, server]
                swallows = self._swallows
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=(*pair, swallows), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, swallows: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(_BYTES):
            if not swallows.is_set():
                target.sendall(data)
        # What hangs says no goodbye either.
        if not swallows.is_set():
            target.shutdown(socket.SHUT_WR)

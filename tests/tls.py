"""A certificate authority and a door with TLS before a PostgreSQL that has none."""

import socket
import ssl
import struct
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SSL_REQUEST = 80877103
_GSS_REQUEST = 80877104
_BYTES = 1 << 16


@dataclass(frozen=True)
class Authority:
    """A CA with a key of its own."""

    certificate: Path
    key: Path

    @classmethod
    def make(cls, directory: Path) -> "Authority":
        directory.mkdir()
        made = cls(directory / "ca.pem", directory / "ca.key")
        _openssl(
            *("req", "-x509", *_new_key(made.key), "-out", made.certificate),
            *("-subj", "/CN=test authority", "-days", "1"),
        )
        return made

    def issue(self, directory: Path, name: str) -> ssl.SSLContext:
        """Return what a server needs that is called `name`."""
        key, request, certificate, extensions = (
            directory / f"server.{end}" for end in ("key", "csr", "pem", "ext")
        )
        _openssl("req", *_new_key(key), "-out", request, "-subj", f"/CN={name}")
        extensions.write_text(f"subjectAltName=DNS:{name}\n")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key),
            *("-CAcreateserial", "-extfile", extensions, "-days", "1", "-out", certificate),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def _new_key(path: Path) -> list[str | Path]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class TlsDoor:
    """Lets in over TLS only, as `hostssl` does, and passes on to a server's socket.

    The test's PostgreSQL is built without TLS. What checks a certificate is libpq, which
    speaks to this door as to any server: it asks for TLS in PostgreSQL's own words.
    """

    def __init__(self, context: ssl.SSLContext, target: Path) -> None:
        self._context = context
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.let_in = 0
        self.turned_away = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                secured = self._secure(client)
            except OSError:  # ssl.SSLError is one
                self.turned_away += 1
                return
            with secured:
                try:
                    said = self._admit(secured)
                except OSError:
                    self.turned_away += 1
                    return
                self.let_in += 1
                with socket.socket(socket.AF_UNIX) as server:
                    server.connect(str(self._target))
                    server.sendall(said)
                    _pass_on(secured, server)

    def _admit(self, _client: ssl.SSLSocket) -> bytes:
        """Let in who has come so far; what was heard of him is passed on first."""
        return b""

    def _secure(self, client: socket.socket) -> ssl.SSLSocket:
        while True:
            _length, code = struct.unpack("!II", client.recv(8, socket.MSG_WAITALL))
            if code == _SSL_REQUEST:
                client.sendall(b"S")
                return self._context.wrap_socket(client, server_side=True)
            if code != _GSS_REQUEST:
                raise ConnectionError("no TLS was asked for")
            client.sendall(b"N")


def _pass_on(one: ssl.SSLSocket, other: socket.socket) -> None:
    """Copy both ways until either side ends; a TLS socket may be used by two threads so."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_BYTES):
                target.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=copy, args=(other, one), daemon=True)
    back.start()
    copy(one, other)
    back.join()

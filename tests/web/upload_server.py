"""A server of uploads on a real port, one process, killed and started again at will."""

import base64
import http.client
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests import nursery

from sarau.catalog import Database, listing, uploads
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.track import Track
from sarau.model.upload import Upload

SERVER = Path(__file__).parent / "serve_uploads.py"
TUS = {"Tus-Resumable": "1.0.0"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class UploadServer:
    directory: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    process: nursery.Forked | subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def files(self) -> str:
        return f"{self.url}/files/"

    def start(self) -> "UploadServer":
        arguments = [str(SERVER), str(self.directory), str(self.port), *self.options]
        self.process = nursery.start(arguments)
        # Certificates are dear to read, and a client that asks often reads none of them.
        with httpx.Client(verify=False) as client:
            while True:
                try:
                    client.get(f"{self.url}/ping")
                except httpx.TransportError:
                    assert self.process.poll() is None, "the server did not start"
                    time.sleep(0.02)
                else:
                    return self

    def stop(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait()

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def catalog(self) -> Database:
        return Database(f"sqlite:///{self.directory / 'sarau.db'}")

    def upload(self, location: str) -> Upload:
        database = self.catalog()
        with database.read() as connection:
            found = uploads.get(connection, location.rpartition("/")[2])
        database.close()
        return found

    def tracks(self) -> list[Track]:
        database = self.catalog()
        with database.read() as connection:
            found = listing.page(connection, LOCAL_USER_ID, limit=1000)
        database.close()
        return list(found)

    def second(self) -> "UploadServer":
        """Return another process over the same volume and catalog."""
        return UploadServer(self.directory, options=self.options).start()

    def content(self, location: str) -> bytes:
        return (self.directory / "intake" / "uploads" / location.rpartition("/")[2]).read_bytes()

    # What the tests of one verb need to get to it.

    def create(self, size: int, **headers: str) -> str:
        answer = httpx.post(self.files, headers=TUS | {"Upload-Length": str(size)} | headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    def patch(
        self, location: str, offset: int, body: Any, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        basic = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return httpx.patch(location, content=body, headers=TUS | basic | (headers or {}))

    def offset(self, location: str) -> int:
        answer = httpx.head(location, headers=TUS)
        assert answer.status_code == 200
        return int(answer.headers["upload-offset"])

    @staticmethod
    def metadata(**pairs: str) -> str:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in pairs.items()}
        return ",".join(f"{key} {value}" for key, value in encoded.items())

    @staticmethod
    def read_answer(opened: socket.socket) -> tuple[int, dict[str, str]]:
        answer = http.client.HTTPResponse(opened)
        answer.begin()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}

    def send_part(self, location: str, offset: int, size: int, part: bytes) -> socket.socket:
        """Declare a body of `size`, send only `part` of it, and leave the connection open."""
        opened = socket.create_connection(("127.0.0.1", self.port))
        opened.sendall(
            f"PATCH /files/{location.rpartition('/')[2]} HTTP/1.1\r\nHost: x\r\n"
            f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\nContent-Length: {size}\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n".encode()
        )
        opened.sendall(part)
        return opened

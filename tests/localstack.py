"""LocalStack's S3 and SQS in a process of this test run, and a wire to them that can break."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

PYTHON = Path(__file__).parent.parent / ".localstack" / "bin" / "python"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_START_S = 90


@contextmanager
def localstack(
    directory: Path, *, host: str = "127.0.0.1", within: Sequence[str] = ()
) -> Iterator[str]:
    """Run LocalStack until the block ends; give its address.

    `within` is a command that runs another one somewhere else, where `host` is an address.
    """
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "GATEWAY_LISTEN": f"{host}:{port}",
        "SERVICES": "s3,sqs",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "S3_SKIP_SIGNATURE_VALIDATION": "0",
        "DNS_ADDRESS": "0",
        # Addresses of queues that need no name server.
        "LOCALSTACK_HOST": f"{host}:{port}",
        "SQS_ENDPOINT_STRATEGY": "path",
        "FILESYSTEM_ROOT": str(directory / "files"),
    }
    log = directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*within, PYTHON, "-m", "localstack.runtime.main"],
            env=environment,
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            url = f"http://{host}:{port}"
            _wait(process, url, log)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/_localstack/health", trust_env=False).is_success:
                return
        time.sleep(0.2)
    raise AssertionError("LocalStack did not start:\n" + log.read_text()[-3000:])


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Wire:
    """A TCP connection to a server that can be cut, at once or after so many bytes."""

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.is_cut = False
        self.is_stalled = False
        """Take connections and bytes, and carry none."""
        self.up_bytes: int | None = None
        """Cut the next connection that has sent so many bytes to the server, once."""
        self.down_bytes: int | None = None
        """As above, of bytes from the server."""
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        self.is_cut = True
        for one in list(self._open):
            _shut(one)

    def stall(self) -> None:
        self.is_stalled = True

    def mend(self) -> None:
        self.is_cut = self.is_stalled = False

    def close(self) -> None:
        _shut(self._server)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if self.is_cut:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._open |= {near, far}
                for way in ((near, far, "up_bytes"), (far, near, "down_bytes")):
                    thread = threading.Thread(target=self._carry, args=way, daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _carry(self, one: socket.socket, other: socket.socket, way: str) -> None:
        carried = 0
        with suppress(OSError):
            while data := one.recv(65536):
                while self.is_stalled and not self.is_cut:
                    time.sleep(0.05)
                carried += len(data)
                limit = getattr(self, way)
                if limit is not None and carried > limit:
                    setattr(self, way, None)
                    break
                other.sendall(data)
        for each in (one, other):
            _shut(each)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)

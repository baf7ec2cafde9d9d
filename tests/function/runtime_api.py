"""What stands around a function in AWS: the Runtime API, and the event source mapping of a queue.

The function's own process is Amazon's runtime client (`awslambdaric`) in a clean Python,
over the unpacked packages and nothing else.
"""

import json
import os
import queue
import signal
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".lambda" / "runtime" / "bin" / "python"
HANDLER = "sarau.function.handler.handle"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
"""X-Ray's, of every invocation."""


@dataclass
class Invocation:
    event: Any
    deadline_ms: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    done: threading.Event = field(default_factory=threading.Event)
    kind: str = "ended"
    """`response` or `error`; `ended` when the process died first."""
    answer: Any = None


class RuntimeApi:
    """The Runtime API of 2018-06-01, for one function at a time."""

    def __init__(self) -> None:
        self._next: queue.Queue[Invocation] = queue.Queue()
        self._open: dict[str, Invocation] = {}
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                pass

            def do_GET(self) -> None:
                found = api._next.get()
                body = json.dumps(found.event).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", found.id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(found.deadline_ms))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::sarau")
                self.send_header("Lambda-Runtime-Trace-Id", TRACE)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self._body()
                *_, request_id, kind = self.path.split("/")
                found = api._open.get(request_id)
                if found is not None:
                    found.kind, found.answer = kind, json.loads(body or b"null")
                    found.done.set()
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _body(self) -> bytes:
                if length := self.headers.get("Content-Length"):
                    return self.rfile.read(int(length))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, invocation: Invocation) -> None:
        self._open[invocation.id] = invocation
        self._next.put(invocation)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Function:
    """The function, started when it is first needed and again after it was killed."""

    def __init__(self, packages: Path, directory: Path, **environment: str) -> None:
        self._api = RuntimeApi()
        self._task = packages / "task"
        self._log = directory / "function.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "PYTHONPATH": str(packages / "opt" / "python"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "sarau",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
            "LAMBDA_TASK_ROOT": str(self._task),
            "SARAU_DATA": str(directory / "tmp"),
            **environment,
        }

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def invoke(self, event: Any, *, seconds: float = 900, wait: bool = True) -> Invocation:
        """Call the function; without `wait` its answer comes later."""
        self._start()
        found = Invocation(event, int((time.time() + seconds) * 1000))
        self._api.put(found)
        if wait:
            self.wait_for(found)
        return found

    def wait_for(self, found: Invocation) -> None:
        """Wait for an answer, or for the end of the process."""
        while not found.done.wait(0.05):
            if self._process is None or self._process.poll() is not None:
                return

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [PYTHON, "-m", "awslambdaric", HANDLER],
                cwd=self._task,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it as Lambda does when its time is over: everything at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        self._api.close()


def sqs_event(messages: list[Any]) -> dict[str, Any]:
    """Return messages of SQS as Lambda gives them to a function."""
    return {
        "Records": [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": one.get("Attributes", {}),
                "messageAttributes": {},
                "eventSource": "aws:sqs",
            }
            for one in messages
        ]
    }

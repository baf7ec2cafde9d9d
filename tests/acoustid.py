"""A service that answers as AcoustID's documentation says, on this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Service:
    """Answers every question with the same bytes, and keeps the questions."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    questions: list[dict[str, list[str]]] = field(default_factory=list)
    stall: threading.Event | None = None


@contextmanager
def serve() -> Iterator[Service]:
    """Listen on a free port."""
    found = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            found.questions.append(parse_qs(self.rfile.read(length).decode()))
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(found.body)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            if found.stall is not None:
                found.stall.wait(30)
            self.wfile.write(found.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/v2/lookup"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()

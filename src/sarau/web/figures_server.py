"""`/metrics` of a process that serves nothing else: a worker."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from sarau.app import WorkerApp
from sarau.settings import Settings
from sarau.web.doors import Doors, check_may_listen
from sarau.web.metrics import CONTENT_TYPE, Metrics

_PATIENCE_S: Final = 10

_logger = logging.getLogger(__name__)


@contextmanager
def serving_figures(app: WorkerApp, settings: Settings, port: int) -> Iterator[None]:
    """Answer `GET /metrics` and `GET /healthz` on a port until the block ends.

    With a token set, figures are for those who bring it, as on a server.

    Raises:
        RefusedError: `token_required`, on any address but loopback without a token.

    """
    check_may_listen(settings)
    doors = Doors(settings.token, settings.public_url, settings.host)
    metrics = Metrics(app)

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        timeout = _PATIENCE_S

        def do_GET(self) -> None:
            scheme, _, given = self.headers.get("Authorization", "").partition(" ")
            is_known = not settings.token or (
                scheme.lower() == "bearer" and doors.is_token(given.strip())
            )
            if self.path == "/healthz":
                self._answer(200, "application/json", b'{"status":"ok"}')
            elif self.path != "/metrics":
                self._answer(404, "text/plain", b"there is only /metrics and /healthz\n")
            elif not is_known:
                self._answer(401, "text/plain", b"no token, or another one\n")
            else:
                self._answer(200, CONTENT_TYPE, metrics.text())

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            if status == 401:  # noqa: PLR2004 - HTTP's own number
                self.send_header("WWW-Authenticate", "Bearer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            _logger.debug(format, *args)

    with ThreadingHTTPServer((settings.host, port), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="figures", daemon=True)
        thread.start()
        host, found = server.server_address[:2]
        _logger.info("figures are at http://%s:%s/metrics", host, found)
        try:
            yield
        finally:
            server.shutdown()
            thread.join()

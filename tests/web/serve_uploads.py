"""A server of nothing but uploads, started by tests as a process of its own.

Usage: serve_uploads.py DIRECTORY PORT [NAME=VALUE ...]; a second process may serve the
same directory. DIRECTORY gets the volume `intake` and the database `sarau.db`.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sarau.catalog import Database
from sarau.catalog.schema import migrate
from sarau.intake import Intake
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.storage import Volume
from sarau.web import reception, request_head
from sarau.web.body_sink import SinkProtocol
from sarau.web.plain_upload import PlainUpload
from sarau.web.tus import TusApp


def count(_connection: sa.Connection, _received: Sequence[tuple[Upload, Track]]) -> None:
    """Stand where the pipeline starts a run; the tests read the catalog instead."""


def build(directory: Path, options: dict[str, str]) -> tuple[Starlette, Intake]:
    database = Database(f"sqlite:///{directory / 'sarau.db'}")
    migrate(database.engine)
    volume = Volume.open(
        directory / "intake", "intake", reserve_bytes=int(options.get("reserve", "0"))
    )
    intake = Intake(
        database,
        volume,
        max_upload_bytes=int(options.get("max", str(1 << 40))),
        expiry_s=float(options.get("expiry", "3600")),
        on_received=count,
    )
    intake.recover()
    tus = TusApp(intake, public_url=None, owner_of=lambda _scope: LOCAL_USER_ID)

    async def ping(_request: Request) -> Response:
        return JSONResponse("pong")

    plain = PlainUpload(intake, database, owner_of=lambda _scope: LOCAL_USER_ID)
    routes = [
        Mount("/files", tus),
        Route("/api/v1/tracks", plain, methods=["POST"]),
        Route("/ping", ping),
    ]
    return Starlette(routes=routes), intake


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    directory, port = Path(sys.argv[1]), int(sys.argv[2])
    options: dict[str, Any] = dict(option.split("=", 1) for option in sys.argv[3:])
    # What takes a minute in earnest.
    request_head.HEAD_S = float(options.get("head", request_head.HEAD_S))
    reception.IDLE_S = float(options.get("idle", reception.IDLE_S))
    app, _ = build(directory, options)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        http=options.get("http", SinkProtocol),
        loop=options.get("loop", "uvloop"),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()

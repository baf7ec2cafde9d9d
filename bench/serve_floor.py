"""What an upload costs our protocol before there is a catalog: servers that only answer.

`answers` reads each body in a thread and answers; `writes` hashes it and writes it to a file,
whose bytes are on disk when it answers, and whose name nobody syncs.
Usage: serve_floor.py DIRECTORY PORT answers|writes
"""

import gc
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from sarau.intake.files import Files
from sarau.model.ids import UploadId, new_id
from sarau.storage import Volume
from sarau.web.body_sink import SinkProtocol
from sarau.web.reception import Body, Content


def build(files: Files, kind: str) -> ASGIApp:
    def work(content: Content) -> None:
        if kind == "writes":
            files.make_whole(UploadId(new_id()), content)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(scope, receive)
        if not body.ended:
            await body.hand_over(work)
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body"})

    return app


def main() -> None:
    directory, port, kind = sys.argv[1:]
    volume = Volume.open(Path(directory) / "intake", "intake", reserve_bytes=0)
    config = uvicorn.Config(
        build(Files(volume), kind),
        port=int(port),
        http=SinkProtocol,
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    gc.collect()
    gc.freeze()
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()

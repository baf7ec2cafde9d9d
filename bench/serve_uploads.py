"""The whole server as `sarau serve --no-worker` builds it, but without promotion.

The peers only receive. So does this: every upload passes the doors, is written to disk D,
becomes a track and has its run queued; nobody works on the runs, because that is not what
is measured. Usage: serve_uploads.py DIRECTORY PORT
"""

import gc
import sys
from pathlib import Path

import uvicorn

from sarau.app import open_app
from sarau.observe import logs
from sarau.settings import Settings
from sarau.web.server import configure


def main() -> None:
    logs.configure("text")
    settings = Settings(data=Path(sys.argv[1]), port=int(sys.argv[2]))
    with open_app(settings, work=False) as app:
        config = configure(app)
        gc.collect()
        gc.freeze()
        uvicorn.Server(config).run()


if __name__ == "__main__":
    main()

"""The servers that uploads are measured against, each as its own project advises.

nginx comes from the system's packages; @tus/server from npm and tuspyserver from PyPI
are installed into a folder of their own, once.
"""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(tempfile.gettempdir()) / "sarau-bench"
SERVER = Path(__file__).parent / "serve_uploads.py"
FLOOR = Path(__file__).parent / "serve_floor.py"
FLOORS = ("answers", "writes")
"""Our own protocol with next to nothing behind it."""

NGINX = """
daemon off; worker_processes {workers}; error_log stderr error; pid {root}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0; client_body_buffer_size 1m;
  client_body_temp_path {root}/temp; keepalive_requests 100000;
  server {{
    listen 127.0.0.1:{port} backlog=1024; root {root}/www;
    location /files/ {{ dav_methods PUT; create_full_put_path on; }}
    location /ping {{ return 200 pong; }}
  }}
}}
"""

TUS_NODE = """
import http from 'node:http'
import {{ Server }} from '@tus/server'
import {{ FileStore }} from '@tus/file-store'
const tus = new Server({{ path: '/files', datastore: new FileStore({{ directory: '{root}' }}) }})
http.createServer((request, response) => {{
  if (request.url === '/ping') return response.end('pong')
  return tus.handle(request, response)
}}).listen({port}, '127.0.0.1')
"""

TUSPY = """
import uvicorn
from fastapi import FastAPI
from tuspyserver import create_tus_router
app = FastAPI()
app.include_router(create_tus_router(files_dir="{root}", prefix="files", max_size=1 << 40))
@app.get("/ping")
def ping():
    return "pong"
uvicorn.run(app, host="127.0.0.1", port={port}, log_level="error", access_log=False)
"""

FILES = {"nginx": "www/files", **dict.fromkeys(("sarau", *FLOORS), "intake/uploads")}
"""Where peers put what they receive, below their root; else right there."""


@dataclass(frozen=True)
class Peer:
    name: str
    port: int
    pid: int
    tus: bool
    root: Path
    files: str
    """Where it puts what it receives, below its root."""
    ping: str
    """A path that does nothing."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def forget_files(self) -> None:
        """Remove what was received, so that every round gets the same memory and disk again."""
        for file in (self.root / self.files).iterdir():
            if file.is_file() and file.suffix not in {".conf", ".pid", ".py", ".log"}:
                file.unlink()


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def install() -> None:
    """Install the peers, where they are missing."""
    if not Path("/usr/sbin/nginx").exists():
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "nginx-light")
    node = CACHE / "node"
    if not (node / "node_modules" / "@tus" / "server").exists():
        node.mkdir(parents=True, exist_ok=True)
        (node / "package.json").write_text('{"type": "module", "private": true}')
        _run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
             "@tus/server@2.4.5", "@tus/file-store@2.1.1", cwd=node)  # fmt: skip
    if not (CACHE / "tuspy" / "bin" / "python").exists():
        _run(sys.executable, "-m", "venv", str(CACHE / "tuspy"))
        pip = str(CACHE / "tuspy" / "bin" / "pip")
        _run(
            pip, "install", "-q", "tuspyserver==4.4.3", "fastapi", "uvicorn", "uvloop", "httptools"
        )


def _command(name: str, root: Path, port: int) -> list[str]:
    if name == "nginx":
        for folder in ("temp", "www/files"):
            (root / folder).mkdir(parents=True)
        config = root / "nginx.conf"
        config.write_text(NGINX.format(root=root, port=port, workers=2))
        (root / "www").chmod(0o777)
        (root / "www" / "files").chmod(0o777)
        root.chmod(0o755)
        return ["nginx", "-p", str(root), "-c", str(config)]
    if name == "@tus/server":
        script = CACHE / "node" / "server.js"
        script.write_text(TUS_NODE.format(root=root, port=port))
        return ["node", str(script)]
    if name == "tuspyserver":
        script = root / "server.py"
        script.write_text(TUSPY.format(root=root, port=port))
        return [str(CACHE / "tuspy" / "bin" / "python"), str(script)]
    if name in FLOORS:
        return [sys.executable, str(FLOOR), str(root), str(port), name]
    return [sys.executable, str(SERVER), str(root), str(port)]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(name: str) -> Iterator[Peer]:
    """Run a server until the block ends; its files are thrown away."""
    with tempfile.TemporaryDirectory(prefix="sarau-bench-") as folder:
        port, root = _free_port(), Path(folder)
        with (root / "server.log").open("wb") as log:
            process = subprocess.Popen(_command(name, root, port), stderr=log)
        peer = Peer(
            name,
            port,
            process.pid,
            tus=name != "nginx",
            root=root,
            files=FILES.get(name, ""),
            ping="/healthz" if name == "sarau" else "/ping",
        )
        try:
            _wait(peer, process)
            yield peer
        finally:
            process.terminate()
            process.wait()


def _wait(peer: Peer, process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            urllib.request.urlopen(f"{peer.url}{peer.ping}").read()
        except OSError:
            if process.poll() is not None:
                raise RuntimeError(f"{peer.name} did not start") from None
            time.sleep(0.05)
        else:
            return

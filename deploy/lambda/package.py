"""Build what Lambda takes: the function's code, and two layers with what it stands on.

Everything comes from requirements/lambda.lock with its hashes. The same commit gives the
same bytes: names are sorted, times are 1980, and what an installer writes about itself is
left out. Each zip is small enough to be uploaded directly, all of them unpacked are small
enough for a function; more is an error.
"""

import argparse
import hashlib
import shutil
import subprocess  # noqa: TID251 - a tool of the repository, not of the product
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MAX_ZIP_BYTES = 50 << 20
"""What an upload may have that does not go by S3."""
MAX_UNPACKED_BYTES = 250 << 20
"""Of the function and its layers together."""
PYTHON = "3.13"
MACHINES = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
"""Lambda's names, and the platforms whose wheels its Amazon Linux 2023 loads."""
_ROOMS = ("audio", "function", "landing", "library", "model", "observe", "storage")
_MODULES = ("__init__.py", "errors.py", "settings.py", "py.typed")
_WITHOUT = ("observe/figures.py", "observe/work.py")
"""Figures for Prometheus: nobody asks a function for them."""
_LEFT_OUT_FOLDERS = frozenset({"__pycache__", "bin", "include", "share", "tests"})
_LEFT_OUT_FILES = frozenset(
    {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"}
)
_LEFT_OUT_ENDINGS = (".a", ".c", ".h", ".lib", ".lock", ".pxd", ".pyi", ".pyx")
_CODECS = ("av",)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    """Build the packages of every machine, or of one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machine", choices=[*MACHINES], action="append")
    parser.add_argument("--to", type=Path, default=ROOT / "dist" / "lambda")
    options = parser.parse_args()
    for machine in options.machine or MACHINES:
        build(machine, options.to)


def build(machine: str, target: Path) -> list[Path]:
    """Build one machine's function and layers, and tell their sizes.

    Raises:
        SystemExit: One is too large for Lambda.

    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        installed = Path(directory)
        _install(machine, installed)
        files = [path for path in sorted(installed.rglob("*")) if _is_needed(path, installed)]
        codecs = [path for path in files if _is_codec(path.relative_to(installed))]
        others = [path for path in files if path not in set(codecs)]
        sizes = [
            _write(target / f"sarau-codecs-{machine}.zip", installed, codecs, "python/"),
            _write(target / f"sarau-numbers-{machine}.zip", installed, others, "python/"),
        ]
    source = ROOT / "src"
    sizes.append(_write(target / f"sarau-function-{machine}.zip", source, sorted(_own(source)), ""))
    unpacked = sum(size for _, size in sizes)
    print(
        f"{machine}: {unpacked / 1e6:.1f} MB unpacked, Lambda takes {MAX_UNPACKED_BYTES / 1e6:.1f}"
    )
    if unpacked > MAX_UNPACKED_BYTES:
        sys.exit(f"{machine}: {unpacked} bytes are too many for a function and its layers")
    return [path for path, _ in sizes]


def _install(machine: str, target: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [
        *(str(uv), "pip", "install", "--quiet", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--link-mode", "copy", "--target", str(target)),
        *("--python-version", PYTHON, "--python-platform", MACHINES[machine]),
        *("-r", str(ROOT / "requirements" / "lambda.lock")),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - our own words


def _is_needed(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return (
        path.is_file()
        and not _LEFT_OUT_FOLDERS & set(parts)
        and parts[-1] not in _LEFT_OUT_FILES
        and not parts[-1].endswith(_LEFT_OUT_ENDINGS)
    )


def _is_codec(path: Path) -> bool:
    package = path.parts[0].partition("-")[0].partition(".")[0]
    return package in _CODECS


def _own(source: Path) -> Iterator[Path]:
    """Yield what the function needs of Sarau: the rooms below it, and nothing of a server."""
    package = source / "sarau"
    yield from (package / name for name in _MODULES)
    for room in _ROOMS:
        for path in (package / room).rglob("*"):
            name = path.relative_to(package).as_posix()
            if path.is_file() and "__pycache__" not in path.parts and name not in _WITHOUT:
                yield path


def _write(path: Path, root: Path, files: list[Path], prefix: str) -> tuple[Path, int]:
    """Write a zip whose bytes follow from the files' names and bytes only."""
    draft = path.with_suffix(".draft")
    unpacked = 0
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in files:
            info = zipfile.ZipInfo(prefix + file.relative_to(root).as_posix(), _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, wherever it is built
            info.external_attr = 0o100644 << 16
            data = file.read_bytes()
            unpacked += len(data)
            archive.writestr(info, data)
    size = draft.stat().st_size
    if size > MAX_ZIP_BYTES:
        sys.exit(f"{path.name}: {size} bytes are too many for a direct upload")
    shutil.move(draft, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{path.name}  {size / 1e6:.1f} MB  sha256 {digest}")
    return path, unpacked


if __name__ == "__main__":
    main()

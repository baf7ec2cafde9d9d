"""What `make lambda` builds: the same bytes each time, and no more than Lambda takes."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.function.conftest import MACHINE
from tests.function.runtime_api import PYTHON, ROOT

pytestmark = pytest.mark.function

MAX_ZIP_BYTES = 50 << 20
MAX_UNPACKED_BYTES = 250 << 20


def _sums(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def test_the_same_commit_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "deploy" / "lambda" / "package.py")]
    subprocess.run([*command, "--machine", MACHINE, "--to", str(tmp_path)], check=True)
    assert _sums(tmp_path) == _sums(built)


def test_the_packages_are_within_lambdas_limits(built: Path) -> None:
    zips = sorted(built.iterdir())
    assert len(zips) == 3
    assert all(path.stat().st_size <= MAX_ZIP_BYTES for path in zips)
    unpacked = 0
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            unpacked += sum(one.file_size for one in archive.infolist())
    print(f"{unpacked / 1e6:.1f} MB unpacked; {[f'{p.stat().st_size / 1e6:.1f}' for p in zips]}")
    assert unpacked <= MAX_UNPACKED_BYTES


def test_nothing_of_a_server_is_in_it_and_no_sdk(packages: Path) -> None:
    names = {path.name for path in packages.rglob("*") if path.is_dir()}
    assert not names & {"boto3", "botocore", "sqlalchemy", "dbos", "fastapi", "catalog", "web"}


def test_licences_of_what_is_inside_travel_along(packages: Path) -> None:
    for package in ("av", "numpy", "pillow", "mutagen"):
        (info,) = (packages / "opt" / "python").glob(f"{package}-*.dist-info")
        assert [one for one in info.rglob("*") if one.name.upper().startswith(("LICEN", "COPY"))]


def test_it_is_loaded_by_a_python_that_has_only_amazons_sdk(packages: Path) -> None:
    code = "import sarau.function.handler, boto3; print(sorted(__import__('sys').modules))"
    found = subprocess.run(
        [PYTHON, "-c", code],
        cwd=packages / "task",
        env={"PYTHONPATH": str(packages / "opt" / "python")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert "sqlalchemy" not in found.stdout
    assert "sarau.catalog" not in found.stdout

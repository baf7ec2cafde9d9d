"""What the READMEs tell people to call exists, and their pictures and pages are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sarau.model.preset import PRESETS

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.pt-BR.md"]
DOCUMENTS = [*READMES, "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]


@pytest.mark.parametrize("name", READMES)
def test_every_target_and_command_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    targets = set(re.findall(r"`make ([a-z-]+)`", text))
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"serve", "test"} <= targets <= made
    said = subprocess.run(
        [sys.executable, "-m", "sarau", "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = set(re.findall(r"(?:^|[`/ ])sarau ([a-z]+)\b", text)) - {"is"}
    assert {one for one in commands if one not in said} == set()


@pytest.mark.parametrize("name", READMES)
def test_every_preset_is_listed(name: str) -> None:
    listed = re.findall(r"^\| `([a-z]+)` \|", (ROOT / name).read_text(), re.MULTILINE)
    assert listed == list(PRESETS)


@pytest.mark.parametrize(
    "path", [*DOCUMENTS, *(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]
)
def test_every_link_to_a_file_leads_somewhere(path: str) -> None:
    document = ROOT / path
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []

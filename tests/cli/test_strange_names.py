"""Names that rich, a terminal, UTF-8 or HTML would trip over, told by every command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.recordings import write_melody
from tests.servers import Server
from tests.sounds import write_music

NAMES = {
    b"Song [dQw4w9WgXcQ].wav": "Song [dQw4w9WgXcQ].wav",
    b"[red]Song :x:.wav": "[red]Song :x:.wav",
    b"caf\xe9.wav": r"caf\xe9.wav",
    b"line\nfeed \x1b[2J.wav": r"line\x0afeed \x1b[2J.wav",
}
"""What a disk has, and what a person reads."""


@pytest.fixture
def album(tmp_path: Path) -> Path:
    place = tmp_path / "album"
    place.mkdir()
    for name in NAMES:
        write_melody(place / os.fsdecode(name), seed=1)
    (place / os.fsdecode(b"broken [caf\xe9].wav")).write_text("no music at all")
    return place


def sarau(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Call it where standard output takes nothing but UTF-8, as in most terminals."""
    command = [sys.executable, "-m", "sarau", *map(str, arguments)]
    environment = {**os.environ, "LANG": "en_US.UTF-8", "PYTHONIOENCODING": "utf-8:strict", **more}
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False, env=environment
    )


def read(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert "\\ud" not in done.stdout  # half a character is JSON for some parsers only
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_table_and_a_report_tell_every_name(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call = ("process", album, "--to", out, "--preset", "archive")
    done = sarau(*call, "--report", out)
    assert (done.returncode, done.stderr) == (1, "")
    assert [name for name in NAMES.values() if done.stdout.count(f" {name} ") != 1] == []
    assert done.stdout.count("Sounds like") == 6
    assert r"broken [caf\xe9].wav" in done.stdout
    assert "\x1b[2J" not in done.stdout
    report = (out / "report.html").read_text(encoding="utf-8")
    assert report.count(r"caf\xe9.wav</a></td>") == 1
    assert report.count(r"<td>caf\xe9.flac</td>") == 1


def test_json_is_for_every_parser(album: Path, tmp_path: Path) -> None:
    found = read(sarau("process", album, "--to", tmp_path / "out", "--preset", "archive", "--json"))
    by_name = {one["file"].removeprefix(f"{album}/"): one for one in found}
    named = {name.decode(errors="backslashreplace") for name in NAMES}
    assert by_name.keys() == named | {r"broken [caf\xe9].wav"}
    (flac,) = by_name[r"caf\xe9.wav"]["renditions"]
    assert flac["file"]["path"].endswith(r"out/caf\xe9/caf\xe9.flac")
    assert len(list((tmp_path / "out").rglob("*.flac"))) == len(NAMES)
    assert {one["file"] for one in read(sarau("measure", album, "--json"))} == {
        one["file"] for one in found
    }


def test_measuring_tells_every_name(album: Path) -> None:
    done = sarau("measure", album)
    assert (done.returncode, done.stderr) == (1, "")
    assert [name for name in NAMES.values() if done.stdout.count(f" {name} ") != 1] == []


def test_uploading_and_importing_tell_every_name(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "music [live]"
    folder.mkdir()
    name = os.fsdecode(b"[i]caf\xe9.wav")
    path = write_music(folder / name)
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    call = ("upload", path, "--server", server.url, "--wait")
    assert sarau(*call, **home).stdout == "[i]caf\\xe9.wav: ready\n"
    assert read(sarau(*call, "--json", **home))[0]["file"] == f"{folder}/[i]caf\\xe9.wav"
    with server.client() as client:
        assert client.get("/api/v1/tracks").json()["items"][0]["filename"] == "[i]caf\ufffd.wav"
    data = tmp_path / "own data [1]"
    imported = sarau("import", folder, "--data", data, SARAU_RESERVE_BYTES="0")
    assert (imported.returncode, imported.stdout) == (0, "1 received\n")
    assert "own data [1]" in sarau("doctor", "--data", data, COLUMNS="400").stdout

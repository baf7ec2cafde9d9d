"""Troubles of the machine end as `failed`, never `rejected`, and pass by themselves."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.conftest import Tell
from tests.faults.table import ENGINE, FULL_E
from tests.servers import Server
from tests.sounds import write_music

pytestmark = pytest.mark.faults


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "e"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_library_fails_the_track_and_room_makes_it_ready(
    small_disk: Path, tmp_path: Path, tell: Tell
) -> None:
    server = Server(
        tmp_path / "data", SARAU_LIBRARY=str(small_disk), SARAU_RESERVE_BYTES="0"
    ).start()
    try:
        track = server.send(write_music(tmp_path / "a.wav", seconds=20))
        failed = server.wait_for(track["id"], "failed", "rejected", "ready")
        assert (failed["state"], failed["code"]) == ("failed", "disk_full")
        subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
        ready = server.wait_for(track["id"], "ready", timeout_s=120)
        assert ready["run"]["attempt"] > 1
        tell(FULL_E, points=1)
    finally:
        server.kill()


def test_a_missing_engine_fails_the_track_and_mending_makes_it_ready(
    tmp_path: Path, tell: Tell
) -> None:
    broken = tmp_path / "broken"
    (broken / "av").mkdir(parents=True)
    (broken / "av" / "__init__.py").write_text("raise ImportError('libavcodec is not here')\n")
    path = os.pathsep.join([str(broken), os.environ.get("PYTHONPATH", "")])
    server = Server(tmp_path / "data", PYTHONPATH=path).start()
    try:
        track = server.send(write_music(tmp_path / "a.wav"))
        failed = server.wait_for(track["id"], "failed", "rejected", "ready")
        assert (failed["state"], failed["code"]) == ("failed", "engine_missing")
        shutil.rmtree(broken / "av")
        ready = server.wait_for(track["id"], "ready", timeout_s=120)
        assert ready["run"]["attempt"] > 1
        tell(ENGINE, points=1)
    finally:
        server.kill()

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def _doctor(data: Path, **environment: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "sarau", "doctor", "--json", "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    return done.returncode, json.loads(done.stdout)


def test_a_sound_machine_is_ready(tmp_path: Path) -> None:
    code, report = _doctor(tmp_path / "data")
    assert (code, report["ok"]) == (0, True)
    assert report["engine"]["sandbox_level"] == "full"
    assert report["engine"]["versions"]
    assert report["database"]["journal_mode"] in {"WAL", "DELETE"}


def test_a_volume_that_is_not_mounted_is_told(tmp_path: Path) -> None:
    (tmp_path / "data" / "library").mkdir(parents=True)
    (tmp_path / "data" / "library" / "something").write_text("else")
    code, report = _doctor(tmp_path / "data")
    assert (code, report["ok"]) == (4, False)
    assert report["volumes"]["library"]["code"] == "volume_missing"

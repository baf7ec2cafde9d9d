import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from tests.commands import sarau
from tests.contracts.stores import new_bucket
from tests.localstack import CREDENTIALS
from tests.servers import Server

from sarau.catalog import Database, volumes
from sarau.cli import doctor_text, main
from sarau.storage import Volume


def _doctor(data: Path, **environment: str) -> tuple[int, dict[str, Any]]:
    done = sarau("doctor", "--json", "--data", data, **environment)
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


@pytest.fixture
def used(make_server: Callable[..., Server]) -> Path:
    """The data of a server that has run."""
    server = make_server()
    server.kill()
    return server.data


def test_everything_there_is_to_know_about_both_volumes_is_told(used: Path) -> None:
    database = Database(f"sqlite:///{used / 'sarau.db'}")
    with database.write() as connection:
        volumes.note_sync_error(connection, "library", "Input/output error")
    database.close()
    code, report = _doctor(used)
    assert code == 0
    for role in ("intake", "library"):
        told = report["volumes"][role]
        assert (told["ok"], told["sentinel"]) == (True, "own")
        assert told["free_bytes"] > 0
        assert told["free_inodes"] > 0
        assert Path(told["mount_point"]).is_mount()
    assert report["volumes"]["intake"]["last_sync_error"] is None
    assert report["volumes"]["library"]["last_sync_error"]["detail"] == "Input/output error"
    assert report["extras"]["clamd"] == {"ok": True, "used": False}


def test_an_empty_mount_point_is_told_and_not_made_a_volume(used: Path) -> None:
    intake = used / "intake"
    shutil.rmtree(intake)
    intake.mkdir()
    code, report = _doctor(used)
    assert (code, report["volumes"]["intake"]["code"]) == (4, "volume_missing")
    assert list(intake.iterdir()) == []


def test_another_disk_is_told(used: Path) -> None:
    shutil.rmtree(used / "library")
    Volume.open(used / "library", "library", reserve_bytes=0)
    code, report = _doctor(used)
    assert (code, report["volumes"]["library"]["code"]) == (4, "volume_mismatch")
    assert report["volumes"]["library"]["sentinel"] == "foreign"


def test_a_catalog_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"
    code, report = _doctor(tmp_path / "data", SARAU_DATABASE_URL=url)
    assert (code, report["database"]["code"]) == (4, "database_unavailable")


@pytest.mark.aws
def test_the_queues_of_the_function_are_looked_at(tmp_path: Path, aws_url: str) -> None:
    bucket = new_bucket(aws_url)
    client = boto3.client("sqs", endpoint_url=aws_url, region_name="us-east-1")
    queue = client.create_queue(QueueName=bucket.place.bucket)["QueueUrl"]
    client.send_message(QueueUrl=queue, MessageBody="waits")
    client.close()
    settings = {
        "SARAU_LIBRARY": f"s3://{bucket.place.bucket}/lib",
        "SARAU_S3_ENDPOINT": aws_url,
        "SARAU_S3_REGION": "us-east-1",
        "SARAU_LANDING_DEAD": queue,
        "SARAU_SANDBOX": "best_effort",
        **CREDENTIALS,
    }
    code, report = _doctor(tmp_path / "data", **settings)
    assert code == 0, report
    assert report["extras"]["landing_dead"]["waiting"] == 1
    code, report = _doctor(tmp_path / "data", **settings, SARAU_LANDING_RESULTS=queue + "-not")
    assert report["extras"]["landing_results"]["code"] == "queue_unavailable"
    assert code != 0


def test_what_was_found_is_told_in_words() -> None:
    wrong = {"code": "disk_error", "detail": "Input/output error"}
    failed = {"at": datetime(2026, 3, 1, 12, 30, tzinfo=UTC), "detail": "Input/output error"}
    volume = {"path": "/srv/d", "ok": True, "free_bytes": 1_234_567_890, "free_inodes": 65_536}
    told = "2026-03-01 12:30:00 UTC, Input/output error"
    report = {
        "engine": {
            "versions": {"pyav": "18.1.0"},
            "sandbox_checks": {"fork": True, "mount": False},
            "missing": (),
            "missing_encoders": ("vorbis: sarau[vorbis]",),
        },
        "volumes": {
            "intake": {**volume, "mount_point": "/srv", "last_sync_error": failed, "code": None},
            "library": {"path": "/srv/e", "ok": False, **wrong},
        },
        "database": {"kind": "sqlite", "ok": True},
        "extras": {"clamd": {"ok": True, "used": False}, "watch": {"ok": True, "path": "/srv/in"}},
    }
    assert list(doctor_text.lines(report)) == [
        ("engine", ""),
        ("  versions", "pyav 18.1.0"),
        ("  sandbox checks", "1 of 2 pass; not stopped: mount"),
        ("  missing", "none"),
        ("  missing encoders", "vorbis: sarau[vorbis]"),
        ("volumes", ""),
        (
            "  intake",
            f"/srv/d, ok, 1.23 GB free, 65,536 inodes free, on /srv, last sync error at {told}",
        ),
        ("  library", "/srv/e, NOT OK, disk_error, Input/output error"),
        ("database", ""),
        ("  kind", "sqlite"),
        ("  ok", "yes"),
        ("extras", ""),
        ("  clamd", "ok, not in use"),
        ("  watch", "ok, /srv/in"),
    ]


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_999_999, "1 GB"),
        (2_340_000_000_000, "2.34 TB"),
    ],
)
def test_sizes_have_the_unit_that_suits_them(size_bytes: int, said: str) -> None:
    assert doctor_text.size(size_bytes) == said


def test_the_help_says_what_each_command_does_in_whole_sentences() -> None:
    done = CliRunner().invoke(main, ["--help"], terminal_width=80)
    commands = done.stdout.partition("Commands:")[2].strip().splitlines()
    assert done.exit_code == 0
    assert {line.split()[0] for line in commands} >= {"serve", "process", "upload", "doctor"}
    assert all(line.endswith(".") and not line.endswith("...") for line in commands)

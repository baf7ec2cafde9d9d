"""Hosts that are cut off in the middle of the work, and come back."""

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.hosts.conftest import Installation
from tests.hosts.network import Host
from tests.outages import Sender, check_refusals, wait_until
from tests.scale.record import check_ready_once
from tests.sounds import write_music

pytestmark = [
    pytest.mark.aws,
    pytest.mark.timeout(150, func_only=True),
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces, needs root"),
]
PRESET = "streaming"


def test_a_worker_that_is_cut_off_loses_its_run_and_comes_back(
    installation: Installation, tmp_path: Path
) -> None:
    back, (cut_off, heir) = installation.site.back, installation.site.workers
    sent = [_send(installation, tmp_path, seed) for seed in (1, 2)]
    wait_until(lambda: all(_is_rendering(installation, host) for host in (cut_off, heir)))
    (lost,) = _at_work(installation, cut_off)
    back.pull(cut_off)
    wait_until(lambda: lost in _at_work(installation, heir))
    # It is back while its heir is at work on what it never stopped to work on itself.
    back.plug_in_again(cut_off)
    for track_id in sent:
        track = installation.web.wait_for(track_id, "ready", "failed", "rejected")
        assert track["state"] == "ready", track
    assert _who_ended(installation, lost) == heir
    # Alone, with one place, it takes new work: so it has let go of the old.
    assert installation.workers[heir].end(signal.SIGTERM) == 0
    after = _send(installation, tmp_path, 3)
    assert installation.web.wait_for(after, "ready", "failed", "rejected")["state"] == "ready"
    assert _who_ended(installation, after) == cut_off
    check_ready_once(installation.record, dict.fromkeys([*sent, after], PRESET))
    _check_bucket(installation)


def test_web_that_is_cut_off_from_the_database_says_so_and_goes_on(
    installation: Installation, tmp_path: Path
) -> None:
    site, web = installation.site, installation.web
    sender = Sender(web, write_music(tmp_path / "a.wav", seconds=6))
    with ThreadPoolExecutor() as threads:
        sending = threads.submit(sender.send)
        wait_until(lambda: sender.acknowledged > 0 or sending.done())
        site.back.pull(site.web)
        wait_until(lambda: sender.refusals > 1 or sending.done())
        check_refusals(web)
        site.back.plug_in_again(site.web)
        sending.result()
    assert sender.refusals
    sender.check()
    check_ready_once(installation.record, {sender.track_id: PRESET})
    _check_bucket(installation)


def _send(installation: Installation, directory: Path, seed: int) -> str:
    path = write_music(directory / f"{seed}.wav", seconds=40, seed=seed)
    return str(installation.web.send(path, preset=PRESET)["id"])


def _doing(installation: Installation, host: Host) -> dict[str, str]:
    """Return the stages of what a host's worker is at, as everybody is shown it."""
    pid = installation.workers[host].process.pid
    with installation.web.client() as client:
        shown = client.get("/api/v1/workers").json()["items"]
    return {
        one["track_id"]: one["stage"]
        for worker in shown
        if worker["pid"] == pid
        for one in worker["doing"]
    }


def _at_work(installation: Installation, host: Host) -> set[str]:
    return set(_doing(installation, host))


def _is_rendering(installation: Installation, host: Host) -> bool:
    return "render" in _doing(installation, host).values()


def _who_ended(installation: Installation, track_id: str) -> Host:
    """Return the host whose worker was the last to have a track's run."""
    worker_id = installation.record.last_worker_of(track_id)
    (host,) = (
        host
        for host, worker in installation.workers.items()
        if f"-{worker.process.pid}-" in worker_id
    )
    return host


def _check_bucket(installation: Installation) -> None:
    """Each object that is needed was written once, and there is nothing else."""
    bucket = installation.bucket
    found = bucket.client.list_object_versions(
        Bucket=bucket.place.bucket, Prefix=f"{bucket.place.prefix}objects/"
    )
    assert "DeleteMarkers" not in found
    written = Counter(one["Key"].rpartition("/")[2] for one in found["Versions"])
    needed = installation.record.needed_objects()
    assert written == dict.fromkeys(needed, 1)
    assert installation.record.recorded_objects() == needed

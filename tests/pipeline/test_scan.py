"""The virus scan: with Debian's clamd and a signature of our own, and with a liar."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.pipeline.conftest import Rooms
from tests.servers import Server
from tests.sounds import write_music

from sarau import settings
from sarau.catalog import events, runs, sources
from sarau.catalog.tables import runs as runs_table
from sarau.errors import FailedCode, FailedError, RejectedCode, RejectedError
from sarau.intake.clamd import Clamd
from sarau.model.clock import now
from sarau.model.ids import RunId
from sarau.model.lifecycle import TrackState
from sarau.pipeline import Caretaker
from sarau.pipeline.runner import fail

MALICE = b"this is what the tests of Sarau call malicious"
MIB = 1 << 20


class Scanner:
    """clamd on a socket of its own, that can be stopped and started."""

    def __init__(self, place: Path) -> None:
        self.socket = place / "clamd.sock"
        signatures = place / "signatures"
        signatures.mkdir()
        (signatures / "own.ndb").write_text(f"Sarau.Test:0:*:{MALICE.hex()}\n")
        self._config = place / "clamd.conf"
        self._config.write_text(
            f"DatabaseDirectory {signatures}\nLocalSocket {self.socket}\nForeground yes\n"
            f"User root\nStreamMaxLength 3M\nMaxFileSize 3M\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["/usr/sbin/clamd", "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while not self.client().is_there():
            assert self._process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self, *, max_bytes: int = 100 * MIB) -> Clamd:
        return Clamd(f"unix:{self.socket}", max_bytes=max_bytes)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scanner]:
    found = Scanner(tmp_path_factory.mktemp("clamd"))
    found.start()
    yield found
    found.stop()


@pytest.fixture
def scanner(running: Scanner) -> Scanner:
    """A scanner that answers."""
    if not running.client().is_there():
        running.start()
    return running


def _scanned(rooms: Rooms, run_id: RunId) -> list[dict[str, object]]:
    with rooms.database.read() as connection:
        found = events.of_track(connection, rooms.run(run_id).track_id)
    return [event.data for event in found if event.kind == "track.scanned"]


def test_a_clean_file_goes_on_and_the_scan_is_in_the_record(
    rooms: Rooms, scanner: Scanner, tmp_path: Path
) -> None:
    steps = replace(rooms.steps, scanner=scanner.client())
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    assert steps.validate(run_id)["analysis"]
    (data,) = _scanned(rooms, run_id)
    assert str(data["scanner"]).startswith("ClamAV 1")
    assert data["found"] is None


def test_an_infected_file_is_rejected_before_the_engine_opens_it(
    rooms: Rooms, scanner: Scanner, tmp_path: Path
) -> None:
    steps = replace(rooms.steps, scanner=scanner.client())
    path = write_music(tmp_path / "a.wav", seconds=8)
    path.write_bytes(path.read_bytes() + MALICE)
    run_id = rooms.receive(path)
    with pytest.raises(RejectedError) as caught:
        steps.validate(run_id)
    assert caught.value.code is RejectedCode.INFECTED
    assert caught.value.detail == "Sarau.Test.UNOFFICIAL"
    (data,) = _scanned(rooms, run_id)
    assert data["found"] == "Sarau.Test.UNOFFICIAL"
    with rooms.database.read() as connection:
        assert sources.find(connection, [rooms.run(run_id).track_id]) == {}


@pytest.mark.parametrize("max_bytes", [2 * MIB, 100 * MIB])
def test_a_file_over_the_scanners_limit_fails_and_never_passes(
    rooms: Rooms, scanner: Scanner, tmp_path: Path, max_bytes: int
) -> None:
    steps = replace(rooms.steps, scanner=scanner.client(max_bytes=max_bytes))
    run_id = rooms.receive(write_music(tmp_path / "a.wav", seconds=24))
    with pytest.raises(FailedError) as caught:
        steps.validate(run_id)
    assert caught.value.code is FailedCode.SCANNER_LIMIT
    assert _scanned(rooms, run_id) == []


def test_while_the_scanner_is_away_tracks_wait_however_long(
    rooms: Rooms, scanner: Scanner, tmp_path: Path
) -> None:
    client = scanner.client()
    steps = replace(rooms.steps, scanner=client)
    caretaker = Caretaker(
        rooms.database, rooms.intake, rooms.library, rooms.pipeline, rooms.durable, client
    )
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    track_id = rooms.run(run_id).track_id
    scanner.stop()
    with pytest.raises(FailedError) as caught:
        steps.validate(run_id)
    assert caught.value.code is FailedCode.SCANNER_UNAVAILABLE
    fail(rooms.database, run_id, caught.value.code, caught.value.detail)
    with rooms.database.write() as connection:
        long_ago = {"finished_at": now() - timedelta(days=1), "attempt": 50}
        connection.execute(sa.update(runs_table).values(long_ago))
    caretaker.retry_failed()
    assert rooms.track(track_id).state is TrackState.FAILED
    scanner.start()
    caretaker.retry_failed()
    waiting = rooms.track(track_id)
    assert waiting.state is TrackState.RECEIVED
    assert waiting.run_id
    steps.validate(waiting.run_id)
    with rooms.database.read() as connection:
        code = FailedCode.SCANNER_UNAVAILABLE
        assert runs.failed_with(connection, [code], due=[now()], max_attempt=None) == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", FailedCode.SCANNER_UNAVAILABLE),
        (b"stream: O", FailedCode.SCANNER_UNAVAILABLE),
        (b"stream: \0", FailedCode.SCANNER_UNAVAILABLE),
        (b"stream: OKAY\0", FailedCode.SCANNER_UNAVAILABLE),
        (b"stream: Can't allocate memory ERROR\0", FailedCode.SCANNER_UNAVAILABLE),
        (b"HTTP/1.1 200 OK\r\n\r\n\0", FailedCode.SCANNER_UNAVAILABLE),
        (b"x" * 10_000, FailedCode.SCANNER_UNAVAILABLE),
        (b"INSTREAM size limit exceeded. ERROR\0", FailedCode.SCANNER_LIMIT),
        (
            b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
            FailedCode.SCANNER_LIMIT,
        ),
    ],
)
def test_no_answer_but_the_right_one_means_clean(
    answer: bytes, code: FailedCode, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound" * 100_000)
    listener = socket.create_server(("127.0.0.1", 0))

    def lie() -> None:
        for said in (b"ClamAV\0", answer):
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(said)

    thread = threading.Thread(target=lie)
    thread.start()
    try:
        with pytest.raises(FailedError) as caught:
            Clamd(f"tcp:127.0.0.1:{listener.getsockname()[1]}", max_bytes=MIB).scan(
                path, lambda: None
            )
    finally:
        thread.join()
        listener.close()
    assert caught.value.code is code


@pytest.mark.parametrize("address", ["", "clamd", "unix:relative", "tcp:localhost", "tcp::x"])
def test_a_wrong_address_is_said_at_the_start(address: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        Clamd(address, max_bytes=1)
    if address:
        with pytest.raises(settings.SettingsError, match="clamd"):
            settings.load({"SARAU_CLAMD": address})


@pytest.mark.faults
def test_a_server_waits_for_its_scanner_and_then_goes_on(scanner: Scanner, tmp_path: Path) -> None:
    server = Server(tmp_path / "data", SARAU_CLAMD=f"unix:{scanner.socket}").start()
    try:
        bad = write_music(tmp_path / "bad.wav")
        bad.write_bytes(bad.read_bytes() + MALICE)
        rejected = server.wait_for(server.send(bad)["id"], "rejected", "ready", "failed")
        assert (rejected["state"], rejected["code"]) == ("rejected", "infected")
        scanner.stop()
        good = server.send(write_music(tmp_path / "good.wav"))
        failed = server.wait_for(good["id"], "rejected", "ready", "failed")
        assert (failed["state"], failed["code"]) == ("failed", "scanner_unavailable")
        scanner.start()
        assert server.wait_for(good["id"], "ready", timeout_s=120)["run"]["attempt"] == 2
    finally:
        server.kill()

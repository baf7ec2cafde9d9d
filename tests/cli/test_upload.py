"""`sarau upload` against a real server that goes away in the middle."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from click.testing import CliRunner, Result
from tests.commands import in_english, sarau
from tests.servers import Server
from tests.sounds import write_music
from tests.web.upload_server import free_port

from sarau.cli import drafts, exits, main, tus_client
from sarau.cli.exits import FAILED, REFUSED, SOME_NOT_READY, WRONG_CALL, explain
from sarau.errors import FailedCode, FailedError


def _home(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "XDG_CONFIG_HOME": str(home)}


def _upload(server: Server, home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return sarau("upload", "--server", server.url, *arguments, **_home(home))


def test_files_are_sent_and_waited_for(server: Server, tmp_path: Path) -> None:
    good = write_music(tmp_path / "a.wav")
    bad = tmp_path / "b.mp3"
    bad.write_bytes(b"no music")
    done = _upload(server, tmp_path, good, bad, "--wait", "--preset", "podcast")
    assert done.returncode == 1, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "a.wav: ready"
    assert second.startswith("b.mp3: rejected: ")
    with server.client() as client:
        items = client.get("/api/v1/tracks").json()["items"]
    assert {one["preset"] for one in items} == {"podcast"}


def test_a_file_that_is_there_already_is_not_sent_again(server: Server, tmp_path: Path) -> None:
    path = write_music(tmp_path / "a.wav", seconds=30)
    assert _upload(server, tmp_path, path, "--wait", "--json").returncode == 0
    assert _upload(server, tmp_path, path, "--wait", "--preset", "archive").returncode == 0
    with server.client() as client:
        second, first = client.get("/api/v1/tracks").json()["items"]
        events = client.get(f"/api/v1/tracks/{second['id']}/events").json()["items"]
    assert second["duplicate_of"] == first["id"]
    kinds = [event["kind"] for event in events]
    assert kinds.index("upload.stored") < kinds.index("track.received")  # nothing was received


def test_an_upload_goes_on_when_the_server_comes_back(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server()
    path = write_music(tmp_path / "long.wav")
    with path.open("ab") as file:
        file.truncate(70 << 20)  # more than one request

    def restart() -> None:
        time.sleep(1.0)
        server.kill()
        time.sleep(0.5)
        server.start()

    thread = threading.Thread(target=restart)
    thread.start()
    done = _upload(server, tmp_path, path)
    thread.join()
    assert done.returncode == 0, done.stderr
    with server.client() as client:
        (track,) = client.get("/api/v1/tracks").json()["items"]
    assert track["upload"]["offset_bytes"] == path.stat().st_size
    assert track["state"] in {"received", "processing", "ready", "rejected"}


def test_a_refused_upload_says_why(server: Server, tmp_path: Path) -> None:
    done = _upload(server, tmp_path, write_music(tmp_path / "a.wav"), "--token", "unneeded")
    assert done.returncode == 0
    closed = Server(tmp_path / "closed", SARAU_TOKEN="secret").start()
    try:
        refused = _upload(closed, tmp_path, tmp_path / "a.wav")
    finally:
        closed.kill()
    assert refused.returncode == 3
    assert "SARAU" in refused.stderr or "token" in refused.stderr


def test_a_server_that_is_not_there_is_told_at_once_and_waited_for(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server()
    server.kill()
    path = write_music(tmp_path / "a.wav")
    command = [sys.executable, "-m", "sarau", "upload", "--server", server.url, str(path)]
    environment = in_english() | _home(tmp_path)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as sends:
        assert sends.stderr
        told = sends.stderr.readline(), sends.stderr.readline()
        server.start()
        assert sends.wait(timeout=60) == 0
    assert told[0].startswith("sarau: The server does not answer.")
    assert server.url in told[1]


def test_a_server_that_stays_away_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tus_client, "_PATIENCE_S", 0.5)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    client = tus_client.TusClient(f"http://127.0.0.1:{free_port()}", None, tmp_path / "known.json")
    with pytest.raises(FailedError) as raised:
        client.send(write_music(tmp_path / "a.wav"), "streaming", lambda _fraction: None)
    assert raised.value.code is FailedCode.SERVER_UNREACHABLE
    assert explain(raised.value) == FAILED
    # Told when it began to wait, and when it gave up.
    assert capsys.readouterr().err.count("The server does not answer.") == 2


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://host", "http://", "http://[x"])
def test_an_address_that_is_none_is_a_wrong_call(tmp_path: Path, address: str) -> None:
    path = write_music(tmp_path / "a.wav")
    done = CliRunner().invoke(main, ["upload", "--server", address, str(path)])
    assert done.exit_code == WRONG_CALL
    assert "is no address" in done.stderr


def test_the_audio_files_of_a_directory_are_sent(server: Server, tmp_path: Path) -> None:
    album = tmp_path / "album"
    for place in ("one/a.wav", "two/a.wav", "b.wav"):
        (album / place).parent.mkdir(parents=True, exist_ok=True)
        write_music(album / place, seconds=1)
    (album / "cover.jpg").write_bytes(b"no music")
    done = _upload(server, tmp_path, album, album / "b.wav")
    assert done.returncode == 0, done.stderr
    names = [line.partition(": ")[0] for line in done.stdout.splitlines()]
    assert names == ["b.wav", "one/a.wav", "two/a.wav"]


def test_why_a_file_is_refused_is_said_in_the_language_of_the_terminal(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not the system has that locale, and whoever of the two has the sentence."""
    for name, value in {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "pt_BR.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "a.mp3"
    path.write_bytes(b"no music")
    arguments = ["upload", "--server", server.url, "--wait", str(path)]
    assert (
        CliRunner()
        .invoke(main, arguments)
        .stdout.startswith("a.mp3: não aceita: Isto não é um arquivo de áudio")
    )
    refused = CliRunner().invoke(main, [*arguments, "--preset", "vinil"])
    assert refused.stderr.startswith("sarau: Este preset não existe.")


def test_a_directory_without_audio_is_nothing_to_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["upload", "--server", "http://x", str(tmp_path)])
    assert done.exit_code == 0
    assert "nothing to do" in done.stderr


Answer = Callable[[httpx.Request], httpx.Response]
CREATED = {"location": "http://x/files/1", "sarau-track": "t1"}


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Answer], None]:
    """Give the client a server that is a function."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    real = httpx.Client

    def use(said: Answer) -> None:
        transport = httpx.MockTransport(said)
        monkeypatch.setattr(httpx, "Client", lambda **more: real(**more, transport=transport))

    return use


def took_it(request: httpx.Request) -> httpx.Response:
    """Answer as a server that has the bytes of every file."""
    if request.method == "POST":
        length = request.headers["upload-length"]
        headers = CREATED | {"location": f"http://x/files/{length}"}
        return httpx.Response(201, headers=headers)
    if request.method == "HEAD":
        return httpx.Response(200, headers={"upload-offset": request.url.path.split("/")[-1]})
    return httpx.Response(200, json={"id": "t1", "state": "received", "message": None})


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["upload", "--server", "http://x", *map(str, arguments)])


def test_a_file_that_cannot_be_sent_keeps_no_other_from_being_sent(
    answer: Callable[[Answer], None], tmp_path: Path
) -> None:
    def refuse_long(request: httpx.Request) -> httpx.Response:
        if request.headers.get("upload-length") == "3":
            problem = {"code": "upload_too_large", "detail": "\x1b[2J3 bytes"}
            return httpx.Response(413, json=problem)
        return took_it(request)

    answer(refuse_long)
    (tmp_path / "a.wav").symlink_to("/proc/self/mem")  # reading there is an EIO
    (tmp_path / "b.wav").write_bytes(b"abc")
    (tmp_path / "c.wav").write_bytes(b"ab")
    done = invoke(tmp_path)
    assert done.exit_code == SOME_NOT_READY
    unread, refused, sent = done.stdout.splitlines()
    assert unread.startswith("a.wav: failed: ")
    assert unread.endswith(" (disk_error: [Errno 5] Input/output error)")
    assert refused.startswith("b.wav: refused: ")
    assert refused.endswith(r"(upload_too_large: \x1b[2J3 bytes)")
    assert sent == "c.wav: received"
    done = invoke(tmp_path, "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["track"], one["state"], one.get("code")) for one in found] == [
        (None, "failed", "disk_error"),
        (None, "refused", "upload_too_large"),
        ("t1", "received", None),
    ]


def test_what_was_sent_is_told_when_the_call_ends_early(
    answer: Callable[[Answer], None], tmp_path: Path
) -> None:
    def close_the_door(request: httpx.Request) -> httpx.Response:
        if request.headers.get("upload-length") == "3":
            return httpx.Response(401, json={"code": "unauthorized", "detail": ""})
        return took_it(request)

    answer(close_the_door)
    (tmp_path / "a.wav").write_bytes(b"ab")
    (tmp_path / "b.wav").write_bytes(b"abc")
    for more in ((), ("--wait",)):
        done = invoke(tmp_path, *more)
        assert (done.exit_code, done.stdout) == (REFUSED, "a.wav: received\n")


def test_an_upload_goes_on_without_a_memory(
    answer: Callable[[Answer], None], tmp_path: Path
) -> None:
    answer(took_it)
    (tmp_path / "sarau").write_bytes(b"in the way")
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"ab")
    done = invoke(tmp_path)
    assert (done.exit_code, done.stdout) == (0, "a.wav: received\nb.wav: received\n")
    assert done.stderr.count("cannot be remembered") == 1
    assert "uploads.json" in done.stderr or str(tmp_path / "sarau") in done.stderr


def test_what_was_made_in_a_directory_is_not_sent(
    answer: Callable[[Answer], None], tmp_path: Path
) -> None:
    answer(took_it)
    (tmp_path / "a").mkdir()
    with drafts.room(tmp_path / "a") as room:
        for path in (tmp_path / "a.wav", room / "half.flac", tmp_path / "a" / "mine.flac"):
            path.write_bytes(b"ab")
        assert invoke(tmp_path).stdout == "mine.flac: received\na.wav: received\n"
        assert invoke(room / "half.flac").stdout == "half.flac: received\n"


def send(path: Path, memory: Path) -> str:
    client = tus_client.TusClient("http://x", None, memory)
    return str(client.send(path, "streaming", lambda _fraction: None)["id"])


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pass over pauses, and give those that were made."""
    made: list[float] = []
    now = [0.0]

    def sleep(pause_s: float) -> None:
        made.append(pause_s)
        now[0] += pause_s

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(tus_client, "time", clock)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    return made


@pytest.mark.parametrize("status", [408, 423, 429, 500, 502, 503])
def test_trouble_that_passes_is_waited_for_as_long_as_the_server_asks(
    answer: Callable[[Answer], None], tmp_path: Path, pauses: list[float], status: int
) -> None:
    troubles = [httpx.Response(status, headers={"retry-after": "5"}), httpx.Response(status)]
    answer(lambda request: troubles.pop() if troubles else took_it(request))
    path = tmp_path / "a.wav"
    path.write_bytes(b"ab")
    assert send(path, tmp_path / "known.json") == "t1"
    assert pauses == [0.25, 5.0]


@pytest.mark.parametrize(
    ("status", "code"), [(503, "internal"), (502, "server_unreachable"), (429, "internal")]
)
def test_an_answer_without_a_body_is_told_by_its_status(
    answer: Callable[[Answer], None],
    tmp_path: Path,
    pauses: list[float],
    capsys: pytest.CaptureFixture[str],
    status: int,
    code: str,
) -> None:
    answer(lambda ask: httpx.Response(status) if ask.method == "HEAD" else took_it(ask))
    path = tmp_path / "a.wav"
    path.write_bytes(b"ab")
    answered = httpx.codes.get_reason_phrase(status)
    with pytest.raises(FailedError, match=f"{code}: http://x/files/2: {status} {answered}"):
        send(path, tmp_path / "known.json")
    assert sum(pauses) == tus_client._PATIENCE_S
    assert capsys.readouterr().err.count("; trying again for 60 s") == 1


def test_a_full_disk_is_not_waited_for(
    answer: Callable[[Answer], None], tmp_path: Path, pauses: list[float]
) -> None:
    answer(lambda _: httpx.Response(507))
    path = tmp_path / "a.wav"
    path.write_bytes(b"ab")
    with pytest.raises(FailedError, match="disk_full"):
        send(path, tmp_path / "known.json")
    assert pauses == []


def test_every_outage_is_told_and_obeys_no_terminal(
    answer: Callable[[Answer], None],
    pauses: list[float],
    capsys: pytest.CaptureFixture[str],
) -> None:
    problem = {"code": "database_unavailable", "detail": "gone\x1b[2J"}
    state = {"id": "t1", "state": "received", "message": None}
    answers = [httpx.Response(503, json=problem), httpx.Response(200, json=state)] * 2
    answer(lambda _: answers.pop(0))
    client = tus_client.TusClient("http://x", None)
    for _ in range(2):
        client.track("t1")
    said = capsys.readouterr().err
    assert said.count(r"  database_unavailable: gone\x1b[2J; trying again for 60 s") == 2
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en_US.UTF-8", "nothing for 0 s, still waiting"),
        ("pt_BR.UTF-8", "nenhuma resposta há 0 s, ainda esperando"),
    ],
)
def test_a_server_that_says_nothing_is_told_before_it_is_given_up(
    answer: Callable[[Answer], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    locale: str,
    said: str,
) -> None:
    told = threading.Event()
    monkeypatch.setattr(tus_client, "_SILENT_S", 0.0)

    def say(*said: object) -> None:
        exits.say(*said)
        told.set()

    monkeypatch.setattr(tus_client, "say", say)
    monkeypatch.setenv("LC_ALL", locale)

    def answer_late(_: httpx.Request) -> httpx.Response:
        assert told.wait(timeout=60)
        return httpx.Response(200, json={"id": "t1"})

    answer(answer_late)
    assert tus_client.TusClient("http://x", None).track("t1") == {"id": "t1"}
    assert capsys.readouterr().err.endswith(f"http://x; {said}\n")

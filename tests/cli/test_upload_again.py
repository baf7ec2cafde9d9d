"""`sarau upload` over files that an earlier call has sent, or has begun to send."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from tests.servers import Server
from tests.sounds import write_music

from sarau.cli import main
from sarau.cli.tus_client import TusClient
from sarau.cli.upload_memory import Begun, UploadMemory


def _send(client: TusClient, path: Path, report: Callable[[float], None]) -> dict[str, Any]:
    return client.send(path, "streaming", report)


def _send_nothing(_fraction: float) -> None:
    raise AssertionError("this was sent before")


def _stop_halfway(fraction: float) -> None:
    if fraction >= 0.5:
        raise KeyboardInterrupt


def test_what_the_server_has_is_left_out_and_the_rest_goes_on_where_it_stopped(
    server: Server, tmp_path: Path
) -> None:
    memory = tmp_path / "uploads.jsonl"
    whole, half, unsent = (write_music(tmp_path / f"{name}.wav", seconds=1) for name in "abc")
    with half.open("ab") as file:
        file.truncate(16 << 20)
    with closing(TusClient(server.url, None, memory)) as client:
        first = _send(client, whole, lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            _send(client, half, _stop_halfway)

    with closing(TusClient(server.url, None, memory)) as client:
        assert _send(client, whole, _send_nothing)["id"] == first["id"]
        told: list[float] = []
        _send(client, half, told.append)
        assert told[0] > 0.1
        _send(client, unsent, lambda _: None)
    with server.client() as asked:
        tracks = asked.get("/api/v1/tracks").json()["items"]
    assert sorted(track["filename"] for track in tracks) == ["a.wav", "b.wav", "c.wav"]


@pytest.mark.parametrize(
    ("state", "is_sent_again"),
    [
        ("received", False),
        ("processing", False),
        ("ready", False),
        ("rejected", False),
        ("failed", True),
        ("cancelled", True),
        ("expired", True),
        ("deleted", True),
    ],
)
def test_only_what_came_to_nothing_is_sent_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str, *, is_sent_again: bool
) -> None:
    created: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            created.append(f"t{len(created)}")
            headers = {"location": "http://x/files/1", "sarau-track": created[-1]}
            return httpx.Response(201, headers=headers)
        if request.method == "HEAD":
            return httpx.Response(200, headers={"upload-offset": "2"})
        track = request.url.path.rpartition("/")[2]
        if (track, state) == ("t0", "deleted"):
            return httpx.Response(404, json={"code": "not_found", "detail": ""})
        now = state if track == "t0" else "received"
        return httpx.Response(200, json={"id": track, "state": now, "message": None})

    real = httpx.Client
    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(httpx, "Client", lambda **more: real(**more, transport=transport))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.wav").write_bytes(b"ab")
    for _ in range(2):
        done = CliRunner().invoke(main, ["upload", "--server", "http://x", "--json", str(folder)])
    assert len(created) == 1 + is_sent_again
    assert f'"track": "{created[-1]}"' in done.stdout


def test_calls_at_the_same_time_forget_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "uploads.jsonl"
    memories = UploadMemory(path), UploadMemory(path)
    for number, memory in enumerate(memories):
        assert memory.get("x") is None
        memory.put(str(number), Begun("url", f"t{number}"))
    assert [UploadMemory(path).get(key) for key in "01"] == [Begun("url", "t0"), Begun("url", "t1")]


@pytest.mark.parametrize("damage", ['{"key": "2", "ur', "[]", '{"key": "2"}', "\ud800\x00"])
def test_a_damaged_line_costs_no_other(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "uploads.jsonl"
    UploadMemory(path).put("1", Begun("url", "t1"))
    with path.open("a", errors="surrogateescape") as file:
        file.write(f"\n{damage}".encode(errors="surrogatepass").decode(errors="surrogateescape"))
    UploadMemory(path).put("3", Begun("url", "t3"))
    found = UploadMemory(path)
    assert (found.get("1"), found.get("2")) == (Begun("url", "t1"), None)
    assert found.get("3") == Begun("url", "t3")

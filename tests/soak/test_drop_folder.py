"""Kill the server while it empties a drop folder: every file ends once, and none is lost."""

import random
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.servers import Server
from tests.sounds import write_music

FILES = 40
KILLS = 12


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_drop_folder_that_is_emptied_loses_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    print(f"\nseed {seed}")
    sounds = [
        write_music(tmp_path / f"song{n:02}.wav", seconds=rng.choice([0.5, 2, 12]), seed=n)
        for n in range(FILES)
    ]
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"no music at all")
    drop = tmp_path / "data" / "intake" / "drop"
    server = Server(
        tmp_path / "data",
        SARAU_WATCH=str(drop),
        SARAU_WATCH_AFTER="delete",
        SARAU_WATCH_STABLE_S="1",
    ).start()
    (drop / "archive").mkdir()
    for sound in [*sounds, bad]:
        shutil.copyfile(sound, drop / "archive" / f".{sound.name}.part")
        (drop / "archive" / f".{sound.name}.part").rename(drop / "archive" / sound.name)
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.2, 2.5))
        server.kill()
        server.start()
    end = time.monotonic() + 240
    while left := [path for path in (drop / "archive").iterdir() if path.is_file()]:
        assert time.monotonic() < end, (left, server.log[-20:])
        time.sleep(0.3)
    with server.client() as client:
        tracks = client.get("/api/v1/tracks", params={"limit": 200}).json()["items"]
        names = Counter(track["filename"] for track in tracks)
        for track in tracks:
            if track["state"] == "ready":
                sent = (tmp_path / track["filename"]).read_bytes()
                assert client.get(track["source"]["url"]).content == sent
    server.kill()
    states = Counter(track["state"] for track in tracks)
    print(f"{FILES + 1} files, {KILLS} kills: {dict(states)}")
    assert names == Counter(sound.name for sound in [*sounds, bad])
    assert states == {"ready": FILES, "rejected": 1}
    assert (drop / "rejected" / "archive" / "bad.mp3").read_bytes() == bad.read_bytes()

"""Bytes that many ask for while the bucket, or the disk, that has them does not answer."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp
from tests.contracts.stores import disk_library

from sarau.app import App, open_app
from sarau.catalog import objects, renditions, runs, sources, tracks
from sarau.delivery import Delivery
from sarau.intake import Description
from sarau.library import DiskLibrary, ObjectRef
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID, RenditionId, TrackId, new_id
from sarau.model.loudness import Loudness
from sarau.model.track import Rendition, Source
from sarau.settings import load
from sarau.web import fetching
from sarau.web.server import build

SILENT = Loudness(None, None, None, None, None)
FAR, NEAR = b"far away", b"here"
FRAMEWORK_THREADS = 40


class FarLibrary(DiskLibrary):
    """A library some of whose objects are far away, where nothing answers until it is told to."""

    def __init__(self, like: DiskLibrary) -> None:
        super().__init__(like.volume)
        self.near: set[str] = set()
        self.has_hung_disk = False
        self.asked = threading.Semaphore(0)
        self.may_answer = threading.Event()

    def is_near(self, sha256: str) -> bool:
        return self.has_hung_disk or sha256 in self.near

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        self._wait(sha256)
        yield self.path_of(sha256)

    def require(self, sha256: str) -> None:
        self._wait(sha256)
        super().require(sha256)

    def _wait(self, sha256: str) -> None:
        if sha256 not in self.near:
            self.asked.release()
            self.may_answer.wait()


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarLibrary]:
    made = FarLibrary(disk_library(tmp_path / "far"))
    yield made
    made.may_answer.set()


@pytest.fixture
def opened(far: FarLibrary, tmp_path: Path) -> Iterator[App]:
    settings = load({}, data=tmp_path / "data", reserve_bytes=0)
    with open_app(settings, work=False) as app:
        yield replace(app, library=far, delivery=Delivery(app.database, far))


def _put(library: DiskLibrary, path: Path, data: bytes) -> ObjectRef:
    path.write_bytes(data)
    return library.put(path)


def _track(app: App, source: ObjectRef, made: ObjectRef) -> TrackId:
    """Make a track with a source and one rendition, `flac`."""
    upload = app.intake.create(
        owner_id=LOCAL_USER_ID,
        description=Description(filename="song.wav", preset="archive"),
        size_bytes=1,
    )
    assert upload.track_id
    with app.database.write() as connection:
        for ref in (source, made):
            objects.add(connection, ref.sha256, ref.size_bytes)
        (run,) = runs.create(connection, [(tracks.get(connection, upload.track_id), 1)])
    rendition = Rendition(
        id=RenditionId(new_id()),
        owner_id=LOCAL_USER_ID,
        track_id=upload.track_id,
        run_id=run.id,
        position=0,
        name="flac",
        object_sha256=made.sha256,
        media_type="audio/flac",
        extension="flac",
        size_bytes=made.size_bytes,
        sample_rate_hz=48_000,
        channels=2,
        bitrate_bps=None,
        duration_s=1.0,
        gain_db=0.0,
        target_lufs=None,
        ceiling_dbtp=-1.0,
        loudness=SILENT,
        verdict="passed",
        tools={},
        created_at=now(),
    )
    with app.database.write() as connection:
        sources.save(
            connection,
            Source(
                track_id=upload.track_id,
                object_sha256=source.sha256,
                size_bytes=source.size_bytes,
                container="wav",
                codec="pcm_s16le",
                sample_rate_hz=48_000,
                channels=2,
                bit_depth=16,
                duration_s=1.0,
                loudness=SILENT,
                tags={},
                warnings=(),
            ),
            {},
        )
        renditions.replace_all(connection, upload.track_id, [rendition])
    return upload.track_id


@pytest.mark.parametrize("path", ["source", "renditions/flac", "renditions/flac/a", "archive.zip"])
def test_a_library_that_hangs_keeps_those_waiting_who_want_its_bytes_and_nobody_else(
    opened: App, far: FarLibrary, tmp_path: Path, path: str
) -> None:
    away, here = (_put(far, tmp_path / "sent", data) for data in (FAR, NEAR))
    far.near.add(here.sha256)
    base = "/api/v1/tracks"
    gone = _track(opened, away, away)
    found = _track(opened, here, here)

    async def ask(app: ASGIApp) -> tuple[list[httpx.Response], list[httpx.Response]]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            waiting = [
                asyncio.create_task(client.get(f"{base}/{gone}/{path}"))
                for _ in range(FRAMEWORK_THREADS + 1)
            ]
            try:
                for _ in range(fetching.FAR.most):
                    assert await asyncio.to_thread(far.asked.acquire, timeout=60)
                async with asyncio.timeout(60):
                    others = [await client.get(base), await client.get(f"{base}/{found}/source")]
            finally:
                far.may_answer.set()
            return await asyncio.gather(*waiting), others

    late, others = asyncio.run(ask(build(opened)))
    assert [one.status_code for one in others] == [200, 200]
    assert others[1].content == NEAR
    # What was asked of a set is answered, too: this is none.
    assert {one.status_code for one in late} == {404 if path.endswith("/a") else 200}
    if path in {"source", "renditions/flac"}:
        assert {one.content for one in late} == {FAR}


@pytest.mark.parametrize("path", ["source", "renditions/flac", "renditions/flac/a"])
def test_a_disk_that_hangs_when_a_file_is_opened_keeps_nobody_else_waiting(
    opened: App, far: FarLibrary, tmp_path: Path, path: str
) -> None:
    """As NFS does, which is as near as any disk."""
    far.has_hung_disk = True
    sent = _put(far, tmp_path / "sent", FAR)
    address = f"/api/v1/tracks/{_track(opened, sent, sent)}/{path}"
    late, other = asyncio.run(_ask_meanwhile(build(opened), address, far, far.may_answer.set))
    assert other.status_code == 200
    assert {one.status_code for one in late} == {404 if path.endswith("/a") else 200}


def test_a_disk_that_hangs_while_a_file_is_read_keeps_nobody_else_waiting(
    opened: App, far: FarLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.has_hung_disk = True
    far.may_answer.set()
    sent = _put(far, tmp_path / "sent", FAR)
    os.mkfifo(tmp_path / "hangs")
    monkeypatch.setattr(far, "path_of", lambda _: tmp_path / "hangs")
    writer = os.open(tmp_path / "hangs", os.O_RDWR)
    address = f"/api/v1/tracks/{_track(opened, sent, sent)}/source"

    def go_on() -> None:
        os.write(writer, FAR * (FRAMEWORK_THREADS + 1))

    try:
        late, other = asyncio.run(_ask_meanwhile(build(opened), address, far, go_on))
    finally:
        os.close(writer)
    assert other.status_code == 200
    assert {one.content for one in late} == {FAR}


async def _ask_meanwhile(
    app: ASGIApp, address: str, far: FarLibrary, go_on: Callable[[], None]
) -> tuple[list[httpx.Response], httpx.Response]:
    """Ask for bytes so often that all threads wait for them, and for the tracks meanwhile."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        waiting = [asyncio.create_task(client.get(address)) for _ in range(FRAMEWORK_THREADS + 1)]
        try:
            for _ in range(fetching.NEAR.most):
                assert await asyncio.to_thread(far.asked.acquire, timeout=60)
            async with asyncio.timeout(60):
                other = await client.get("/api/v1/tracks")
        finally:
            go_on()
        return await asyncio.gather(*waiting), other

"""After the power came back: the server is started, and everything goes on by itself."""

import time
from collections import Counter
from typing import Any

import httpx
import sqlalchemy as sa
from tests.faults.power.installation import Installation
from tests.faults.power.promises import Promises, broken

from sarau.catalog import Database, tables
from sarau.model.lifecycle import TrackState

_PATIENCE_S = 120.0
_AT_WORK = {TrackState.RECEIVED, TrackState.PROCESSING, TrackState.FAILED}


def not_resumed(installation: Installation, promises: Promises) -> set[str]:
    """Start the server, wait until nothing is at work, and return what is wrong then."""
    server = installation.server("none").start()
    try:
        with server.client() as client:
            tracks = _settled(client)
            wrong = (
                {"never finished"} if tracks is None else _wrong_tracks(client, tracks, promises)
            )
    finally:
        server.kill()
    return wrong | _unknown_objects(installation) | broken(installation, promises)


def _settled(client: httpx.Client) -> list[dict[str, Any]] | None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        tracks = client.get("/api/v1/tracks", params={"limit": 200}).json()["items"]
        if not any(track["state"] in _AT_WORK for track in tracks):
            return tracks
        time.sleep(0.2)
    return None


def _wrong_tracks(
    client: httpx.Client, tracks: list[dict[str, Any]], promises: Promises
) -> set[str]:
    wrong = set()
    for track in tracks:
        history = client.get(f"/api/v1/tracks/{track['id']}/events").json()["items"]
        kinds = Counter(event["kind"] for event in history)
        if track["state"] == TrackState.READY:
            # What failed meanwhile, and began again by itself, was received anew.
            begun = kinds["track.received"] - kinds["track.failed"]
            if (begun, kinds["track.ready"]) != (1, 1):
                wrong.add(f"not once: {dict(kinds)}")
            sent = (promises.songs / track["filename"]).read_bytes()
            if client.get(track["source"]["url"]).content != sent:
                wrong.add("another source")
            for rendition in track["renditions"]:
                client.get(rendition["url"]).raise_for_status()
    return wrong


def _unknown_objects(installation: Installation) -> set[str]:
    settings = installation.settings
    database = Database(settings.database)
    with database.read() as connection:
        known = set(connection.execute(sa.select(tables.objects.c.sha256)).scalars())
    database.close()
    there = {path.name for path in settings.library_dir.glob("objects/*/*")}
    return {"objects that nobody knows"} if there - known else set()

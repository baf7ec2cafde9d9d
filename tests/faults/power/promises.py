"""What clients had been told before the cut, held against what is found after it."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.faults.power.installation import Installation

from sarau.app import App, open_app
from sarau.catalog import objects, tables
from sarau.model.lifecycle import TrackState, UploadState


@dataclass
class Promises:
    """What was acknowledged, from the marks before the cut."""

    songs: Path
    """The folder of the files that clients send."""
    created: dict[str, bytes] = field(default_factory=dict)
    """By the id of the upload: the bytes that its client has for it."""
    offsets: dict[str, int] = field(default_factory=dict)
    told: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By what was told or asked for: of which uploads, or of which objects."""

    def take(self, marks: bytes) -> None:
        for line in marks.decode().splitlines():
            what, *rest = line.split("\t")
            if what == "created":
                upload_id, song, start, stop = rest
                data = (self.songs / song).read_bytes()
                self.created[upload_id] = data[int(start) : int(stop)]
            elif what == "offset":
                self.offsets[rest[0]] = int(rest[1])
            elif rest:
                self.told[what].add(rest[0])


def broken(installation: Installation, promises: Promises) -> set[str]:
    """Recover as every start does, and return what is wrong then."""
    with open_app(installation.settings, work=False) as app:
        return _wrong(promises, app)


def _wrong(promises: Promises, app: App) -> set[str]:
    wrong = {"damaged"} if app.intake.recover().damaged else set()
    with app.database.read() as connection:
        if connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() != "ok":
            wrong.add("database corrupt")
        if connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            wrong.add("database inconsistent")
        wrong |= _Uploads(promises, app, connection).wrong()
        wrong |= _wrong_objects(promises, app, connection)
    return wrong


class _Uploads:
    """The uploads of the catalog and their tracks."""

    def __init__(self, promises: Promises, app: App, connection: sa.Connection) -> None:
        self._promises, self._app = promises, app
        self._rows = {row.id: row for row in connection.execute(sa.select(tables.uploads))}
        events = tables.events
        creations = sa.select(events.c.upload_id).where(events.c.kind == "track.created")
        self._creations = Counter(connection.execute(creations).scalars())
        tracks = sa.select(tables.tracks.c.id, tables.tracks.c.state)
        self._tracks = dict(connection.execute(tracks).all())

    def wrong(self) -> set[str]:
        found = set()
        for upload_id, data in self._promises.created.items():
            row = self._rows.get(upload_id)
            if row is None:
                found.add("upload lost")
                continue
            found |= self._wrong_offset(row, data)
            found |= self._wrong_bytes(row, data)
            found |= self._wrong_end(row)
            if self._state_of(row) == TrackState.REJECTED and data.startswith(b"RIFF"):
                found.add("music rejected")
        return found

    def _told(self, what: str, row: Any) -> bool:
        return row.id in self._promises.told[what]

    def _wrong_offset(self, row: Any, data: bytes) -> set[str]:
        found = set()
        if self._creations[row.id] != (row.track_id is not None):
            found.add("track not once")
        acknowledged = self._promises.offsets.get(row.id, 0)
        # Of an upload that its client let go of while it was received nothing is kept.
        is_let_go = row.state == UploadState.DISCARDED and self._told("terminating", row)
        if row.offset_bytes < acknowledged and not is_let_go:
            found.add("acknowledged offset lost")
        if acknowledged == len(data) and row.state == UploadState.RECEIVING:
            found.add("acknowledged file lost")
        return found

    def _wrong_bytes(self, row: Any, data: bytes) -> set[str]:
        file = self._app.intake.files.of(row.id)
        if row.state in {UploadState.RECEIVING, UploadState.RECEIVED}:
            is_there = file.exists() and file.read_bytes() == data[: row.offset_bytes]
            return set() if is_there else {"acknowledged bytes lost"}
        # What is damaged is kept, to be looked at.
        is_left = file.exists() and row.state != UploadState.DAMAGED
        found = {"left on D"} if is_left else set()
        if row.state == UploadState.STORED and self._state_of(row) != TrackState.DELETED:
            sha256 = hashlib.sha256(data).hexdigest()
            path = self._app.library.volume.path("objects", sha256[:2], sha256)
            if not path.exists() or path.read_bytes() != data:
                found.add("stored without its object")
        return found

    def _state_of(self, row: Any) -> str | None:
        return self._tracks.get(row.track_id)

    def _wrong_end(self, row: Any) -> set[str]:
        state = self._state_of(row)
        found = set()
        if self._told("terminated", row) and row.state != UploadState.DISCARDED:
            found.add("termination lost")
        asked_for = {TrackState.DELETED: "deleting", TrackState.CANCELLED: "terminating"}
        if state in asked_for and not self._told(asked_for[state], row):
            found.add("let go unasked")
        if row.state == UploadState.DISCARDED and state not in {*asked_for, TrackState.REJECTED}:
            found.add("let go and not told")
        if state in {TrackState.FAILED, TrackState.EXPIRED}:
            found.add(f"track {state}")
        for told in (TrackState.READY, TrackState.REJECTED, TrackState.DELETED):
            is_overtaken = told == TrackState.READY and state == TrackState.DELETED
            if self._told(told, row) and state != told and not is_overtaken:
                found.add(f"{told} lost")
        return found


def _wrong_objects(promises: Promises, app: App, connection: sa.Connection) -> set[str]:
    found = set()
    known = set(connection.execute(sa.select(tables.objects.c.sha256)).scalars())
    there = {path.name for path in app.library.volume.path("objects").glob("*/*")}
    for sha256 in known:
        # What nothing refers to may be on its way out.
        if objects.is_unreferenced(connection, sha256):
            continue
        if sha256 not in there or not app.library.verify(sha256):
            found.add("object lost")
    if promises.told["known"] & (there - known):
        found.add("removed and still there")
    if promises.told["gone"] & (there | known):
        found.add("removal lost")
    return found

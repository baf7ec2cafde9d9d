"""The rooms that the workload uses and that the check opens again after the cut."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from sarau.catalog import Database
from sarau.intake import Intake
from sarau.library import DiskLibrary
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.storage import Volume


def open_rooms(d: Path, e: Path) -> tuple[Database, Intake, DiskLibrary]:
    database = Database(f"sqlite:///{e / 'sarau.db'}")
    intake = Intake(
        database,
        Volume.open(d / "intake", "intake", reserve_bytes=0),
        max_upload_bytes=1 << 30,
        expiry_s=3600,
        on_received=nothing_follows,
    )
    library = DiskLibrary(Volume.open(e / "library", "library", reserve_bytes=0))
    return database, intake, library


def nothing_follows(_connection: sa.Connection, _received: Sequence[tuple[Upload, Track]]) -> None:
    """The workload promotes by itself, at the moment it chooses."""


def content(number: int) -> bytes:
    return hashlib.sha256(b"upload %d" % number).digest() * (500 + 37 * number)

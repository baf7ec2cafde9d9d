"""Open the catalog, the volumes and the library where the settings say they are."""

import logging
import threading
from functools import partial
from pathlib import Path

from sarau.catalog import Database, migrate, volumes
from sarau.catalog.database import translated
from sarau.errors import FailedError
from sarau.library import DiskLibrary, Library, Place, S3Library, connect, open_bucket
from sarau.settings import Settings
from sarau.storage import Volume

_logger = logging.getLogger(__name__)


def open_database(settings: Settings) -> Database:
    """Open the catalog, with its tables as this version knows them.

    Raises:
        FailedError: `database_unavailable`.

    """
    if settings.database.startswith("sqlite"):
        settings.data.mkdir(parents=True, exist_ok=True)
    database = Database.of(settings)
    with translated():
        migrate(database.engine)
    return database


def open_volume(database: Database, root: Path, role: str, settings: Settings) -> Volume:
    """Open a volume and hold it to the id that the catalog knows.

    Raises:
        FailedError: The volume is missing or another's.

    """
    known = _known_id(database, role)
    volume = Volume.open(root, role, reserve_bytes=settings.reserve_bytes, expected_id=known)
    if known is None:
        _remember(database, role, volume.id)
    volume.on_sync_error = partial(_note_sync_error, database, role)
    return volume


def _note_sync_error(database: Database, role: str, detail: str) -> None:
    """Put a failed sync into the catalog, from a thread that holds nothing."""

    def work() -> None:
        try:
            with database.write() as connection:
                volumes.note_sync_error(connection, role, detail)
        except FailedError as error:
            _logger.error("a failed sync could not be noted: %s", error)  # noqa: TRY400 - no bug

    threading.Thread(target=work, name="sync-error", daemon=True).start()


def open_library(database: Database, settings: Settings) -> Library:
    """Open E, a disk or a bucket, and hold it to the id that the catalog knows.

    Raises:
        FailedError: The library is missing, another's or does not let us in.

    """
    place = Place.of_library(settings)
    if place is None:
        return DiskLibrary(open_volume(database, settings.library_dir, "library", settings))
    bucket = connect(place)
    known = _known_id(database, "library")
    volume_id = open_bucket(bucket, known)
    if known is None:
        _remember(database, "library", volume_id)
    # Nothing on the cache is needed for longer than a run, so no catalog holds it to an id.
    cache = Volume.open(settings.library_cache_dir, "cache", reserve_bytes=settings.reserve_bytes)
    return S3Library(
        bucket,
        cache,
        volume_id=volume_id,
        cache_bytes=settings.library_cache_bytes,
        link_s=settings.library_link_s,
    )


def _known_id(database: Database, role: str) -> str | None:
    with database.read() as connection:
        return volumes.known_id(connection, role)


def _remember(database: Database, role: str, volume_id: str) -> None:
    with database.write() as connection:
        volumes.remember(connection, role, volume_id)

"""Look at an installation from outside, while its server runs or not, and change nothing."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sarau.app._stores import open_library
from sarau.catalog import Database, volumes
from sarau.catalog.schema import newest_revision, revision_of
from sarau.catalog.volumes import SyncError
from sarau.errors import FailedError
from sarau.settings import Settings
from sarau.storage.volume import VolumeStatus, is_blank, look


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog says about volumes; nothing before the first start."""

    ids: dict[str, str]
    sync_errors: dict[str, SyncError]
    error: FailedError | None = None
    """Why the catalog could not be asked."""


def look_at_places(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the state of volume D, of the library and of the database, ready to be printed."""
    known = _ask_catalog(settings)
    found = {
        "database": {"ok": known.error is None}
        | ({"code": known.error.code, "detail": known.error.detail} if known.error else {}),
        "intake": _volume(settings, known, settings.intake_dir, "intake"),
    }
    if settings.library_bucket is None:
        return found | {"library": _volume(settings, known, settings.library_dir, "library")}
    cache = _volume(settings, replace(known, ids={}), settings.library_cache_dir, "cache")
    return found | {"cache": cache, "library": _bucket(settings, known)}


def _volume(settings: Settings, known: Known, root: Path, role: str) -> dict[str, Any]:
    expected_id = known.ids.get(role)
    try:
        if expected_id is None and is_blank(root):
            return {"ok": True, "path": str(root), "state": "will be made at the first start"}
    except FailedError as error:
        return {"ok": False, "path": str(root), "code": error.code, "detail": error.detail}
    status = look(root, role, expected_id, reserve_bytes=settings.reserve_bytes)
    return {"path": str(root), **describe(status, known.sync_errors.get(role))}


def _bucket(settings: Settings, known: Known) -> dict[str, Any]:
    if "library" not in known.ids:
        return {"ok": True, "path": settings.library, "state": "will be made at the first start"}
    database = Database.of(settings)
    try:
        library = open_library(database, settings)
        try:
            return {"path": settings.library, **describe(library.check(), None)}
        finally:
            library.close()
    except FailedError as error:
        return {"ok": False, "path": settings.library, "code": error.code, "detail": error.detail}
    finally:
        database.close()


def describe(status: VolumeStatus, last_sync_error: SyncError | None) -> dict[str, Any]:
    """Return what there is to say about a volume, as `/readyz` and `sarau doctor` do."""
    said = {key: value for key, value in asdict(status).items() if value is not None}
    return said | {
        "code": status.code,
        "last_sync_error": asdict(last_sync_error) if last_sync_error else None,
    }


def _ask_catalog(settings: Settings) -> Known:
    url = sa.make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        return Known({}, {})
    database = Database.of(settings)
    try:
        with database.read() as connection:
            revision = revision_of(connection)
            if revision is None:
                return Known({}, {})
            ids = {
                role: found
                for role in ("intake", "library")
                if (found := volumes.known_id(connection, role)) is not None
            }
            # A catalog of an older version knows less; the next start brings it up to date.
            is_current = revision == newest_revision()
            return Known(ids, volumes.last_sync_errors(connection) if is_current else {})
    except FailedError as error:
        return Known({}, {}, error)
    finally:
        database.close()

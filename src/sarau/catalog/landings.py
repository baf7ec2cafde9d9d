"""Landings: which object of the intake bucket became which upload, so that none is taken twice."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sarau.catalog import events, uploads
from sarau.catalog.database import insert_into
from sarau.catalog.tables import landings
from sarau.model.clock import now
from sarau.model.ids import UploadId
from sarau.model.landing import Landing, LandingId
from sarau.model.upload import Upload


def find(connection: sa.Connection, landing_id: LandingId) -> Upload | None:
    """Return the upload that a landing became, None when it is not known."""
    query = sa.select(landings.c.upload_id).where(landings.c.id == landing_id)
    upload_id = connection.execute(query).scalar_one_or_none()
    return None if upload_id is None else uploads.get(connection, UploadId(upload_id))


def add(connection: sa.Connection, landing: Landing, upload: Upload) -> bool:
    """Tie a landing to the upload that is being made of it; False when another just did."""
    row = {
        "id": landing.id,
        "upload_id": upload.id,
        "bucket": landing.bucket,
        "object_key": landing.shown_key,
        "created_at": now(),
    }
    adding = insert_into(connection, landings).values(row).on_conflict_do_nothing()
    return connection.execute(adding.returning(landings.c.id)).first() is not None


def record(
    connection: sa.Connection, landing: Landing, upload: Upload, more: Mapping[str, Any]
) -> None:
    """Record where an upload came from and who worked on it, as `upload.landed`."""
    events.record(
        connection,
        "upload.landed",
        owner_id=upload.owner_id,
        track_id=upload.track_id,
        upload_id=upload.id,
        data={"object": str(landing), **more},
    )

"""Who sends, what arrives, and on which way."""

from typing import Any

import sqlalchemy as sa

from sarau.catalog.tables._columns import (
    ID,
    SHA256,
    index_of_some,
    metadata,
    one_of,
    owner_column,
    time_column,
)
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.search_text import fold


def _search_text(context: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    given = context.get_current_parameters()
    return fold(given["title"], given["artist"], given["filename"])


users = sa.Table(
    "users",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, unique=True),
    time_column("created_at"),
)

tracks = sa.Table(
    "tracks",
    metadata,
    sa.Column("id", ID, primary_key=True),
    owner_column(),
    sa.Column("filename", sa.String(1024), nullable=False),
    sa.Column("title", sa.String(1024), nullable=False),
    sa.Column("artist", sa.String(1024)),
    sa.Column("preset", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("code", sa.String(64)),
    sa.Column("detail", sa.Text),
    sa.Column("run_id", ID),
    sa.Column("duplicate_of", ID),
    # The names in the form in which they are searched; null in rows of an older version until
    # the caretaker fills it in. Pieces of it are indexed on PostgreSQL (migration 0015).
    sa.Column("search_text", sa.Text, default=_search_text),
    time_column("created_at"),
    time_column("updated_at"),
    # When the caretaker let go of all that a deleted track referred to; null until then.
    time_column("purged_at", nullable=True),
    one_of("state", TrackState),
    sa.Index(None, "owner_id", "id"),
    sa.Index(None, "state", "updated_at"),
    sa.Index(None, "owner_id", "state", "id"),
    index_of_some("ix_tracks_search_text_missing", ["id"], "search_text IS NULL"),
    # The state is the same in all of each; SQLite prefers them to the index of every state.
    index_of_some("ix_tracks_failed", ["state", "code"], "state = 'failed'"),
    index_of_some(
        "ix_tracks_unpurged", ["state", "updated_at"], "state = 'deleted' AND purged_at IS NULL"
    ),
    sa.Index(
        "ix_tracks_search_text_pieces",
        sa.func.sarau_grams(sa.column("search_text")),
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 512},
    ).ddl_if(dialect="postgresql"),
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", ID, primary_key=True),
    owner_column(),
    sa.Column("track_id", ID, sa.ForeignKey("tracks.id"), index=True),
    sa.Column("filename", sa.String(1024), nullable=False),
    sa.Column("preset", sa.String(64), nullable=False),
    sa.Column("metadata_header", sa.Text),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("offset_bytes", sa.BigInteger, nullable=False, default=0),
    sa.Column("sha256", SHA256, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("concat", sa.Text),
    # The newest request that waits for this upload, so that a holder in another
    # server process sees that it must let go.
    sa.Column("wanted_by", ID),
    # The request that created it, by which its way can be followed through the logs.
    sa.Column("request_id", sa.String(64)),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("expires_at"),
    one_of("state", UploadState),
    sa.Index(None, "state", "expires_at"),
)

# Which file of a folder became which upload. The identity is unique, so that of two
# processes over one folder only one takes a file.
imports = sa.Table(
    "imports",
    metadata,
    sa.Column("upload_id", ID, sa.ForeignKey("uploads.id"), primary_key=True),
    sa.Column("inode", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("ctime_ns", sa.BigInteger, nullable=False),
    sa.Column("device", sa.BigInteger, nullable=False),
    time_column("created_at"),
    sa.UniqueConstraint("inode", "size_bytes", "mtime_ns", "ctime_ns", "device"),
)

# Which object of the intake bucket became which upload: the id is the landing's, so that
# any number of messages about it make one track.
landings = sa.Table(
    "landings",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("upload_id", ID, sa.ForeignKey("uploads.id"), nullable=False, unique=True),
    sa.Column("bucket", sa.String(255), nullable=False),
    sa.Column("object_key", sa.String(1024), nullable=False),
    time_column("created_at"),
)

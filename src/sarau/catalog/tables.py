"""The tables of the catalog, one schema for SQLite and PostgreSQL.

Every row that belongs to somebody carries `owner_id`. Times are UTC. The
migrations in `sarau/catalog/migrations` build exactly this metadata;
tests/catalog/test_migrations.py compares the two.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sarau.model.ids import new_id
from sarau.model.lifecycle import RunState, Stage, TrackState, UploadState
from sarau.model.search_text import fold


def _utc_text(value: datetime | None) -> str | None:
    """Write a time as SQLAlchemy's own type for SQLite does."""
    if value is None:
        return None
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time on every database (SQLite's own type forgets the zone)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
        """Convert to UTC on the way in."""
        # There are fourteen times in the rows of one upload: no detour by SQLite's own type.
        return _utc_text if dialect.name == "sqlite" else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Say on the way out that what is stored is UTC."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.replace(tzinfo=UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = sa.String(32)
_SHA256 = sa.String(64)


def _one_of(column: str, states: type[StrEnum]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{state}'" for state in states)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def _owner() -> sa.Column[str]:
    return sa.Column("owner_id", _ID, sa.ForeignKey("users.id"), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def _some(name: str, columns: Sequence[str], where: str) -> sa.Index:
    """Return an index of those rows that the caretaker looks for."""
    kept = sa.text(where)
    return sa.Index(name, *columns, postgresql_where=kept, sqlite_where=kept)


def _loudness() -> list[sa.Column[Any]]:
    return [
        sa.Column("integrated_lufs", sa.Double),
        sa.Column("range_lu", sa.Double),
        sa.Column("max_momentary_lufs", sa.Double),
        sa.Column("max_short_term_lufs", sa.Double),
        sa.Column("true_peak_dbtp", sa.Double),
    ]


def _search_text(context: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    given = context.get_current_parameters()
    return fold(given["title"], given["artist"], given["filename"])


users = sa.Table(
    "users",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, unique=True),
    _time("created_at"),
)

tracks = sa.Table(
    "tracks",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    _owner(),
    sa.Column("filename", sa.String(1024), nullable=False),
    sa.Column("title", sa.String(1024), nullable=False),
    sa.Column("artist", sa.String(1024)),
    sa.Column("preset", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("code", sa.String(64)),
    sa.Column("detail", sa.Text),
    sa.Column("run_id", _ID),
    sa.Column("duplicate_of", _ID),
    # The names in the form in which they are searched; null in rows of an older version until
    # the caretaker fills it in. Pieces of it are indexed on PostgreSQL (migration 0015).
    sa.Column("search_text", sa.Text, default=_search_text),
    _time("created_at"),
    _time("updated_at"),
    # When the caretaker let go of all that a deleted track referred to; null until then.
    _time("purged_at", nullable=True),
    _one_of("state", TrackState),
    sa.Index(None, "owner_id", "id"),
    sa.Index(None, "state", "updated_at"),
    sa.Index(None, "owner_id", "state", "id"),
    _some("ix_tracks_search_text_missing", ["id"], "search_text IS NULL"),
    # The state is the same in all of each; SQLite prefers them to the index of every state.
    _some("ix_tracks_failed", ["state", "code"], "state = 'failed'"),
    _some("ix_tracks_unpurged", ["state", "updated_at"], "state = 'deleted' AND purged_at IS NULL"),
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
    sa.Column("id", _ID, primary_key=True),
    _owner(),
    sa.Column("track_id", _ID, sa.ForeignKey("tracks.id"), index=True),
    sa.Column("filename", sa.String(1024), nullable=False),
    sa.Column("preset", sa.String(64), nullable=False),
    sa.Column("metadata_header", sa.Text),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("offset_bytes", sa.BigInteger, nullable=False, default=0),
    sa.Column("sha256", _SHA256, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("concat", sa.Text),
    # The newest request that waits for this upload, so that a holder in another
    # server process sees that it must let go.
    sa.Column("wanted_by", _ID),
    # The request that created it, by which its way can be followed through the logs.
    sa.Column("request_id", sa.String(64)),
    _time("created_at"),
    _time("updated_at"),
    _time("expires_at"),
    _one_of("state", UploadState),
    sa.Index(None, "state", "expires_at"),
)

# Which file of a folder became which upload. The identity is unique, so that of two
# processes over one folder only one takes a file.
imports = sa.Table(
    "imports",
    metadata,
    sa.Column("upload_id", _ID, sa.ForeignKey("uploads.id"), primary_key=True),
    sa.Column("inode", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("ctime_ns", sa.BigInteger, nullable=False),
    sa.Column("device", sa.BigInteger, nullable=False),
    _time("created_at"),
    sa.UniqueConstraint("inode", "size_bytes", "mtime_ns", "ctime_ns", "device"),
)

# Which object of the intake bucket became which upload: the id is the landing's, so that
# any number of messages about it make one track.
landings = sa.Table(
    "landings",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("upload_id", _ID, sa.ForeignKey("uploads.id"), nullable=False, unique=True),
    sa.Column("bucket", sa.String(255), nullable=False),
    sa.Column("object_key", sa.String(1024), nullable=False),
    _time("created_at"),
)

# Which disk is mounted for which role, so that an empty mount point is never taken for a volume.
volumes = sa.Table(
    "volumes",
    metadata,
    sa.Column("role", sa.String(16), primary_key=True),
    sa.Column("id", _ID, nullable=False),
    _time("created_at"),
    # The last time that a sync of it failed, and what the system said.
    _time("sync_failed_at", nullable=True),
    sa.Column("sync_error", sa.Text),
)

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("sha256", _SHA256, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    _time("stored_at"),
    _time("verified_at", nullable=True),
    _time("damaged_at", nullable=True),
    # In the order in which they are due to be read, in each of three kinds (objects.due).
    sa.Index(None, "damaged_at", "verified_at", "stored_at"),
)

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("track_id", _ID, sa.ForeignKey("tracks.id"), primary_key=True),
    sa.Column("object_sha256", _SHA256, sa.ForeignKey("objects.sha256"), index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("container", sa.String(64), nullable=False),
    sa.Column("codec", sa.String(64), nullable=False),
    sa.Column("sample_rate_hz", sa.Integer, nullable=False),
    sa.Column("channels", sa.Integer, nullable=False),
    sa.Column("bit_depth", sa.Integer),
    sa.Column("duration_s", sa.Double, nullable=False),
    *_loudness(),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("warnings", sa.JSON, nullable=False),
    sa.Column("waveform", sa.JSON, nullable=False),
)

insights = sa.Table(
    "insights",
    metadata,
    sa.Column("track_id", _ID, sa.ForeignKey("tracks.id"), primary_key=True),
    sa.Column("report", sa.JSON, nullable=False),
    sa.Column("loudness_curve", sa.JSON, nullable=False),
    sa.Column("spectrogram", sa.LargeBinary, nullable=False),
)

# What recordings sound like (model/fingerprint.py).
fingerprints = sa.Table(
    "fingerprints",
    metadata,
    sa.Column("track_id", _ID, sa.ForeignKey("tracks.id"), primary_key=True),
    sa.Column("chromaprint", sa.LargeBinary, nullable=False),
)

# What fingerprints are found by: up to 64 rows a track, and the widest index of the catalog.
# So it has no key to `tracks`, which would be looked up for each of them.
fingerprint_marks = sa.Table(
    "fingerprint_marks",
    metadata,
    sa.Column("mark", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("track_id", _ID, primary_key=True),
    sqlite_with_rowid=False,
)

# Two tracks of one owner that are the same recording; `track_id` is the lower of their ids.
likenesses = sa.Table(
    "likenesses",
    metadata,
    sa.Column("track_id", _ID, sa.ForeignKey("tracks.id"), primary_key=True),
    sa.Column("other_id", _ID, sa.ForeignKey("tracks.id"), primary_key=True, index=True),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("offset_s", sa.Double, nullable=False),
    sa.Column("matched_s", sa.Double, nullable=False),
)

# Of users; the built-in ones are in the code.
presets = sa.Table(
    "presets",
    metadata,
    sa.Column("owner_id", _ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("definition", sa.JSON, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    _time("deleted_at", nullable=True),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    _owner(),
    sa.Column("track_id", _ID, sa.ForeignKey("tracks.id"), nullable=False, index=True),
    sa.Column("preset", sa.String(64), nullable=False),
    # The preset as it was when the run was queued; null in runs older than that.
    sa.Column("definition", sa.JSON(none_as_null=True)),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("stage", sa.String(16)),
    sa.Column("progress", sa.Double, nullable=False, default=0.0),
    sa.Column("progress_at", UtcDateTime),
    # Its place in the queue (catalog/turns.py), and who entered its stage.
    sa.Column("turn", sa.Integer),
    sa.Column("worker_id", sa.String(128)),
    sa.Column("code", sa.String(64)),
    sa.Column("detail", sa.Text),
    _time("created_at"),
    _time("started_at", nullable=True),
    _time("finished_at", nullable=True),
    _one_of("state", RunState),
    _one_of("stage", Stage),
    sa.Index(None, "state", "created_at"),
    sa.Index(None, "state", "turn"),
    sa.Index(None, "state", "owner_id", "turn"),
)

# The renditions of one run that are made together, while several workers make them.
render_groups = sa.Table(
    "render_groups",
    metadata,
    sa.Column("run_id", _ID, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("names", sa.JSON, nullable=False),
    # Who has it, and by which taking: catalog/groups.py.
    sa.Column("hand", sa.String(16)),
    sa.Column("token", _ID),
    sa.Column("worker_id", sa.String(128)),
    sa.Column("progress", sa.Double, nullable=False),
    sa.Column("made", sa.JSON(none_as_null=True)),
)

# Who takes runs from queues, on whatever machine, and was last seen when.
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("code_version", sa.String(32), nullable=False),
    sa.Column("cores", sa.Integer, nullable=False),
    sa.Column("concurrency", sa.Integer, nullable=False),
    sa.Column("queues", sa.JSON, nullable=False),
    sa.Column("is_draining", sa.Boolean, nullable=False),
    _time("started_at"),
    _time("seen_at"),
    _time("left_at", nullable=True),
)

renditions = sa.Table(
    "renditions",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    _owner(),
    sa.Column("track_id", _ID, sa.ForeignKey("tracks.id"), nullable=False),
    sa.Column("run_id", _ID, sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name", sa.String(32), nullable=False),
    sa.Column(
        "object_sha256", _SHA256, sa.ForeignKey("objects.sha256"), nullable=False, index=True
    ),
    sa.Column("media_type", sa.String(64), nullable=False),
    sa.Column("extension", sa.String(8), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sample_rate_hz", sa.Integer, nullable=False),
    sa.Column("channels", sa.Integer, nullable=False),
    sa.Column("bitrate_bps", sa.Integer),
    sa.Column("duration_s", sa.Double, nullable=False),
    sa.Column("gain_db", sa.Double, nullable=False),
    sa.Column("target_lufs", sa.Double),
    sa.Column("ceiling_dbtp", sa.Double, nullable=False),
    *_loudness(),
    sa.Column("verdict", sa.String(32), nullable=False),
    sa.Column("tools", sa.JSON, nullable=False),
    _time("created_at"),
    sa.UniqueConstraint("track_id", "name"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    _time("at"),
    sa.Column("owner_id", _ID, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("track_id", _ID, index=True),
    sa.Column("upload_id", _ID),
    sa.Column("run_id", _ID),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index(None, "owner_id", "number"),
)

# How many rows of `tracks`, `uploads` and `objects` are in which state: notes whose sum is the
# count (catalog/tallies.py). Triggers of migration 0014 write them; whoever makes one of those
# tables anew, as SQLite's batch migrations do, has to make its triggers again.
tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("id", _ID, primary_key=True, default=new_id),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("owner_id", _ID, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)

event_counter = sa.Table(
    "event_counter",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)

"""The first schema: users, uploads, tracks, sources, renditions, runs, objects, events."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "event_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_event_counter_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_counter")),
    )
    op.create_table(
        "events",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("track_id", sa.String(length=32), nullable=True),
        sa.Column("upload_id", sa.String(length=32), nullable=True),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_events")),
    )
    op.create_index(
        op.f("ix_events_owner_id_number"), "events", ["owner_id", "number"], unique=False
    )
    op.create_index(op.f("ix_events_track_id"), "events", ["track_id"], unique=False)
    op.create_table(
        "objects",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("damaged_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_objects")),
    )
    op.create_index(op.f("ix_objects_verified_at"), "objects", ["verified_at"], unique=False)
    op.create_table(
        "volumes",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_volumes")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "tracks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("filename", sa.String(length=1024), nullable=False),
        sa.Column("title", sa.String(length=1024), nullable=False),
        sa.Column("artist", sa.String(length=1024), nullable=True),
        sa.Column("preset", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("duplicate_of", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('receiving', 'received', 'processing', 'ready', 'rejected', 'failed', 'cancelled', 'expired', 'deleted')",
            name=op.f("ck_tracks_state"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_tracks_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracks")),
    )
    op.create_index(op.f("ix_tracks_owner_id_id"), "tracks", ["owner_id", "id"], unique=False)
    op.create_index(
        op.f("ix_tracks_state_updated_at"), "tracks", ["state", "updated_at"], unique=False
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("track_id", sa.String(length=32), nullable=False),
        sa.Column("preset", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=True),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("progress_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "stage IN ('validate', 'store', 'render', 'verify', 'publish')",
            name=op.f("ck_runs_stage"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'rejected', 'failed', 'cancelled')",
            name=op.f("ck_runs_state"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_runs_owner_id_users")),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name=op.f("fk_runs_track_id_tracks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_state_created_at"), "runs", ["state", "created_at"], unique=False)
    op.create_index(op.f("ix_runs_track_id"), "runs", ["track_id"], unique=False)
    op.create_table(
        "sources",
        sa.Column("track_id", sa.String(length=32), nullable=False),
        sa.Column("object_sha256", sa.String(length=64), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("container", sa.String(length=64), nullable=False),
        sa.Column("codec", sa.String(length=64), nullable=False),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("bit_depth", sa.Integer(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("integrated_lufs", sa.Double(), nullable=True),
        sa.Column("range_lu", sa.Double(), nullable=True),
        sa.Column("max_momentary_lufs", sa.Double(), nullable=True),
        sa.Column("max_short_term_lufs", sa.Double(), nullable=True),
        sa.Column("true_peak_dbtp", sa.Double(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("waveform", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["object_sha256"], ["objects.sha256"], name=op.f("fk_sources_object_sha256_objects")
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_sources_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_sources")),
    )
    op.create_index(op.f("ix_sources_object_sha256"), "sources", ["object_sha256"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("track_id", sa.String(length=32), nullable=True),
        sa.Column("filename", sa.String(length=1024), nullable=False),
        sa.Column("preset", sa.String(length=64), nullable=False),
        sa.Column("metadata_header", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("offset_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("concat", sa.Text(), nullable=True),
        sa.Column("wanted_by", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('receiving', 'received', 'stored', 'discarded', 'damaged')",
            name=op.f("ck_uploads_state"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_uploads_owner_id_users")),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_uploads_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(
        op.f("ix_uploads_state_expires_at"), "uploads", ["state", "expires_at"], unique=False
    )
    op.create_index(op.f("ix_uploads_track_id"), "uploads", ["track_id"], unique=False)
    op.create_table(
        "renditions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("track_id", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("object_sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("bitrate_bps", sa.Integer(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("gain_db", sa.Double(), nullable=False),
        sa.Column("target_lufs", sa.Double(), nullable=True),
        sa.Column("ceiling_dbtp", sa.Double(), nullable=False),
        sa.Column("integrated_lufs", sa.Double(), nullable=True),
        sa.Column("range_lu", sa.Double(), nullable=True),
        sa.Column("max_momentary_lufs", sa.Double(), nullable=True),
        sa.Column("max_short_term_lufs", sa.Double(), nullable=True),
        sa.Column("true_peak_dbtp", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("tools", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["object_sha256"], ["objects.sha256"], name=op.f("fk_renditions_object_sha256_objects")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_renditions_owner_id_users")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_renditions_run_id_runs")),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_renditions_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renditions")),
        sa.UniqueConstraint("track_id", "name", name=op.f("uq_renditions_track_id_name")),
    )
    op.create_index(
        op.f("ix_renditions_object_sha256"), "renditions", ["object_sha256"], unique=False
    )
    _insert_first_rows()
    _make_events_append_only()


def _insert_first_rows() -> None:
    users = sa.table(
        "users",
        sa.column("id"),
        sa.column("name"),
        sa.column("created_at", sa.DateTime(timezone=True)),
    )
    op.bulk_insert(
        users, [{"id": "local", "name": "local", "created_at": datetime(2026, 1, 1, tzinfo=UTC)}]
    )
    op.execute("INSERT INTO event_counter (id, number) VALUES (1, 0)")


def _make_events_append_only() -> None:
    """Let the database itself refuse to change or remove what is recorded."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER events_no_{verb.lower()} BEFORE {verb} ON events"
                " BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events"
        " FOR EACH STATEMENT EXECUTE FUNCTION events_are_append_only()"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_renditions_object_sha256"), table_name="renditions")
    op.drop_table("renditions")
    op.drop_index(op.f("ix_uploads_track_id"), table_name="uploads")
    op.drop_index(op.f("ix_uploads_state_expires_at"), table_name="uploads")
    op.drop_table("uploads")
    op.drop_index(op.f("ix_sources_object_sha256"), table_name="sources")
    op.drop_table("sources")
    op.drop_index(op.f("ix_runs_track_id"), table_name="runs")
    op.drop_index(op.f("ix_runs_state_created_at"), table_name="runs")
    op.drop_table("runs")
    op.drop_index(op.f("ix_tracks_state_updated_at"), table_name="tracks")
    op.drop_index(op.f("ix_tracks_owner_id_id"), table_name="tracks")
    op.drop_table("tracks")
    op.drop_table("users")
    op.drop_index(op.f("ix_objects_verified_at"), table_name="objects")
    op.drop_table("objects")
    op.drop_table("volumes")
    op.drop_index(op.f("ix_events_track_id"), table_name="events")
    op.drop_index(op.f("ix_events_owner_id_number"), table_name="events")
    op.drop_table("events")
    op.drop_table("event_counter")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION events_are_append_only()")

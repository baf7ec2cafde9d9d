"""What is to be made of tracks, and who is at it."""

import sqlalchemy as sa

from sarau.catalog.tables._columns import (
    ID,
    UtcDateTime,
    metadata,
    one_of,
    owner_column,
    time_column,
)
from sarau.model.lifecycle import RunState, Stage

# Of users; the built-in ones are in the code.
presets = sa.Table(
    "presets",
    metadata,
    sa.Column("owner_id", ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("definition", sa.JSON, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("deleted_at", nullable=True),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", ID, primary_key=True),
    owner_column(),
    sa.Column("track_id", ID, sa.ForeignKey("tracks.id"), nullable=False, index=True),
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
    time_column("created_at"),
    time_column("started_at", nullable=True),
    time_column("finished_at", nullable=True),
    one_of("state", RunState),
    one_of("stage", Stage),
    sa.Index(None, "state", "created_at"),
    sa.Index(None, "state", "turn"),
    sa.Index(None, "state", "owner_id", "turn"),
)

# The renditions of one run that are made together, while several workers make them.
render_groups = sa.Table(
    "render_groups",
    metadata,
    sa.Column("run_id", ID, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("names", sa.JSON, nullable=False),
    # Who has it, and by which taking: catalog/groups.py.
    sa.Column("hand", sa.String(16)),
    sa.Column("token", ID),
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
    time_column("started_at"),
    time_column("seen_at"),
    time_column("left_at", nullable=True),
)

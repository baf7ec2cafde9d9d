"""What happened, and how many of what there are."""

import sqlalchemy as sa

from sarau.catalog.tables._columns import ID, metadata, time_column
from sarau.model.ids import new_id

events = sa.Table(
    "events",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    time_column("at"),
    sa.Column("owner_id", ID, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("track_id", ID, index=True),
    sa.Column("upload_id", ID),
    sa.Column("run_id", ID),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index(None, "owner_id", "number"),
)

event_counter = sa.Table(
    "event_counter",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)

# How many rows of `tracks`, `uploads` and `objects` are in which state: notes whose sum is the
# count (catalog/tallies.py). Triggers of migration 0014 write them; whoever makes one of those
# tables anew, as SQLite's batch migrations do, has to make its triggers again.
tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("id", ID, primary_key=True, default=new_id),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("owner_id", ID, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)

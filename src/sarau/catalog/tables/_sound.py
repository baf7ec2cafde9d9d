"""What is known of the sound of tracks, and what was made of it."""

import sqlalchemy as sa

from sarau.catalog.tables._columns import (
    ID,
    SHA256,
    loudness_columns,
    metadata,
    owner_column,
    time_column,
)

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("track_id", ID, sa.ForeignKey("tracks.id"), primary_key=True),
    sa.Column("object_sha256", SHA256, sa.ForeignKey("objects.sha256"), index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("container", sa.String(64), nullable=False),
    sa.Column("codec", sa.String(64), nullable=False),
    sa.Column("sample_rate_hz", sa.Integer, nullable=False),
    sa.Column("channels", sa.Integer, nullable=False),
    sa.Column("bit_depth", sa.Integer),
    sa.Column("duration_s", sa.Double, nullable=False),
    *loudness_columns(),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("warnings", sa.JSON, nullable=False),
    sa.Column("waveform", sa.JSON, nullable=False),
)

insights = sa.Table(
    "insights",
    metadata,
    sa.Column("track_id", ID, sa.ForeignKey("tracks.id"), primary_key=True),
    sa.Column("report", sa.JSON, nullable=False),
    sa.Column("loudness_curve", sa.JSON, nullable=False),
    sa.Column("spectrogram", sa.LargeBinary, nullable=False),
)

# What recordings sound like (model/fingerprint.py).
fingerprints = sa.Table(
    "fingerprints",
    metadata,
    sa.Column("track_id", ID, sa.ForeignKey("tracks.id"), primary_key=True),
    sa.Column("chromaprint", sa.LargeBinary, nullable=False),
)

# What fingerprints are found by: up to 64 rows a track, and the widest index of the catalog.
# So it has no key to `tracks`, which would be looked up for each of them.
fingerprint_marks = sa.Table(
    "fingerprint_marks",
    metadata,
    sa.Column("mark", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("track_id", ID, primary_key=True),
    sqlite_with_rowid=False,
)

# Two tracks of one owner that are the same recording; `track_id` is the lower of their ids.
likenesses = sa.Table(
    "likenesses",
    metadata,
    sa.Column("track_id", ID, sa.ForeignKey("tracks.id"), primary_key=True),
    sa.Column("other_id", ID, sa.ForeignKey("tracks.id"), primary_key=True, index=True),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("offset_s", sa.Double, nullable=False),
    sa.Column("matched_s", sa.Double, nullable=False),
)

renditions = sa.Table(
    "renditions",
    metadata,
    sa.Column("id", ID, primary_key=True),
    owner_column(),
    sa.Column("track_id", ID, sa.ForeignKey("tracks.id"), nullable=False),
    sa.Column("run_id", ID, sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name", sa.String(32), nullable=False),
    sa.Column("object_sha256", SHA256, sa.ForeignKey("objects.sha256"), nullable=False, index=True),
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
    *loudness_columns(),
    sa.Column("verdict", sa.String(32), nullable=False),
    sa.Column("tools", sa.JSON, nullable=False),
    time_column("created_at"),
    sa.UniqueConstraint("track_id", "name"),
)

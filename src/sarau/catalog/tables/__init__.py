"""The tables of the catalog, one schema for SQLite and PostgreSQL.

Every row that belongs to somebody carries `owner_id`. Times are UTC. The
migrations in `sarau/catalog/migrations` build exactly this metadata;
tests/catalog/test_migrations.py compares the two.
"""

from sarau.catalog.tables._arrivals import imports, landings, tracks, uploads, users
from sarau.catalog.tables._columns import UtcDateTime, metadata
from sarau.catalog.tables._record import event_counter, events, tallies
from sarau.catalog.tables._sound import (
    fingerprint_marks,
    fingerprints,
    insights,
    likenesses,
    renditions,
    sources,
)
from sarau.catalog.tables._storage import objects, volumes
from sarau.catalog.tables._work import presets, render_groups, runs, workers

__all__ = [
    "UtcDateTime",
    "event_counter",
    "events",
    "fingerprint_marks",
    "fingerprints",
    "imports",
    "insights",
    "landings",
    "likenesses",
    "metadata",
    "objects",
    "presets",
    "render_groups",
    "renditions",
    "runs",
    "sources",
    "tallies",
    "tracks",
    "uploads",
    "users",
    "volumes",
    "workers",
]

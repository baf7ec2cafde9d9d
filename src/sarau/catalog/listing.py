"""Pages of tracks, searches and counts, as quick in a catalog of a million as in a small one.

A page is merged from the index of each state, so it costs the same however states are mixed. A
search looks through the newest tracks first, and through as many more as should fill the page
where it found some; what is rarer comes, on PostgreSQL, from an index of all pieces of three
characters. SQLite looks through the whole list: it is for what one machine fills.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from sarau.catalog.tables import tallies, tracks
from sarau.catalog.tracks import read_track
from sarau.model.ids import TrackId, UserId
from sarau.model.lifecycle import TrackState
from sarau.model.search_text import grams, patterns
from sarau.model.track import Track

_NEWEST = 2000
"""Tracks that a search looks through first."""
_COMMON = 6
"""Found among them, it pays to look through more before the index is asked for all there are."""
_SHOWN = frozenset(TrackState) - {TrackState.DELETED}

_MOST = sa.bindparam("most", type_=sa.Integer)

_Columns = sa.FromClause
"""Something with the columns of tracks."""


def page(
    connection: sa.Connection,
    owner_id: UserId,
    *,
    limit: int,
    before: TrackId | None = None,
    states: Collection[TrackState] = (),
    text: str | None = None,
) -> Sequence[Track]:
    """Return up to `limit` tracks, newest first, created before the track `before`.

    Args:
        connection: A transaction.
        owner_id: Whose tracks.
        limit: How many at most.
        before: Where the page before ended.
        states: Narrows them to some states; without any, all are meant but `deleted`.
        text: What all has to stand in title, artist and file name: words or parts of words
            of three characters or more, beginnings of words of fewer.

    """
    shown = _SHOWN.intersection(states) if states else _SHOWN
    if not shown:
        return []
    meant = _Meant(tuple(sorted(shown)), continues=before is not None)
    given = {"owner": owner_id, "before": before, "most": limit}
    if not text:
        return _found(connection, _newest(meant), given)
    wanted = patterns(text)
    if not wanted or connection.dialect.name != "postgresql":
        stands_in = _stands_in(tracks, text, wanted)
        return _found(connection, _merged(meant, stands_in), given)
    newest = _some_newest(meant)
    query = sa.select(newest).where(_stands_in(newest, text, wanted))
    query = query.order_by(newest.c.id.desc()).limit(limit)
    found = _found(connection, query, {**given, "most": _NEWEST})
    if _COMMON <= len(found) < limit:
        enough = 2 * _NEWEST * limit // len(found)
        found = _found(connection, query, {**given, "most": enough})
    if len(found) == limit:
        return found
    return _found(connection, _indexed(meant, wanted), given)


@dataclass(frozen=True, slots=True)
class _Meant:
    """Which tracks a page may show, whoever's they are: what its query is made for."""

    states: tuple[TrackState, ...]
    continues: bool
    """Another page ended before it."""

    def is_in(self, rows: _Columns, states: Sequence[TrackState]) -> sa.ColumnElement[bool]:
        is_owners = rows.c.owner_id == sa.bindparam("owner")
        is_before = rows.c.id < sa.bindparam("before") if self.continues else sa.true()
        return sa.and_(is_owners, rows.c.state.in_(states), is_before)


def _merged(meant: _Meant, wanted: sa.ColumnElement[bool] | None = None) -> sa.Select[str]:
    """Return a query for the newest that are meant, read in order from one index a state."""
    parts = []
    for state in meant.states:
        query = sa.select(tracks).where(meant.is_in(tracks, [state]))
        if wanted is not None:
            query = query.where(wanted)
        limited = query.order_by(tracks.c.id.desc()).limit(_MOST)
        parts.append(sa.select(limited.subquery()))
    merged = sa.union_all(*parts).subquery()
    return sa.select(merged).order_by(merged.c.id.desc()).limit(_MOST)


@cache
def _newest(meant: _Meant) -> sa.Select[str]:
    """Return the query of every page, put together once: that costs more than its answer."""
    return _merged(meant)


@cache
def _some_newest(meant: _Meant) -> sa.Subquery:
    return _newest(meant).subquery()


def _indexed(meant: _Meant, wanted: Sequence[str]) -> sa.Select[str]:
    """Return a query for the newest that the index of pieces knows, and that are meant."""
    pieces = sorted({piece for pattern in wanted for piece in grams(pattern)})
    known = sa.func.sarau_grams(tracks.c.search_text)
    hits = (
        sa.select(tracks.c.id, tracks.c.owner_id, tracks.c.state)
        .where(known.op("@>")(sa.cast(pieces, ARRAY(sa.Text))), _stands_in(tracks, "", wanted))
        # Left to choose, the planner walks the whole list in order for the few hits.
        .cte("hits")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    newest = sa.select(hits.c.id).where(meant.is_in(hits, meant.states))
    ids = newest.order_by(hits.c.id.desc()).limit(_MOST).scalar_subquery()
    return sa.select(tracks).where(tracks.c.id.in_(ids)).order_by(tracks.c.id.desc())


def _stands_in(rows: _Columns, text: str, wanted: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that everything wanted stands in a track's names.

    What has neither letter nor digit is not in the folded names, and is looked for as it is.
    """
    if wanted:
        return sa.and_(*(rows.c.search_text.contains(one, autoescape=True) for one in wanted))
    names = (rows.c.title, rows.c.artist, rows.c.filename)
    return sa.or_(*(name.icontains(text, autoescape=True) for name in names))


def _found(
    connection: sa.Connection, query: sa.Select[str], given: Mapping[str, object]
) -> list[Track]:
    return [read_track(row) for row in connection.execute(query, given).mappings().all()]


def counts(connection: sa.Connection, owner_id: UserId) -> dict[str, int]:
    """Return how many tracks an owner has in each state, deleted ones left out."""
    number = sa.func.sum(tallies.c.number).label("number")
    query = (
        sa.select(tallies.c.state, number)
        .where(
            tallies.c.what == tracks.name,
            tallies.c.owner_id == owner_id,
            tallies.c.state != TrackState.DELETED,
        )
        .group_by(tallies.c.state)
        .having(number != 0)
    )
    return {row.state: int(row.number) for row in connection.execute(query)}

"""Pages of tracks, searches and counts, as quick in a catalog of a million as in a small one.

A page is merged from the index of each state, so it costs the same however states are mixed. A
search looks through the newest tracks first, where common words are soon found; what the page
still lacks comes, on PostgreSQL, from an index of all pieces of three characters. SQLite looks
through the whole list: it is for what one machine fills.
"""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from sarau.catalog.tables import tallies, tracks
from sarau.catalog.tracks import read_track
from sarau.model.ids import TrackId, UserId
from sarau.model.lifecycle import TrackState
from sarau.model.search_text import grams, patterns
from sarau.model.track import Track

_NEWEST = 2000
"""Tracks that a search looks through before it asks the index."""
_SHOWN = frozenset(TrackState) - {TrackState.DELETED}

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
    meant = sorted(_SHOWN.intersection(states) if states else _SHOWN)
    listed = _Listed(owner_id, meant, before)
    if not text or not meant:
        return _found(connection, listed.newest(limit) if meant else None)
    wanted = patterns(text)
    if not wanted or connection.dialect.name != "postgresql":
        return _found(connection, listed.newest(limit, _stands_in(tracks, text, wanted)))
    newest = listed.newest(_NEWEST).subquery()
    query = sa.select(newest).where(_stands_in(newest, text, wanted))
    found = _found(connection, query.order_by(newest.c.id.desc()).limit(limit))
    return found if len(found) == limit else _found(connection, listed.indexed(limit, wanted))


class _Listed:
    """Which tracks are meant, the search aside."""

    def __init__(
        self, owner_id: UserId, states: Sequence[TrackState], before: TrackId | None
    ) -> None:
        self._owner_id = owner_id
        self._states = states
        self._before = before

    def _is_in(self, rows: _Columns, states: Sequence[TrackState]) -> sa.ColumnElement[bool]:
        is_before = sa.true() if self._before is None else rows.c.id < self._before
        return sa.and_(rows.c.owner_id == self._owner_id, rows.c.state.in_(states), is_before)

    def newest(self, limit: int, wanted: sa.ColumnElement[bool] | None = None) -> sa.Select[str]:
        """Return a query for the newest that are meant, read in order from one index a state."""
        parts = []
        for state in self._states:
            query = sa.select(tracks).where(self._is_in(tracks, [state]))
            if wanted is not None:
                query = query.where(wanted)
            parts.append(sa.select(query.order_by(tracks.c.id.desc()).limit(limit).subquery()))
        merged = sa.union_all(*parts).subquery()
        return sa.select(merged).order_by(merged.c.id.desc()).limit(limit)

    def indexed(self, limit: int, wanted: Sequence[str]) -> sa.Select[str]:
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
        newest = sa.select(hits.c.id).where(self._is_in(hits, self._states))
        ids = newest.order_by(hits.c.id.desc()).limit(limit).scalar_subquery()
        return sa.select(tracks).where(tracks.c.id.in_(ids)).order_by(tracks.c.id.desc())


def _stands_in(rows: _Columns, text: str, wanted: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that everything wanted stands in a track's names.

    What has neither letter nor digit is not in the folded names, and is looked for as it is.
    """
    if wanted:
        return sa.and_(*(rows.c.search_text.contains(one, autoescape=True) for one in wanted))
    names = (rows.c.title, rows.c.artist, rows.c.filename)
    return sa.or_(*(name.icontains(text, autoescape=True) for name in names))


def _found(connection: sa.Connection, query: sa.Select[str] | None) -> list[Track]:
    if query is None:
        return []
    return [read_track(row) for row in connection.execute(query).mappings()]


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

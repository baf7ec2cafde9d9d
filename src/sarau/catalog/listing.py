"""Pages of tracks, searches and counts, as quick in a catalog of a million as in a small one.

A page is merged from the index of each state, so it costs the same however states are mixed. A
search on PostgreSQL looks through the newest tracks first, and through as many more as should fill
the page where it found some; what is rarer comes from an index of all pieces of three characters.
SQLite looks through the whole list: it is for what one machine fills.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from sarau.catalog.tables import tallies, tracks
from sarau.catalog.tracks import ROWS
from sarau.model.ids import TrackId, UserId
from sarau.model.lifecycle import TrackState
from sarau.model.search_text import grams, patterns
from sarau.model.track import Track

_NEWEST = 4000
"""Tracks that a search looks through first."""
_COMMON = 15
"""Found among them, it pays to look through more before the index is asked for all there are."""
_FEW = 20_000
"""Tracks in the wanted states that are looked through whole: the index knows no states."""
_SHOWN = frozenset(TrackState) - {TrackState.DELETED}

_MOST = sa.bindparam("most", type_=sa.Integer)
_LOOKED = sa.bindparam("looked", type_=sa.Integer)
_WANTED = sa.bindparam("wanted", type_=ARRAY(sa.Text))
_PIECES = sa.bindparam("pieces", type_=ARRAY(sa.Text))

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
    given: dict[str, object] = {"owner": owner_id, "before": before, "most": limit}
    if not text:
        return _found(connection, _newest(meant), given)
    wanted = patterns(text)
    if not wanted or connection.dialect.name != "postgresql":
        return _found(connection, _merged(meant, ROWS.columns, _stands_in(text, wanted)), given)
    given["wanted"] = [f"%{one}%" for one in wanted]
    found = _found(connection, _among_newest(meant), {**given, "looked": _NEWEST})
    if len(found) == limit:
        return found
    more = _worth_looking(connection, owner_id, states=states, limit=limit, found=len(found))
    if more:
        found = _found(connection, _among_newest(meant), {**given, "looked": more})
        if len(found) == limit or more == _FEW:
            return found
    given["pieces"] = sorted({piece for pattern in wanted for piece in grams(pattern)})
    return _found(connection, _indexed(meant), given)


def _worth_looking(
    connection: sa.Connection,
    owner_id: UserId,
    *,
    states: Collection[TrackState],
    limit: int,
    found: int,
) -> int:
    """Return how many tracks to look through before the index is asked; 0: it is quicker."""
    if states:
        numbers = counts(connection, owner_id)
        if sum(numbers.get(state, 0) for state in states) <= _FEW:
            return _FEW
    return 2 * _NEWEST * limit // found if found >= _COMMON else 0


@dataclass(frozen=True, slots=True)
class _Meant:
    """Which tracks a page may show, whoever's they are: what its query is made for."""

    states: tuple[TrackState, ...]
    continues: bool
    """Another page ended before it."""

    def are(self, rows: _Columns, *states: TrackState) -> sa.ColumnElement[bool]:
        """Return the condition that rows are meant; of some states only, or of all that are."""
        is_owners = rows.c.owner_id == sa.bindparam("owner")
        is_before = rows.c.id < sa.bindparam("before") if self.continues else sa.true()
        return sa.and_(is_owners, rows.c.state.in_(states or self.states), is_before)


def _merged(
    meant: _Meant,
    columns: Sequence[sa.Column[Any]],
    wanted: sa.ColumnElement[bool] | None = None,
    most: sa.BindParameter[int] = _MOST,
) -> sa.Select[Any]:
    """Return a query for the newest that are meant, read in order from one index a state."""
    parts = []
    for state in meant.states:
        query = sa.select(*columns).where(meant.are(tracks, state))
        if wanted is not None:
            query = query.where(wanted)
        limited = query.order_by(tracks.c.id.desc()).limit(most)
        parts.append(sa.select(limited.subquery()))
    merged = sa.union_all(*parts).subquery()
    return sa.select(merged).order_by(merged.c.id.desc()).limit(most)


# The queries of every page are put together once: that costs more than their answers.


@cache
def _newest(meant: _Meant) -> sa.Select[Any]:
    return _merged(meant, ROWS.columns)


@cache
def _among_newest(meant: _Meant) -> sa.Select[Any]:
    """Return a query for what is wanted among the newest so many that are meant."""
    columns = [tracks.c.id, tracks.c.search_text]
    if len(meant.states) == len(_SHOWN):
        # Nearly all there are, so in the order of the list rather than merged from eight.
        query = sa.select(*columns).where(meant.are(tracks))
        query = query.order_by(tracks.c.id.desc()).limit(_LOOKED)
    else:
        query = _merged(meant, columns, most=_LOOKED)
    newest = query.subquery()
    return _whole(newest, newest.c.search_text.like(sa.all_(_WANTED)))


@cache
def _indexed(meant: _Meant) -> sa.Select[Any]:
    """Return a query for the newest that the index of pieces knows, and that are meant."""
    hits = (
        sa.select(tracks.c.id, tracks.c.owner_id, tracks.c.state)
        .where(
            sa.func.sarau_grams(tracks.c.search_text).op("@>")(_PIECES),
            tracks.c.search_text.like(sa.all_(_WANTED)),
        )
        # Left to choose, the planner walks the whole list in order for the few hits.
        .cte("hits")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return _whole(hits, meant.are(hits))


def _whole(rows: _Columns, condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return a query for the tracks that some rows are of: the newest that fulfil a condition."""
    newest = sa.select(rows.c.id).where(condition).order_by(rows.c.id.desc()).limit(_MOST)
    whole = sa.select(*ROWS.columns).where(tracks.c.id.in_(newest.scalar_subquery()))
    return whole.order_by(tracks.c.id.desc())


def _stands_in(text: str, wanted: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that everything wanted stands in a track's names.

    What has neither letter nor digit is not in the folded names, and is looked for as it is.
    """
    if wanted:
        return sa.and_(*(tracks.c.search_text.contains(one, autoescape=True) for one in wanted))
    names = (tracks.c.title, tracks.c.artist, tracks.c.filename)
    return sa.or_(*(name.icontains(text, autoescape=True) for name in names))


def _found(
    connection: sa.Connection, query: sa.Select[Any], given: Mapping[str, object]
) -> list[Track]:
    return list(map(ROWS.read, connection.execute(query, given).all()))


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

"""Counts that are kept instead of counted: how many rows of a table are in which state.

Triggers (migration 0014) note every change as a row of +1 or -1 in the transaction that makes
it, whatever version of the code makes it. Nobody waits for a counter that another holds; the
sum is the count. Now and then the notes are folded into one for each state.
"""

from collections import defaultdict

import sqlalchemy as sa

from sarau.catalog.tables import tallies

_WORTH_FOLDING = 200
_MOST = 20_000


def by_state(connection: sa.Connection, table: sa.Table) -> dict[str, int]:
    """Return how many rows of all owners are in each state that has any."""
    number = sa.func.sum(tallies.c.number)
    query = sa.select(tallies.c.state, number).where(tallies.c.what == table.name)
    found = connection.execute(query.group_by(tallies.c.state))
    return {row[0]: int(row[1]) for row in found if row[1]}


def are_many(connection: sa.Connection) -> bool:
    """Tell whether there are so many notes that folding them is worth a transaction."""
    found = sa.select(tallies.c.id).limit(_WORTH_FOLDING).subquery()
    number = connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()
    return bool(number == _WORTH_FOLDING)


def fold(connection: sa.Connection) -> None:
    """Make one note of many; several processes may do so at once."""
    query = sa.select(tallies.c.id).limit(_MOST).with_for_update(skip_locked=True)
    ids = list(connection.execute(query).scalars())
    sums: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    taken = sa.delete(tallies).where(tallies.c.id.in_(ids)).returning(tallies)
    for row in connection.execute(taken):
        sums[row.what, row.owner_id, row.state] += row.number
    rows = [
        {"what": what, "owner_id": owner_id, "state": state, "number": number}
        for (what, owner_id, state), number in sums.items()
        if number
    ]
    if rows:
        connection.execute(sa.insert(tallies), rows)

"""Groups of a run's renditions, made on several workers at once: who makes which, and what came.

A row is offered to everybody, taken by one, and filled once. Every taking has a token, and
only who holds the last one may report or fill: whoever hung and wakes finds it taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from sarau.catalog.runs import OPEN
from sarau.catalog.tables import render_groups as groups
from sarau.catalog.tables import runs
from sarau.model.ids import RunId, new_id
from sarau.model.lifecycle import RunState

Hand = Literal["run", "helper"]
"""Who makes a group: the worker that has the run, or one that helps it."""


@dataclass(frozen=True, slots=True)
class RenderGroup:
    """Some renditions of a run, made together."""

    run_id: RunId
    number: int
    """From 0, within the run."""
    names: list[str]
    """Of its renditions."""
    hand: Hand | None
    """None while nobody has it."""
    token: str | None
    worker_id: str | None
    progress: float
    """Of rendering, 0 to 1, and of verifying, 1 to 2."""
    made: list[dict[str, Any]] | None
    """What is to be published, once all of it is verified."""


def offer(connection: sa.Connection, run_id: RunId, names: Sequence[Sequence[str]]) -> None:
    """Insert a run's groups, which nobody has yet."""
    rows = [
        {"run_id": run_id, "number": number, "names": list(group), "progress": 0.0}
        for number, group in enumerate(names)
    ]
    connection.execute(sa.insert(groups), rows)


def of_run(connection: sa.Connection, run_id: RunId) -> list[RenderGroup]:
    """Return a run's groups in their order; none when it was not divided."""
    query = sa.select(groups).where(groups.c.run_id == run_id).order_by(groups.c.number)
    return [RenderGroup(**row) for row in connection.execute(query).mappings()]


def take(
    connection: sa.Connection,
    group: RenderGroup,
    hand: Hand,
    *,
    worker_id: str | None,
) -> RenderGroup | None:
    """Take a group as it was seen, from whoever had it; None when it is so no longer."""
    taken = connection.execute(
        sa.update(groups)
        .where(
            groups.c.run_id == group.run_id,
            groups.c.number == group.number,
            groups.c.token.is_not_distinct_from(group.token),
            groups.c.made.is_(None),
        )
        .values(hand=hand, token=new_id(), worker_id=worker_id, progress=0.0)
        .returning(groups)
    )
    row = taken.mappings().one_or_none()
    return None if row is None else RenderGroup(**row)


def report(connection: sa.Connection, group: RenderGroup, progress: float) -> bool:
    """Store a group's progress; False when it was taken by another, or its run is over."""
    is_running = sa.exists().where(runs.c.id == group.run_id, runs.c.state == RunState.RUNNING)
    row = connection.execute(
        sa.update(groups).where(*_own(group), is_running).values(progress=progress)
    )
    return row.rowcount == 1


def fill(connection: sa.Connection, group: RenderGroup, made: list[dict[str, Any]]) -> bool:
    """Say what a group was made into; False when it was taken by another."""
    row = connection.execute(sa.update(groups).where(*_own(group)).values(made=made, progress=2.0))
    return row.rowcount == 1


def give_up(connection: sa.Connection, group: RenderGroup) -> None:
    """Leave a group to the worker that has the run, after it could not be made here."""
    free = {"hand": None, "token": None, "worker_id": None}
    connection.execute(sa.update(groups).where(*_own(group)).values(free))


def _own(group: RenderGroup) -> list[sa.ColumnElement[bool]]:
    return [
        groups.c.run_id == group.run_id,
        groups.c.number == group.number,
        groups.c.token == group.token,
        groups.c.made.is_(None),
    ]


def remove(connection: sa.Connection, run_id: RunId) -> None:
    """Forget a run's groups: it is over, or begins again from its start."""
    connection.execute(sa.delete(groups).where(groups.c.run_id == run_id))


def of_closed_runs(connection: sa.Connection, *, limit: int) -> list[RunId]:
    """Return runs that are over and still have groups."""
    query = (
        sa.select(groups.c.run_id)
        .join(runs, runs.c.id == groups.c.run_id)
        .where(runs.c.state.not_in(OPEN))
        .distinct()
        .limit(limit)
    )
    return [RunId(run_id) for run_id in connection.execute(query).scalars()]


def helping(connection: sa.Connection) -> dict[str, int]:
    """Return how many groups of other workers' runs each worker is at work on."""
    query = (
        sa.select(groups.c.worker_id, sa.func.count().label("number"))
        .where(groups.c.hand == "helper", groups.c.made.is_(None))
        .group_by(groups.c.worker_id)
    )
    return {row.worker_id: row.number for row in connection.execute(query) if row.worker_id}

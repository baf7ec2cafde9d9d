"""The rows that the engine of durable runs keeps, seen from a transaction of ours.

DBOS reads and changes them in transactions of its own. Where a decision and what follows
from it must be one, it is made here instead, with the rows locked:
tests/pipeline/test_durable_contract.py pins what this relies on.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from dbos import DBOSClient
from dbos._utils import INTERNAL_QUEUE_NAME

from sarau.catalog.workers import Worker
from sarau.model.ids import RunId
from sarau.model.own_preset import MAX_RENDITIONS
from sarau.pipeline.routes import Kind

OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
TAKEN = "PENDING"
_WAITING = ("ENQUEUED", TAKEN)
PROMOTE = ".promote"
"""What the id of a promotion has after its run's id."""
_GROUP = ".group."
"""What the id of a group of renditions has between its run's id and its number."""
WHOLE: tuple[Kind, ...] = ("process", "promote")
"""What answers for a run; groups are only help."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A durable program: one of a run's."""

    id: str
    status: str
    queue: str | None
    owner: str | None
    """The executor that took it last."""
    code_version: str | None
    """None while nobody has taken it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One taking of an entry."""

    id: str
    """Of the entry."""
    token: str | None
    """Different for each taking."""


def entry_id(run_id: RunId, kind: Kind, number: int = 0) -> str:
    """Return the id of one of a run's entries."""
    return run_id + {"process": "", "promote": PROMOTE, "group": f"{_GROUP}{number}"}[kind]


def entry_ids(run_id: RunId) -> list[str]:
    """Return the ids of all entries that a run may have."""
    whole = [entry_id(run_id, kind) for kind in WHOLE]
    return whole + [entry_id(run_id, "group", number) for number in range(MAX_RENDITIONS)]


class Ledger:
    """Reads entries, and removes them."""

    def __init__(self, client: DBOSClient) -> None:
        self._system = client._sys_db  # noqa: SLF001
        self._entries = self._system.tables.workflow_status

    def find(
        self, connection: sa.Connection, ids: Collection[str], *, lock: bool = False
    ) -> list[Entry]:
        """Return those entries that exist; with `lock` nobody takes or ends them meanwhile."""
        table = self._entries
        query = sa.select(
            table.c.workflow_uuid,
            table.c.status,
            table.c.queue_name,
            table.c.executor_id,
            table.c.application_version,
        ).where(table.c.workflow_uuid.in_(ids))
        if lock:
            query = query.with_for_update()
        self._system._apply_caller_schema(connection)  # noqa: SLF001
        return [Entry(*row) for row in connection.execute(query)]

    def owners(self, connection: sa.Connection) -> set[str]:
        """Return every executor that has something at work."""
        table = self._entries
        query = sa.select(table.c.executor_id).where(table.c.status == TAKEN).distinct()
        self._system._apply_caller_schema(connection)  # noqa: SLF001
        return {owner for owner in connection.execute(query).scalars() if owner}

    def claims(self, connection: sa.Connection, owner: str) -> list[Claim]:
        """Return what an executor has taken and not ended."""
        table = self._entries
        query = sa.select(table.c.workflow_uuid, table.c.owner_xid).where(
            table.c.status == TAKEN, table.c.executor_id == owner
        )
        self._system._apply_caller_schema(connection)  # noqa: SLF001
        return [Claim(*row) for row in connection.execute(query)]

    def give_back(self, claim: Claim, owner: str) -> bool:
        """Put what an executor has taken into its queue again; False when it has it no longer.

        In a transaction of its own. Whoever is at work on it is fenced.
        """
        return self._system.reenqueue_for_recovery(claim.id, [owner], INTERNAL_QUEUE_NAME)

    def remove(self, connection: sa.Connection, ids: Collection[str]) -> None:
        """Forget entries with their checkpoints: whoever is still at work on one is fenced."""
        tables = self._system.tables
        self._system._apply_caller_schema(connection)  # noqa: SLF001
        # Nothing but an entry's own row cascades.
        for table in (
            tables.workflow_input,
            tables.workflow_output,
            tables.operation_outputs,
            tables.workflow_status,
        ):
            connection.execute(sa.delete(table).where(table.c.workflow_uuid.in_(ids)))


def is_over(entries: Sequence[Entry]) -> bool:
    """Tell whether nobody will work on a run's entries any more; they say nothing if missing."""
    return bool(entries) and all(one.status in OVER for one in entries)


def is_stranded(entries: Sequence[Entry], alive: Sequence[Worker]) -> bool:
    """Tell whether a run's entries leave it to none of the living workers."""
    # A promotion that was broken off after it queued the run says nothing more.
    whole = [one for one in entries if not one.id.endswith(PROMOTE)]
    return not entries or any(_is_lost(one, alive) for one in whole or entries)


def _is_lost(entry: Entry, alive: Sequence[Worker]) -> bool:
    if entry.status not in _WAITING or entry.owner in {one.id for one in alive}:
        return False
    return not any(
        entry.queue in one.queues and entry.code_version in {one.code_version, "", None}
        for one in alive
    )

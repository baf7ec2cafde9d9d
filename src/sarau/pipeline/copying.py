"""Rows of DBOS that are copied from one that it wrote itself.

Each new row costs DBOS a millisecond of Python, mostly to build the statement. The runs
of files that arrive together differ in nothing but their ids and their turns, so the
database copies the first one's rows, whatever columns this version of DBOS fills.
tests/pipeline/test_durable_contract.py pins that a copy is what DBOS would have written.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient

from sarau.catalog.prepared import Prepared
from sarau.model.ids import RunId
from sarau.pipeline.ledger import entry_id
from sarau.pipeline.routes import Kind


class Copies:
    """Queues runs like one that was queued just now."""

    def __init__(self, client: DBOSClient) -> None:
        tables = client._sys_db.tables  # noqa: SLF001
        of_another_run = sa.func.replace(
            tables.workflow_input.c.inputs, sa.bindparam("original_run"), sa.bindparam("copy_run")
        )
        # As in the rows that DBOS itself writes several at a time, no one insert made them.
        status = _copy(tables.workflow_status, priority=sa.bindparam("turn"), creator_xid=sa.null())
        inputs = _copy(tables.workflow_input, inputs=of_another_run)
        self._status = Prepared(status, ("original", "copy", "turn"))
        self._input = Prepared(inputs, ("original", "copy", "original_run", "copy_run"))

    def make(
        self,
        connection: sa.Connection,
        original: RunId,
        turns: Sequence[tuple[RunId, int]],
        kind: Kind,
    ) -> None:
        """Copy the entry of `original`, made in this transaction, for each run with its turn."""
        source = entry_id(original, kind)
        copies = [(source, entry_id(run_id, kind), run_id, turn) for run_id, turn in turns]
        self._status.run(connection, [(source, copy, turn) for _, copy, _, turn in copies])
        self._input.run(connection, [(source, copy, original, run) for _, copy, run, _ in copies])


def _copy(table: sa.Table, **different: sa.ColumnElement[Any]) -> sa.Insert:
    values: dict[str, sa.ColumnElement[Any]] = dict(table.columns) | different
    values["workflow_uuid"] = sa.bindparam("copy", type_=sa.Text())
    original = table.c.workflow_uuid == sa.bindparam("original", type_=sa.Text())
    return sa.insert(table).from_select(
        list(values), sa.select(*values.values()).where(original), include_defaults=False
    )

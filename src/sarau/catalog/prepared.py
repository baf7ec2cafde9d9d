"""Statements that are put into words once, for rows that arrive all the time.

To find a statement's words again, and to put each row's values into them, costs SQLAlchemy
more than the rows cost the database. Here the words are kept for each kind of database, and
a row's values go to its driver in the driver's own form.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa


class Prepared:
    """An insert or update for any number of rows.

    Args:
        statement: Its columns' own defaults are not filled in.
        names: The columns of an insert, or the parameters of another statement, in the order
            in which rows give their values.

    """

    def __init__(self, statement: sa.Insert | sa.Update, names: Sequence[str]) -> None:
        self._statement: Final = statement
        self._names: Final = tuple(names)
        self._worded: Final[dict[str, _Worded]] = {}

    def run(self, connection: sa.Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Run the statement for each of `rows`, of which there is at least one.

        Raises:
            ValueError: The statement wants other values than `names`, or a row gives fewer.

        """
        worded = self._worded.get(connection.dialect.name)
        if worded is None:
            worded = _Worded(self._statement, self._names, connection)
            self._worded[connection.dialect.name] = worded
        connection.exec_driver_sql(worded.text, [worded.values(row) for row in rows])


class _Worded:
    """The statement in the words of one kind of database."""

    def __init__(
        self, statement: sa.Insert | sa.Update, names: tuple[str, ...], connection: sa.Connection
    ) -> None:
        dialect = connection.dialect
        schemas = connection.get_execution_options().get("schema_translate_map")
        has_values = isinstance(statement, sa.Insert) and statement.select is None
        compiled = statement.compile(
            dialect=dialect,
            column_keys=names if has_values else None,
            schema_translate_map=schemas,
            render_schema_translate=bool(schemas),
        )
        if set(compiled.params) != set(names):
            raise ValueError(f"{sorted(compiled.params)} are wanted, {sorted(names)} are given")
        self.text = str(compiled)
        types = {bound.key: bound.type for bound in compiled.binds.values()}
        self._names = names
        self._processors = [
            types[name].dialect_impl(dialect).bind_processor(dialect) for name in names
        ]
        by_place = compiled.positiontup
        self._order = None if by_place is None else [names.index(name) for name in by_place]

    def values(self, row: Sequence[Any]) -> tuple[Any, ...] | dict[str, Any]:
        """Return a row's values as the driver takes them: by place, or by name."""
        made = [
            value if process is None else process(value)
            for process, value in zip(self._processors, row, strict=True)
        ]
        if self._order is None:
            return dict(zip(self._names, made, strict=True))
        return tuple([made[place] for place in self._order])

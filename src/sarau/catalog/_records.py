"""Rows as the records of the model, and back: hundreds for a page of tracks, so without detours."""

from collections.abc import Callable, Collection
from dataclasses import asdict, fields
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from sarau.model.loudness import Loudness

_LOUDNESS = tuple(field.name for field in fields(Loudness))

_R = TypeVar("_R", bound=Any)


class Records(Generic[_R]):
    """Reads rows of a table as records, by place.

    Args:
        table: Has a column for each field of the record, but five for a `loudness`.
        record: A dataclass.
        made: What makes a field's value of its column's, where they differ.

    """

    def __init__(self, table: sa.Table, record: type[_R], **made: Callable[[Any], Any]) -> None:
        names = [field.name for field in fields(record)]
        self._record: Callable[..., _R] = record
        self._made = [(names.index(name), make) for name, make in made.items()]
        self._loudness = names.index("loudness") if "loudness" in names else None
        if self._loudness is not None:
            names[self._loudness : self._loudness + 1] = _LOUDNESS
        self.columns = [table.c[name] for name in names]
        """What has to be selected, in this order."""
        self._of: dict[tuple[str, str], sa.Select[Any]] = {}

    def of(
        self, connection: sa.Connection, column: sa.Column[Any], ids: Collection[str]
    ) -> list[_R]:
        """Return the records of which a column is one of `ids`, in any order."""
        which = connection.dialect.name, column.name
        if (query := self._of.get(which)) is None:
            # Put together once: that takes as long as to find the rows.
            query = sa.select(*self.columns).where(among(connection.dialect.name, column))
            self._of[which] = query
        return list(map(self.read, connection.execute(query, {"ids": list(ids)}).all()))

    def read(self, row: sa.Row[Any]) -> _R:
        """Return the record of a row of `columns`."""
        values = list(row)
        if (first := self._loudness) is not None:
            last = first + len(_LOUDNESS)
            values[first:last] = [Loudness(*values[first:last])]
        for place, make in self._made:
            values[place] = make(values[place])
        return self._record(*values)


def unfold(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass with a `loudness`
    """Return the columns of a record, its `loudness` spread over five of them."""
    values = asdict(record)
    loudness = values.pop("loudness")
    return {**values, **loudness}


def among(dialect: str, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of the parameter `ids`.

    PostgreSQL takes them as one array: to name each costs more than to find its row.
    """
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Text)))
    return column.in_(sa.bindparam("ids", expanding=True))

"""Records whose loudness is one value, and five columns of their rows."""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from sarau.model.loudness import Loudness

_NAMES = tuple(field.name for field in fields(Loudness))

_R = TypeVar("_R", bound=Any)


class Folded(Generic[_R]):
    """Reads rows as records with a `loudness`, by place: a page of tracks has hundreds."""

    def __init__(self, table: sa.Table, record: type[_R]) -> None:
        names = [field.name for field in fields(record)]
        self._first = names.index("loudness")
        self._last = self._first + len(_NAMES)
        names[self._first : self._first + 1] = _NAMES
        self._record: Callable[..., _R] = record
        self.columns = [table.c[name] for name in names]
        """What has to be selected, in this order."""

    def read(self, row: sa.Row[Any]) -> _R:
        """Return the record of a row of `columns`."""
        loudness = Loudness(*row[self._first : self._last])
        return self._record(*row[: self._first], loudness, *row[self._last :])


def unfold(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass with a `loudness`
    """Return the columns of a record, its `loudness` spread over five of them."""
    values = asdict(record)
    loudness = values.pop("loudness")
    return {**values, **loudness}

"""The five loudness columns of a row and the value they stand for."""

from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from sarau.model.loudness import Loudness

_NAMES = tuple(field.name for field in fields(Loudness))


def fold(row: sa.RowMapping) -> dict[str, Any]:
    """Return the row with its loudness columns folded into one `loudness`."""
    rest = {str(name): value for name, value in row.items() if name not in _NAMES}
    return {**rest, "loudness": Loudness(**{name: row[name] for name in _NAMES})}


def unfold(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass with a `loudness`
    """Return the columns of a record, its `loudness` spread over five of them."""
    values = asdict(record)
    loudness = values.pop("loudness")
    return {**values, **loudness}

"""What the tables are made of: types, names of constraints, and columns that many have."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa


def _utc_text(value: datetime | None) -> str | None:
    """Write a time as SQLAlchemy's own type for SQLite does."""
    if value is None:
        return None
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time on every database (SQLite's own type forgets the zone)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
        """Convert to UTC on the way in."""
        # There are fourteen times in the rows of one upload: no detour by SQLite's own type.
        return _utc_text if dialect.name == "sqlite" else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Say on the way out that what is stored is UTC."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.replace(tzinfo=UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = sa.String(32)
SHA256 = sa.String(64)


def one_of(column: str, states: type[StrEnum]) -> sa.CheckConstraint:
    """Return the constraint that a column holds one of these states."""
    listed = ", ".join(f"'{state}'" for state in states)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def owner_column() -> sa.Column[str]:
    """Return the column that says whose a row is."""
    return sa.Column("owner_id", ID, sa.ForeignKey("users.id"), nullable=False)


def time_column(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Return a column for a moment, in UTC."""
    return sa.Column(name, UtcDateTime, nullable=nullable)


def index_of_some(name: str, columns: Sequence[str], where: str) -> sa.Index:
    """Return an index of those rows that the caretaker looks for."""
    kept = sa.text(where)
    return sa.Index(name, *columns, postgresql_where=kept, sqlite_where=kept)


def loudness_columns() -> list[sa.Column[Any]]:
    """Return the columns of what was measured, null where silence has no loudness."""
    return [
        sa.Column("integrated_lufs", sa.Double),
        sa.Column("range_lu", sa.Double),
        sa.Column("max_momentary_lufs", sa.Double),
        sa.Column("max_short_term_lufs", sa.Double),
        sa.Column("true_peak_dbtp", sa.Double),
    ]

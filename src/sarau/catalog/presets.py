"""Presets that users defined; the built-in ones are in `sarau.model.preset`.

A deleted one keeps its row, unlisted: an upload that was accepted with it is still made
what its sender asked for. A run has a copy of its own (`runs.definition`), so that
evidence stays true whatever becomes of the preset.
"""

from typing import Any

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog.database import Database, insert_into
from sarau.catalog.tables import presets
from sarau.errors import RefusedCode, RefusedError
from sarau.model.clock import now
from sarau.model.ids import UserId
from sarau.model.own_preset import (
    MAX_OWN_PRESETS,
    is_built_in,
    preset_name,
    read_preset,
    to_definition,
)
from sarau.model.preset import PRESETS, Preset


def own(connection: sa.Connection, owner_id: UserId) -> list[Preset]:
    """Return a user's own presets by name."""
    query = (
        sa.select(presets.c.definition)
        .where(presets.c.owner_id == owner_id, presets.c.deleted_at.is_(None))
        .order_by(presets.c.name)
    )
    return [read_preset(one) for one in connection.execute(query).scalars()]


def find(
    connection: sa.Connection, owner_id: UserId, name: str, *, also_deleted: bool = False
) -> Preset:
    """Return the preset that a user means by `name`, built in or their own.

    Raises:
        RefusedError: `unknown_preset`.

    """
    if name in PRESETS:
        return PRESETS[name]
    row = _row(connection, owner_id, name)
    if row is None or (row["deleted_at"] is not None and not also_deleted):
        raise RefusedError(RefusedCode.UNKNOWN_PRESET, f"no preset {name!r}")
    return read_preset(row["definition"])


def require(database: Database, owner_id: UserId, name: str) -> None:
    """Refuse a name that is no preset of this user; a built-in one costs no query.

    Raises:
        RefusedError: `unknown_preset`.

    """
    if name not in PRESETS:
        with database.read() as connection:
            find(connection, owner_id, name)


def create(connection: sa.Connection, owner_id: UserId, preset: Preset) -> None:
    """Keep a new preset and record `preset.created`.

    Raises:
        RefusedError: `preset_exists`, also for the name of a built-in one;
            `invalid_preset`, when the user has too many.

    """
    if is_built_in(preset.name):
        raise RefusedError(RefusedCode.PRESET_EXISTS, f"{preset.name!r} is built in")
    if len(own(connection, owner_id)) >= MAX_OWN_PRESETS:
        raise RefusedError(RefusedCode.INVALID_PRESET, f"{MAX_OWN_PRESETS} are the most")
    definition = to_definition(preset)
    values = {"definition": definition, "updated_at": now(), "deleted_at": None}
    key = {"owner_id": owner_id, "name": preset.name, "created_at": now()}
    # A deleted one comes back; one that is there stays as it is.
    adding = insert_into(connection, presets).values(**key, **values)
    adding = adding.on_conflict_do_update(
        index_elements=["owner_id", "name"], set_=values, where=presets.c.deleted_at.is_not(None)
    )
    is_added = connection.execute(adding.returning(presets.c.name)).first() is not None
    if not is_added:
        raise RefusedError(RefusedCode.PRESET_EXISTS, f"there is a preset {preset.name!r}")
    _record(connection, owner_id, "preset.created", definition)


def change(connection: sa.Connection, owner_id: UserId, preset: Preset) -> None:
    """Replace what a preset of that name says and record `preset.changed`.

    Raises:
        RefusedError: `preset_read_only` for a built-in one, `not_found`.

    """
    _require_own(connection, owner_id, preset.name)
    definition = to_definition(preset)
    changed = _change(owner_id, preset.name).values(definition=definition, updated_at=now())
    connection.execute(changed)
    _record(connection, owner_id, "preset.changed", definition)


def delete(connection: sa.Connection, owner_id: UserId, name: str) -> None:
    """List a preset no longer and record `preset.deleted`.

    Raises:
        RefusedError: `preset_read_only` for a built-in one, `not_found`.

    """
    _require_own(connection, owner_id, name)
    connection.execute(_change(owner_id, name).values(deleted_at=now()))
    _record(connection, owner_id, "preset.deleted", {"name": name})


def _require_own(connection: sa.Connection, owner_id: UserId, name: str) -> None:
    if is_built_in(name):
        raise RefusedError(RefusedCode.PRESET_READ_ONLY, f"{name!r} is built in")
    row = _row(connection, owner_id, name)
    if row is None or row["deleted_at"] is not None:
        raise RefusedError(RefusedCode.NOT_FOUND, f"no preset {name!r}")


def _row(connection: sa.Connection, owner_id: UserId, name: str) -> sa.RowMapping | None:
    query = sa.select(presets).where(
        presets.c.owner_id == owner_id, presets.c.name == preset_name(name)
    )
    return connection.execute(query).mappings().one_or_none()


def _change(owner_id: UserId, name: str) -> sa.Update:
    return sa.update(presets).where(
        presets.c.owner_id == owner_id, presets.c.name == preset_name(name)
    )


def _record(connection: sa.Connection, owner_id: UserId, kind: str, data: dict[str, Any]) -> None:
    events.record(connection, kind, owner_id=owner_id, data=data)

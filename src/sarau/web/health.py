"""Whether the server is alive, and whether it is ready to take uploads."""

from typing import Any

import sqlalchemy as sa

from sarau.app import App
from sarau.catalog import objects
from sarau.errors import SarauError


def readiness(app: App) -> tuple[bool, dict[str, dict[str, Any]]]:
    """Return whether everything an upload needs is there, and each part's state."""
    checks: dict[str, dict[str, Any]] = {"database": _database(app)}
    for volume in app.volumes:
        status = volume.check()
        checks[volume.role] = {
            "ok": status.ok,
            "free_bytes": status.free_bytes,
            "free_inodes": status.free_inodes,
            "code": status.code,
        }
    with_damage = _damage(app)
    if with_damage is not None:
        checks["library"] |= with_damage
    checks["worker"] = {"ok": app.durable.is_working()}
    return all(check["ok"] for check in checks.values()), checks


def _damage(app: App) -> dict[str, Any] | None:
    """Return what the scrub has found; it is reported, and does not stop uploads."""
    try:
        with app.database.read() as connection:
            return {"damaged_objects": objects.count_damaged(connection)}
    except SarauError:
        return None


def _database(app: App) -> dict[str, Any]:
    try:
        with app.database.read() as connection:
            connection.execute(sa.select(1))
    except SarauError as error:
        return {"ok": False, "code": error.code}
    return {"ok": True}

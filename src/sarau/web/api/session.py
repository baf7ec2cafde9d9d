"""What a client needs to know before it starts."""

from fastapi import APIRouter

from sarau import __version__
from sarau.catalog import events, presets
from sarau.model.preset import DEFAULT_PRESET, PRESETS
from sarau.web.api.context import Owner, Rooms
from sarau.web.api.views import LimitsView, SessionView, UserView, preset_view

router = APIRouter(tags=["session"])

_CHUNK_BYTES = 64 << 20
"""Browsers lose half of their speed with small chunks (docs/guide/upload.md)."""


@router.get("/session")
def get_session(rooms: Rooms, owner: Owner) -> SessionView:
    """Return limits, presets, and where the live events begin."""
    with rooms.database.read() as connection:
        number = events.last_number(connection)
        own = presets.own(connection, owner)
    return SessionView(
        version=__version__,
        user=UserView(id=owner, name=owner),
        limits=LimitsView(
            max_upload_bytes=rooms.settings.max_upload_bytes, chunk_bytes=_CHUNK_BYTES
        ),
        presets=[preset_view(preset) for preset in (*PRESETS.values(), *own)],
        default_preset=DEFAULT_PRESET,
        can_identify=rooms.acoustid is not None,
        event_number=number,
    )

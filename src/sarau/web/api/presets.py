"""Presets over HTTP: the built-in ones to read, a user's own to make, change and delete."""

from fastapi import APIRouter

from sarau.catalog import presets
from sarau.errors import RefusedCode, RefusedError
from sarau.model.own_preset import preset_name, read_preset
from sarau.model.preset import PRESETS
from sarau.web.api.context import Owner, Rooms
from sarau.web.api.views import PresetBody, PresetList, PresetView, preset_view

router = APIRouter(prefix="/presets", tags=["presets"])


@router.get("")
def list_presets(rooms: Rooms, owner: Owner) -> PresetList:
    """List the built-in presets, then the user's own by name."""
    with rooms.database.read() as connection:
        found = [*PRESETS.values(), *presets.own(connection, owner)]
    return PresetList(items=[preset_view(preset) for preset in found])


@router.get("/{name}")
def get_preset(rooms: Rooms, owner: Owner, name: str) -> PresetView:
    """Return one preset."""
    with rooms.database.read() as connection:
        return preset_view(presets.find(connection, owner, name))


@router.post("", status_code=201)
def create_preset(rooms: Rooms, owner: Owner, body: PresetBody) -> PresetView:
    """Make a new preset."""
    preset = read_preset(body.model_dump(exclude_unset=True))
    with rooms.own_presets.changing() as connection:
        presets.create(connection, owner, preset)
    return preset_view(preset)


@router.put("/{name}")
def change_preset(rooms: Rooms, owner: Owner, name: str, body: PresetBody) -> PresetView:
    """Replace what a preset says; runs that are queued keep what it said."""
    preset = read_preset(body.model_dump(exclude_unset=True))
    if preset.name != preset_name(name):
        raise RefusedError(RefusedCode.INVALID_PRESET, f"name: {name!r} cannot be renamed")
    with rooms.own_presets.changing() as connection:
        presets.change(connection, owner, preset)
    return preset_view(preset)


@router.delete("/{name}", status_code=204)
def delete_preset(rooms: Rooms, owner: Owner, name: str) -> None:
    """Offer a preset no longer; what was sent with it is still made."""
    with rooms.own_presets.changing() as connection:
        presets.delete(connection, owner, name)

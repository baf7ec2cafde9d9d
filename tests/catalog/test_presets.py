import pytest

from sarau.catalog import Database, presets
from sarau.catalog.events import after
from sarau.errors import RefusedError
from sarau.model.ids import LOCAL_USER_ID as ME
from sarau.model.preset import PRESETS, Format, Preset, RenditionSpec

RADIO = Preset("Rádio", -18.0, -2.0, (RenditionSpec("wav", Format.WAV, bit_depth=24),))
LOUDER = Preset("Rádio", -16.0, -1.0, RADIO.renditions)


def test_a_preset_is_kept_changed_and_deleted(database: Database) -> None:
    with database.write() as connection:
        presets.create(connection, ME, RADIO)
        assert presets.own(connection, ME) == [RADIO]
        presets.change(connection, ME, LOUDER)
        assert presets.find(connection, ME, "Rádio") == LOUDER
        presets.delete(connection, ME, "Rádio")
        assert presets.own(connection, ME) == []
        with pytest.raises(RefusedError, match="unknown_preset"):
            presets.find(connection, ME, "Rádio")
        kinds = [event.kind for event in after(connection, 0, owner_id=ME)]
    assert kinds == ["preset.created", "preset.changed", "preset.deleted"]


def test_a_deleted_one_is_still_known_to_what_was_sent_with_it(database: Database) -> None:
    with database.write() as connection:
        presets.create(connection, ME, RADIO)
        presets.delete(connection, ME, "Rádio")
        assert presets.find(connection, ME, "Rádio", also_deleted=True) == RADIO
        presets.create(connection, ME, LOUDER)
        assert presets.own(connection, ME) == [LOUDER]


def test_two_presets_never_have_one_name(database: Database) -> None:
    with database.write() as connection:
        presets.create(connection, ME, RADIO)
        for again in (LOUDER, PRESETS["archive"], Preset("Archive", None, 0.0, RADIO.renditions)):
            with pytest.raises(RefusedError, match="preset_exists"):
                presets.create(connection, ME, again)
        assert presets.own(connection, ME) == [RADIO]


def test_built_in_presets_are_read_only(database: Database) -> None:
    with database.write() as connection:
        with pytest.raises(RefusedError, match="preset_read_only"):
            presets.change(connection, ME, PRESETS["podcast"])
        with pytest.raises(RefusedError, match="preset_read_only"):
            presets.delete(connection, ME, "podcast")
        with pytest.raises(RefusedError, match="not_found"):
            presets.change(connection, ME, RADIO)

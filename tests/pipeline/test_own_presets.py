"""A run does what its preset said when it was queued, whatever became of the preset since."""

from dataclasses import replace
from pathlib import Path

from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.catalog import presets, renditions, runs
from sarau.intake import Description
from sarau.model.ids import LOCAL_USER_ID as ME
from sarau.model.ids import RunId
from sarau.model.preset import Format, Preset, RenditionSpec

CLUB = Preset("Club", -20.0, -3.0, (RenditionSpec("alac", Format.ALAC, bit_depth=16),))


def _send(rooms: Rooms, path: Path) -> RunId:
    data = path.read_bytes()
    upload = rooms.intake.create(
        owner_id=ME,
        description=Description(filename=path.name, preset="Club"),
        size_bytes=len(data),
        body=data,
    )
    assert upload.track_id
    run_id = rooms.track(upload.track_id).run_id
    assert run_id
    return run_id


def test_a_queued_run_keeps_its_preset_when_it_is_changed_and_deleted(
    rooms: Rooms, tmp_path: Path
) -> None:
    with rooms.database.write() as connection:
        presets.create(connection, ME, CLUB)
    run_id = _send(rooms, write_music(tmp_path / "song.wav", seconds=2))
    with rooms.database.write() as connection:
        presets.change(connection, ME, replace(CLUB, target_lufs=-10.0))
        presets.delete(connection, ME, "Club")
    analysis = rooms.steps.validate(run_id)["analysis"]
    rooms.steps.store(run_id)
    rooms.steps.publish(run_id, rooms.steps.render(run_id, analysis)["renditions"])
    run = rooms.run(run_id)
    with rooms.database.read() as connection:
        (made,) = renditions.find(connection, [run.track_id])[run.track_id]
        assert runs.preset_of(connection, run) == CLUB
    assert (made.name, made.target_lufs, made.ceiling_dbtp) == ("alac", -20.0, -3.0)
    assert made.verdict == "passed"

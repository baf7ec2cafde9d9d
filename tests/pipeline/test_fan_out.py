"""Several workers make the renditions of one track: the same bytes, whoever comes and goes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.audio import Analysis, Engine, from_plain
from sarau.catalog import groups, runs, workers
from sarau.catalog.groups import RenderGroup
from sarau.catalog.tables import render_groups
from sarau.errors import CancelledRunError, FailedCode, FailedError
from sarau.model.ids import LOCAL_USER_ID, RunId
from sarau.model.lifecycle import Stage
from sarau.pipeline import fan_out
from sarau.pipeline.outcome import Plain
from sarau.pipeline.routes import COMMON_QUEUE, GROUP_QUEUE
from sarau.pipeline.steps import Steps


@pytest.fixture
def steps(rooms: Rooms) -> Steps:
    """Of the worker that has the run, for which every track is long."""
    return replace(rooms.steps, divide_from_s=0.0)


def _add_worker(rooms: Rooms, name: str, *queues: str) -> None:
    with rooms.database.write() as connection:
        workers.join(
            connection,
            name,
            host="elsewhere",
            pid=1,
            version="0",
            code_version="1",
            cores=1,
            concurrency=1,
            queues=queues,
        )


def _begin(rooms: Rooms, steps: Steps, path: Path, *, clicks: float = 0.0) -> tuple[RunId, Plain]:
    """Take a file in and go as far as its rendering."""
    run_id = rooms.receive(write_music(path, clicks=clicks), preset="streaming")
    analysis: Plain = steps.validate(run_id)["analysis"]
    steps.store(run_id)
    return run_id, analysis


def _divide(rooms: Rooms, steps: Steps, run_id: RunId, analysis: Plain) -> bool:
    run, _ = steps._enter(run_id, Stage.RENDER)
    with rooms.database.read() as connection:
        preset = runs.preset_of(connection, run)
    return steps.fan_out.divide(run, preset, from_plain(Analysis, analysis), analysis)


def _begin_divided(rooms: Rooms, steps: Steps, path: Path) -> tuple[RunId, Plain]:
    """Begin a run that an idle worker is offered a group of."""
    _add_worker(rooms, "idle", COMMON_QUEUE, GROUP_QUEUE)
    run_id, analysis = _begin(rooms, steps, path)
    assert _divide(rooms, steps, run_id, analysis)
    return run_id, analysis


def _groups(rooms: Rooms, run_id: RunId) -> list[RenderGroup]:
    with rooms.database.read() as connection:
        return groups.of_run(connection, run_id)


def _bytes(made: Plain) -> list[str]:
    return [one["sha256"] for one in made["renditions"]]


def _is_limited(made: Plain) -> list[bool]:
    return [one["rendered"]["file"]["gain"]["ceiling_limited"] for one in made["renditions"]]


@pytest.mark.parametrize(("clicks", "helpers", "shares"), [(0.0, 1, [2, 2]), (0.9, 3, [1] * 4)])
def test_the_bytes_are_those_of_one_worker_and_nobody_is_waited_for_that_does_not_come(
    rooms: Rooms, steps: Steps, tmp_path: Path, clicks: float, helpers: int, shares: list[int]
) -> None:
    """Also where peaks stop the gain short of the target: by the room of all, not of a group."""
    for number in range(helpers):
        _add_worker(rooms, f"idle {number}", COMMON_QUEUE, GROUP_QUEUE)
    run_id, analysis = _begin(rooms, steps, tmp_path / "a.wav", clicks=clicks)
    alone = rooms.steps.render(run_id, analysis)
    assert _is_limited(alone) == [clicks > 0] * 4
    assert not _groups(rooms, run_id)
    divided = steps.render(run_id, analysis)
    made = [(one.hand, len(one.names)) for one in _groups(rooms, run_id)]
    assert made == [("run", share) for share in shares]
    assert _bytes(divided) == _bytes(alone)
    assert steps.publish(run_id, divided["renditions"]) == {}
    assert rooms.track(rooms.run(run_id).track_id).state == "ready"
    assert not _groups(rooms, run_id)


def test_what_a_helper_has_made_is_not_made_again(
    rooms: Rooms, steps: Steps, tmp_path: Path
) -> None:
    run_id, analysis = _begin_divided(rooms, steps, tmp_path / "a.wav")
    rooms.steps.render_group(run_id, 1, analysis)
    theirs = _groups(rooms, run_id)[1]
    assert (theirs.hand, len(theirs.made or ())) == ("helper", 2)
    divided = steps.render(run_id, analysis)
    assert _groups(rooms, run_id)[1] == theirs
    assert _bytes(divided) == _bytes(rooms.steps.render(run_id, analysis))


def test_of_a_killed_helper_its_own_group_alone_is_made_again(
    rooms: Rooms, steps: Steps, tmp_path: Path
) -> None:
    run_id, analysis = _begin_divided(rooms, steps, tmp_path / "a.wav")
    killed = steps.fan_out._take(_groups(rooms, run_id)[1], "helper")
    assert killed
    # Its durable program comes to another worker, which calls the step again.
    rooms.steps.render_group(run_id, 1, analysis)
    first, second = _groups(rooms, run_id)
    assert (first.hand, second.made is not None) == (None, True)
    with rooms.database.write() as connection:
        # Should it only have hung, it finds that its group is no longer its own.
        assert not groups.report(connection, killed, 0.5)
        assert not groups.fill(connection, killed, [])


def test_a_run_that_changes_hands_keeps_what_is_made(
    rooms: Rooms, steps: Steps, tmp_path: Path
) -> None:
    run_id, analysis = _begin_divided(rooms, steps, tmp_path / "a.wav")
    rooms.steps.render_group(run_id, 1, analysis)
    killed = steps.fan_out._take(_groups(rooms, run_id)[0], "run")
    # A worker for which no track is long takes it over, and finds it divided.
    divided = rooms.steps.render(run_id, analysis)
    assert len(_bytes(divided)) == 4
    assert killed
    assert _groups(rooms, run_id)[0].token != killed.token


def test_a_helper_that_is_never_heard_of_again_is_given_up(
    rooms: Rooms, steps: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, analysis = _begin_divided(rooms, steps, tmp_path / "a.wav")
    steps.fan_out._take(_groups(rooms, run_id)[1], "helper")
    monkeypatch.setattr(fan_out, "_STILL_S", 1.0)
    steps.render(run_id, analysis)
    assert [one.hand for one in _groups(rooms, run_id)] == ["run", "run"]


def test_a_helper_that_lives_may_take_its_time_to_store_what_it_made(
    rooms: Rooms, steps: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, _ = _begin_divided(rooms, steps, tmp_path / "a.wav")
    with rooms.database.write() as connection:
        taken = groups.take(
            connection, groups.of_run(connection, run_id)[1], "helper", worker_id="idle"
        )
        assert taken
        assert groups.report(connection, taken, 2.0)
    monkeypatch.setattr(fan_out, "_STILL_S", -1.0)
    watch, storing = fan_out._Watch(), _groups(rooms, run_id)[1]

    def free() -> RenderGroup | None:
        return watch.free([storing], steps.fan_out._living([storing]))

    assert [free(), free()] == [None, None]
    with rooms.database.write() as connection:
        workers.leave(connection, "idle")
    assert free() == storing


class _BrokenEngine(Engine):
    def render(self, *_: object, **__: object) -> tuple[()]:  # type: ignore[override]
        raise FailedError(FailedCode.DISK_FULL, "no room here")


def test_what_a_helper_cannot_make_is_left_to_the_worker_that_has_the_run(
    rooms: Rooms, steps: Steps, tmp_path: Path
) -> None:
    run_id, analysis = _begin_divided(rooms, steps, tmp_path / "a.wav")
    with _BrokenEngine() as broken, pytest.raises(FailedError):
        replace(steps, engine=broken).render_group(run_id, 1, analysis)
    assert [one.hand for one in _groups(rooms, run_id)] == [None, None]
    assert len(_bytes(steps.render(run_id, analysis))) == 4


def test_cancelling_a_run_ends_all_its_groups(rooms: Rooms, steps: Steps, tmp_path: Path) -> None:
    run_id, analysis = _begin_divided(rooms, steps, tmp_path / "a.wav")
    at_work = steps.fan_out._take(_groups(rooms, run_id)[1], "helper")
    assert at_work
    rooms.pipeline.cancel(rooms.run(run_id).track_id, LOCAL_USER_ID)
    with rooms.database.write() as connection:
        assert not groups.report(connection, at_work, 0.5)
    for call in (
        lambda: steps.render_group(run_id, 0, analysis),
        lambda: steps.render(run_id, analysis),
    ):
        with pytest.raises(CancelledRunError):
            call()
    with rooms.database.read() as connection:
        entries = rooms.durable._ledger.find(connection, [f"{run_id}.group.1"])
    assert [one.status for one in entries] == ["CANCELLED"]
    rooms.caretaker.forget_checkpoints()
    assert not _groups(rooms, run_id)


def _nobody_is_there(_rooms: Rooms, _path: Path, _other: RunId) -> None:
    pass


def _an_older_version_is_there(rooms: Rooms, _path: Path, _other: RunId) -> None:
    _add_worker(rooms, "older", COMMON_QUEUE)


def _it_is_busy(rooms: Rooms, _path: Path, other: RunId) -> None:
    _add_worker(rooms, "busy", COMMON_QUEUE, GROUP_QUEUE)
    with rooms.database.write() as connection:
        row = {"number": 0, "names": [], "progress": 0.0, "hand": "helper", "worker_id": "busy"}
        connection.execute(sa.insert(render_groups).values(run_id=other, **row))


def _it_drains(rooms: Rooms, _path: Path, _other: RunId) -> None:
    _add_worker(rooms, "drains", COMMON_QUEUE, GROUP_QUEUE)
    with rooms.database.write() as connection:
        workers.drain(connection, "drains")


def _another_track_waits(rooms: Rooms, path: Path, _other: RunId) -> None:
    _add_worker(rooms, "idle", COMMON_QUEUE, GROUP_QUEUE)
    rooms.receive(write_music(path / "b.wav", seed=2))


@pytest.mark.parametrize(
    "while_",
    [_nobody_is_there, _an_older_version_is_there, _it_is_busy, _it_drains, _another_track_waits],
)
def test_nothing_is_divided_while(
    rooms: Rooms, steps: Steps, tmp_path: Path, while_: Callable[[Rooms, Path, RunId], None]
) -> None:
    other = rooms.receive(write_music(tmp_path / "other.wav", seed=3))
    rooms.go_through(other)
    run_id, analysis = _begin(rooms, steps, tmp_path / "a.wav")
    while_(rooms, tmp_path, other)
    assert not _divide(rooms, steps, run_id, analysis)


def test_a_short_track_is_not_divided(rooms: Rooms, tmp_path: Path) -> None:
    _add_worker(rooms, "idle", COMMON_QUEUE, GROUP_QUEUE)
    run_id, analysis = _begin(rooms, rooms.steps, tmp_path / "a.wav")
    assert not _divide(rooms, rooms.steps, run_id, analysis)

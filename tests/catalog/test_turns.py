import sqlalchemy as sa

from sarau.catalog import Database, imports, runs, tracks, uploads
from sarau.catalog.tables import users
from sarau.catalog.turns import next_turns, waiting
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID, RunId, TrackId, UploadId, UserId, new_id
from sarau.model.lifecycle import RunState, UploadState
from sarau.model.original import Identity
from sarau.model.upload import Upload

ANA, BIA = LOCAL_USER_ID, UserId("bia")


def _track(connection: sa.Connection, owner: UserId, *, inode: int | None = None) -> TrackId:
    track_id, upload_id = TrackId(new_id()), UploadId(new_id())
    tracks.create(
        connection,
        track_id,
        owner_id=owner,
        filename="a.wav",
        title="a",
        preset="archive",
        upload_id=upload_id,
    )
    at = now()
    upload = Upload(
        id=upload_id,
        owner_id=owner,
        track_id=track_id,
        filename="a.wav",
        preset="archive",
        metadata_header=None,
        size_bytes=1,
        offset_bytes=1,
        sha256=None,
        state=UploadState.RECEIVED,
        concat=None,
        created_at=at,
        updated_at=at,
        expires_at=at,
    )
    uploads.create(connection, upload)
    if inode is not None:
        identity = Identity(inode=inode, size_bytes=1, mtime_ns=1, ctime_ns=1, device=1)
        imports.add(connection, identity, upload, path="/a", instead_of=None)
    return track_id


def _queue(connection: sa.Connection, owner: UserId, *, inode: int | None = None) -> RunId:
    track = tracks.get(connection, _track(connection, owner, inode=inode))
    (turn,) = next_turns(connection, owner, [track.id])
    return runs.create(connection, [(track, turn)])[0].id


def _serve_one(connection: sa.Connection) -> RunId:
    """Take the run whose turn it is, as the queue does."""
    table = runs.runs
    query = (
        sa.select(table.c.id)
        .where(table.c.state == RunState.QUEUED)
        .order_by(table.c.turn, table.c.created_at)
    )
    run_id = RunId(connection.execute(query.limit(1)).scalar_one())
    connection.execute(sa.update(table).where(table.c.id == run_id).values(state=RunState.RUNNING))
    return run_id


def _add_bia(connection: sa.Connection) -> None:
    connection.execute(sa.insert(users).values(id=BIA, name="Bia", created_at=now()))


def test_many_files_of_one_user_do_not_keep_another_waiting(database: Database) -> None:
    with database.write() as connection:
        _add_bia(connection)
        many = [_queue(connection, ANA) for _ in range(50)]
        assert [_serve_one(connection) for _ in range(10)] == many[:10]
        late = [_queue(connection, BIA) for _ in range(3)]
        served = [_serve_one(connection) for _ in range(8)]
    assert [run for run in served if run in many] == many[10:15]
    assert [run for run in served if run in late] == late
    assert set(served[:3]) & set(late), "the late user waits for one turn only"


def test_a_user_s_own_files_stay_in_their_order(database: Database) -> None:
    with database.write() as connection:
        _add_bia(connection)
        first = [_queue(connection, ANA) for _ in range(3)]
        others = [_queue(connection, BIA) for _ in range(3)]
        _serve_one(connection)
        last = [_queue(connection, ANA) for _ in range(2)]
        served = [_serve_one(connection) for _ in range(7)]
    assert [run for run in served if run not in others] == first[1:] + last


def test_folders_wait_for_people(database: Database) -> None:
    with database.write() as connection:
        folder = [_queue(connection, ANA, inode=number) for number in range(5)]
        person = _queue(connection, ANA)
        assert waiting(connection).interactive == 1
        assert waiting(connection).bulk == 5
        assert _serve_one(connection) == person
        assert [_serve_one(connection) for _ in range(5)] == folder


def test_turns_begin_anew_when_nobody_waits(database: Database) -> None:
    with database.write() as connection:
        for _ in range(3):
            _queue(connection, ANA)
        for _ in range(3):
            _serve_one(connection)
        track_id = _track(connection, ANA)
        assert next_turns(connection, ANA, [track_id]) == [1]

"""Like recordings are found by their marks, never another owner's and never deleted ones."""

import random
import struct

import sqlalchemy as sa

from sarau.catalog import Database, fingerprints, likenesses, tracks
from sarau.catalog.events import of_track
from sarau.catalog.tables import fingerprint_marks, users
from sarau.model.clock import now
from sarau.model.fingerprint import MOST_MARKS, Fingerprint, Likeness
from sarau.model.ids import LOCAL_USER_ID, TrackId, UploadId, UserId
from sarau.model.lifecycle import TrackState
from sarau.model.track import Track

ELSE = UserId("somebody-else")


def sound(seed: int, skip: int = 0) -> Fingerprint:
    chance = random.Random(seed)
    items = [chance.getrandbits(32) for _ in range(600)][skip:]
    return Fingerprint(struct.pack(f"<{len(items)}I", *items))


def keep(
    connection: sa.Connection, name: str, fingerprint: Fingerprint, owner: UserId = LOCAL_USER_ID
) -> Track:
    track = tracks.create(
        connection,
        TrackId(name),
        owner_id=owner,
        filename=f"{name}.wav",
        title=name,
        preset="archive",
        upload_id=UploadId(name),
    )
    fingerprints.save(connection, track, fingerprint)
    return track


def test_the_likeliest_track_of_the_same_owner_comes_first(database: Database) -> None:
    with database.write() as connection:
        new = keep(connection, "new", sound(1, skip=50))
        keep(connection, "same", sound(1))
        keep(connection, "half", Fingerprint(sound(1).items[:1200] + sound(3).items[:1200]))
        keep(connection, "other", sound(2))
        found = fingerprints.candidates(connection, new, sound(1, skip=50), limit=20)
    assert found == ["same", "half"]


def test_another_owners_recording_is_never_found(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(users).values(id=ELSE, name="somebody else", created_at=now()))
        mine = keep(connection, "mine", sound(1))
        theirs = keep(connection, "theirs", sound(1), ELSE)
        for track in (mine, theirs):
            assert fingerprints.candidates(connection, track, sound(1), limit=20) == []


def test_a_deleted_recording_is_not_found(database: Database) -> None:
    with database.write() as connection:
        new, old = keep(connection, "new", sound(1)), keep(connection, "old", sound(1))
        likenesses.save(connection, new, {old.id: Likeness(1.0, 0.0, 70.0)})
        for state in (TrackState.RECEIVED, TrackState.CANCELLED, TrackState.DELETED):
            old = tracks.change_state(connection, old, state)
        assert fingerprints.candidates(connection, new, sound(1), limit=20) == []
        assert likenesses.of_tracks(connection, [new.id, old.id]) == {new.id: [], old.id: []}


def test_a_fingerprint_that_is_replaced_or_removed_leaves_no_mark(database: Database) -> None:
    def marks(connection: sa.Connection) -> int:
        return connection.execute(
            sa.select(sa.func.count()).select_from(fingerprint_marks)
        ).scalar_one()

    with database.write() as connection:
        track = keep(connection, "one", sound(1))
        keep(connection, "two", sound(1))
        assert marks(connection) == 2 * MOST_MARKS
        fingerprints.save(connection, track, sound(2))
        assert marks(connection) == 2 * MOST_MARKS
        assert fingerprints.find(connection, [track.id]) == {track.id: sound(2)}
        fingerprints.remove(connection, track.id)
        assert marks(connection) == MOST_MARKS
        assert fingerprints.find(connection, [track.id]) == {}


def test_both_tracks_know_what_they_sound_like(database: Database) -> None:
    with database.write() as connection:
        new, old = keep(connection, "a new", sound(1)), keep(connection, "old", sound(1))
        likenesses.save(connection, old, {new.id: Likeness(0.9, 4.5, 70.0)})
        # Both may find each other at the same time.
        likenesses.save(connection, new, {old.id: Likeness(0.9, -4.5, 70.0)})
        found = likenesses.of_tracks(connection, [new.id, old.id])
        (of_new,), (of_old,) = found[new.id], found[old.id]
        assert (of_new.track_id, of_new.title, of_new.likeness.offset_s) == ("old", "old", -4.5)
        assert (of_old.track_id, of_old.title, of_old.likeness.offset_s) == ("a new", "a new", 4.5)
        for track in (new, old):
            kinds = [event.kind for event in of_track(connection, track.id)]
            assert kinds.count("track.sounds_like") == 1
        likenesses.remove(connection, old.id)
        assert likenesses.of_tracks(connection, [new.id]) == {new.id: []}

"""What becomes of an original whose track has been dealt with: kept, moved or deleted."""

from enum import StrEnum

from sarau.catalog import Database, events, imports
from sarau.catalog.imports import Taken
from sarau.intake.folder import DONE, REJECTED, Folder, Original
from sarau.intake.importing import NotStillError
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.lifecycle import TrackState
from sarau.model.original import After


class Settled(StrEnum):
    """What was done with an original."""

    KEPT = "kept"
    PENDING = "pending"
    """Its track is neither ready nor rejected yet."""
    MOVED = "moved"
    DELETED = "deleted"


def settle(
    database: Database, folder: Folder, original: Original, taken: Taken, after: After
) -> Settled:
    """Move or delete an original that is here whole, once that is safe.

    Raises:
        NotStillError: It has changed: it stays, and is a new original.
        OSError: It can be neither moved nor deleted.
        FailedError: `database_unavailable`; it is seen again at the next look.

    """
    if after is After.KEEP:
        return Settled.KEPT
    if taken.track_state is TrackState.DELETED:
        # A person let go of the track, which says nothing about the file.
        return Settled.KEPT
    if taken.track_state is TrackState.REJECTED:
        return _move(database, folder, original, taken, REJECTED)
    if taken.track_state is not TrackState.READY:
        return Settled.PENDING
    if after is After.MOVE:
        return _move(database, folder, original, taken, DONE)
    if not folder.remove(original):
        raise NotStillError("it has changed since it was taken")
    with database.write() as connection:
        imports.remove(connection, taken.upload_id)
        events.record(
            connection,
            "original.deleted",
            owner_id=LOCAL_USER_ID,
            track_id=taken.track_id,
            upload_id=taken.upload_id,
            data={"path": f"{folder.root}/{original.path}"},
        )
    return Settled.DELETED


def _move(
    database: Database, folder: Folder, original: Original, taken: Taken, into: str
) -> Settled:
    move_refused(folder, original, into)
    with database.write() as connection:
        events.record(
            connection,
            "original.moved",
            owner_id=LOCAL_USER_ID,
            track_id=taken.track_id,
            upload_id=taken.upload_id,
            data={"path": f"{folder.root}/{original.path}", "into": into},
        )
    return Settled.MOVED


def move_refused(folder: Folder, original: Original, into: str = REJECTED) -> None:
    """Move an original away.

    Raises:
        NotStillError: It has changed: it stays, and is a new original.
        OSError: It cannot be moved.

    """
    if not folder.move(original, into):
        raise NotStillError("it has changed since it was seen")

"""Which tracks of an owner are the same recording, each pair once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog._records import among
from sarau.catalog.database import insert_into
from sarau.catalog.tables import likenesses, tracks
from sarau.model.fingerprint import Likeness
from sarau.model.ids import TrackId
from sarau.model.lifecycle import TrackState
from sarau.model.track import Track


@dataclass(frozen=True, slots=True)
class Alike:
    """A track that another one sounds like."""

    track_id: TrackId
    title: str
    likeness: Likeness


def save(connection: sa.Connection, track: Track, found: Mapping[TrackId, Likeness]) -> None:
    """Keep what `track` sounds like and record `track.sounds_like` for both, where it is new."""
    new: dict[TrackId, Likeness] = {}
    for other_id, likeness in sorted(found.items()):
        # Whichever of the two comes last finds the other: both may come at once.
        adding = insert_into(connection, likenesses).values(_row(track.id, other_id, likeness))
        added = adding.on_conflict_do_nothing().returning(likenesses.c.track_id)
        if connection.execute(added).first() is not None:
            new[other_id] = likeness
    for other_id, likeness in new.items():
        for one, other in ((track.id, other_id), (other_id, track.id)):
            data = {"other": other, "score": likeness.score}
            events.record(
                connection,
                "track.sounds_like",
                owner_id=track.owner_id,
                track_id=one,
                data=data,
            )


def remove(connection: sa.Connection, track_id: TrackId) -> None:
    """Forget what a track sounds like."""
    one, other = likenesses.c.track_id, likenesses.c.other_id
    connection.execute(sa.delete(likenesses).where(sa.or_(one == track_id, other == track_id)))


def of_tracks(
    connection: sa.Connection, track_ids: Sequence[TrackId]
) -> dict[TrackId, list[Alike]]:
    """Return what tracks sound like, the likest first; deleted ones are left out."""
    found: dict[TrackId, list[Alike]] = {track_id: [] for track_id in track_ids}
    query = _of_tracks(connection.dialect.name)
    for row in connection.execute(query, {"ids": list(track_ids)}):
        ahead = Likeness(row.score, row.offset_s, row.matched_s)
        behind = Likeness(row.score, -row.offset_s, row.matched_s)
        if row.track_id in found:
            found[row.track_id].append(Alike(TrackId(row.other_id), row.other_title, ahead))
        if row.other_id in found:
            found[row.other_id].append(Alike(TrackId(row.track_id), row.title, behind))
    return found


@cache
def _of_tracks(dialect: str) -> sa.Select[Any]:
    one, other = tracks.alias(), tracks.alias()
    return (
        sa.select(likenesses, one.c.title.label("title"), other.c.title.label("other_title"))
        .join(one, one.c.id == likenesses.c.track_id)
        .join(other, other.c.id == likenesses.c.other_id)
        .where(
            sa.or_(among(dialect, likenesses.c.track_id), among(dialect, likenesses.c.other_id)),
            one.c.state != TrackState.DELETED,
            other.c.state != TrackState.DELETED,
        )
        .order_by(likenesses.c.score.desc(), likenesses.c.track_id, likenesses.c.other_id)
    )


def _row(track_id: TrackId, other_id: TrackId, likeness: Likeness) -> dict[str, object]:
    is_lower = track_id < other_id
    return {
        "track_id": track_id if is_lower else other_id,
        "other_id": other_id if is_lower else track_id,
        "score": likeness.score,
        "offset_s": likeness.offset_s if is_lower else -likeness.offset_s,
        "matched_s": likeness.matched_s,
    }

"""Tracks over HTTP: lists, history, and what can be done with them."""

from collections.abc import Sequence
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query

from sarau.catalog import (
    events,
    likenesses,
    listing,
    locks,
    renditions,
    runs,
    sources,
    tracks,
    uploads,
)
from sarau.model.ids import RunId, TrackId
from sarau.model.lifecycle import TrackState
from sarau.model.track import Track
from sarau.web.api.context import Language, Owner, Rooms
from sarau.web.api.views import EventList, TrackEdit, TrackPage, TrackView, event_view, track_view

router = APIRouter(prefix="/tracks", tags=["tracks"])


def describe(connection: sa.Connection, found: Sequence[Track], language: str) -> list[TrackView]:
    """Return the views of tracks with five queries, however many there are."""
    ids = [track.id for track in found]
    all_uploads = uploads.of_tracks(connection, ids)
    all_sources = sources.find(connection, ids)
    all_renditions = renditions.find(connection, ids)
    all_alike = likenesses.of_tracks(connection, ids)
    all_runs = runs.of_tracks(connection, [RunId(t.run_id) for t in found if t.run_id])
    return [
        track_view(
            track,
            language,
            upload=all_uploads.get(track.id),
            run=all_runs.get(track.id),
            source=all_sources.get(track.id),
            renditions=all_renditions.get(track.id, []),
            sounds_like=all_alike.get(track.id, []),
        )
        for track in found
    ]


@router.get("")
def list_tracks(
    rooms: Rooms,
    owner: Owner,
    language: Language,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: str | None = None,
    state: Annotated[list[TrackState] | None, Query()] = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
) -> TrackPage:
    """List tracks, newest first; `state` may be given several times."""
    start = TrackId(before) if before else None
    with rooms.database.read() as connection:
        found = listing.page(
            connection, owner, limit=limit + 1, before=start, states=state or (), text=q
        )
        items = describe(connection, found[:limit], language)
        counts = listing.counts(connection, owner)
    more = items[-1].id if len(found) > limit else None
    return TrackPage(items=items, next_before=more, counts=counts)


@router.get("/{track_id}")
def get_track(rooms: Rooms, owner: Owner, language: Language, track_id: str) -> TrackView:
    """Return one track."""
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        return describe(connection, [track], language)[0]


@router.patch("/{track_id}")
def edit_track(
    rooms: Rooms, owner: Owner, language: Language, track_id: str, edit: TrackEdit
) -> TrackView:
    """Change what a track is called."""
    with rooms.database.write() as connection:
        locks.track(connection, TrackId(track_id))
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        track = tracks.edit(connection, track, title=edit.title, artist=edit.artist)
        return describe(connection, [track], language)[0]


@router.get("/{track_id}/events")
def list_events(rooms: Rooms, owner: Owner, track_id: str) -> EventList:
    """Return everything that ever happened to a track."""
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        history = events.of_track(connection, track.id)
    return EventList(items=[event_view(event) for event in history])


@router.post("/{track_id}/cancel")
def cancel_track(rooms: Rooms, owner: Owner, language: Language, track_id: str) -> TrackView:
    """Stop working on a track; its bytes stay."""
    rooms.pipeline.cancel(TrackId(track_id), owner)
    return get_track(rooms, owner, language, track_id)


@router.post("/{track_id}/retry")
def retry_track(rooms: Rooms, owner: Owner, language: Language, track_id: str) -> TrackView:
    """Work on a track again that failed or was cancelled."""
    rooms.pipeline.retry(TrackId(track_id), owner)
    return get_track(rooms, owner, language, track_id)


@router.delete("/{track_id}", status_code=204)
def delete_track(rooms: Rooms, owner: Owner, track_id: str) -> None:
    """Delete a track; its record stays, its bytes go after a day."""
    rooms.pipeline.delete(TrackId(track_id), owner)

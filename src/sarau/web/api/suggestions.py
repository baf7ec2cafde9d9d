"""What a track may be, asked of AcoustID when a person wants to know."""

from fastapi import APIRouter

from sarau.catalog import fingerprints, sources, tracks
from sarau.errors import RefusedCode, RefusedError
from sarau.model.chromaprint import chromaprint_text
from sarau.model.ids import TrackId
from sarau.web.api.context import Owner, Rooms
from sarau.web.api.views import SuggestionList

router = APIRouter(prefix="/tracks/{track_id}", tags=["insight"])


@router.post("/identify")
def identify(rooms: Rooms, owner: Owner, track_id: str) -> SuggestionList:
    """Ask AcoustID for the recording; nothing is changed by the answer.

    Only where `SARAU_ACOUSTID_KEY` is set: the fingerprint and the length leave the house.
    """
    if rooms.acoustid is None:
        raise RefusedError(RefusedCode.LOOKUP_OFF, "SARAU_ACOUSTID_KEY is not set")
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        fingerprint = fingerprints.find(connection, [track.id]).get(track.id)
        source = sources.find(connection, [track.id]).get(track.id)
    if fingerprint is None or source is None:
        raise RefusedError(RefusedCode.NOT_FOUND, f"track {track_id!r} has no fingerprint")
    found = rooms.acoustid.look_up(chromaprint_text(fingerprint), source.duration_s)
    return SuggestionList.model_validate({"items": found})

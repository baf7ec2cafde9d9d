"""The quality report of a track and its pictures."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from sarau.audio import LoudnessCurve, Waveform, from_plain, to_plain
from sarau.audio.pictures import loudness_svg, zoom_out
from sarau.catalog import fingerprints, insights, sources, tracks
from sarau.errors import RefusedCode, RefusedError
from sarau.model.chromaprint import chromaprint_text
from sarau.model.findings import Finding, sentence
from sarau.model.ids import TrackId
from sarau.web.api.context import Language, Owner, Rooms

router = APIRouter(prefix="/tracks/{track_id}", tags=["insight"])

_REVALIDATE = {"Cache-Control": "private, no-cache"}


def _missing(track_id: str, what: str) -> RefusedError:
    return RefusedError(RefusedCode.NOT_FOUND, f"track {track_id!r} has no {what} yet")


@router.get("/insight")
def get_insight(rooms: Rooms, owner: Owner, language: Language, track_id: str) -> dict[str, Any]:
    """Return the quality report; each finding carries a sentence for people.

    `fingerprint` is Chromaprint's text for the first two minutes, as AcoustID takes it.
    """
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        report = insights.report(connection, track.id)
        fingerprint = fingerprints.find(connection, [track.id]).get(track.id)
    if report is None:
        raise _missing(track_id, "quality report")
    findings = [
        {**to_plain(finding), "message": sentence(finding, language)}
        for finding in (from_plain(Finding, plain) for plain in report["findings"])
    ]
    text = chromaprint_text(fingerprint) if fingerprint else None
    return {**report, "findings": findings, "fingerprint": text}


@router.get("/spectrogram.png", response_class=Response)
def get_spectrogram(rooms: Rooms, owner: Owner, track_id: str) -> Response:
    """Return the source's spectrogram, linear in frequency up to `spectrogram.top_hz`."""
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        picture = insights.spectrogram(connection, track.id)
    if picture is None:
        raise _missing(track_id, "spectrogram")
    return Response(picture, media_type="image/png", headers=_REVALIDATE)


@router.get("/loudness.svg", response_class=Response)
def get_loudness_picture(rooms: Rooms, owner: Owner, track_id: str) -> Response:
    """Return the source's loudness over time as a picture, from -60 to 0 LUFS."""
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        curve = insights.loudness_curve(connection, track.id)
        source = sources.find(connection, [track.id]).get(track.id)
    if curve is None or source is None:
        raise _missing(track_id, "loudness over time")
    drawn = loudness_svg(from_plain(LoudnessCurve, curve), source.loudness.integrated_lufs)
    return Response(drawn, media_type="image/svg+xml", headers=_REVALIDATE)


@router.get("/loudness.json", response_class=JSONResponse)
def get_loudness_curve(rooms: Rooms, owner: Owner, track_id: str) -> Response:
    """Return the source's momentary and short-term loudness over time."""
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        curve = insights.loudness_curve(connection, track.id)
    if curve is None:
        raise _missing(track_id, "loudness over time")
    return JSONResponse(curve, headers=_REVALIDATE)


@router.get("/waveform.dat", response_class=Response)
def get_binary_waveform(
    rooms: Rooms,
    owner: Owner,
    track_id: str,
    pixels: Annotated[int, Query(ge=1, le=1 << 20)] = 1 << 20,
) -> Response:
    """Return the source's peaks in audiowaveform's binary form, in at most `pixels`."""
    found = waveform_of(rooms, owner, track_id, pixels)
    media_type = "application/octet-stream"
    return Response(found.to_dat(), media_type=media_type, headers=_REVALIDATE)


@router.get("/waveform.json", response_class=JSONResponse)
def get_waveform(
    rooms: Rooms,
    owner: Owner,
    track_id: str,
    pixels: Annotated[int, Query(ge=1, le=1 << 20)] = 1 << 20,
) -> Response:
    """Return the source's peaks in the format of the audiowaveform program, version 2.

    Without `pixels` all there are, with it at most so many, for a smaller zoom.
    """
    found = waveform_of(rooms, owner, track_id, pixels)
    return Response(found.to_json(), media_type="application/json", headers=_REVALIDATE)


def waveform_of(rooms: Rooms, owner: Owner, track_id: str, pixels: int) -> Waveform:
    """Return a track's peaks, merged to at most `pixels`.

    Raises:
        RefusedError: `not_found`, while there are none.

    """
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
        waveform = sources.waveform(connection, track.id)
    if waveform is None:
        raise _missing(track_id, "waveform")
    return zoom_out(from_plain(Waveform, waveform), pixels)

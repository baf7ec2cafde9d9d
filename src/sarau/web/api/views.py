"""What the API says: the shapes of its answers, in the vocabulary of the catalog."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sarau.audio.hls import INDEX
from sarau.catalog.events import Event
from sarau.catalog.likenesses import Alike
from sarau.model.clock import now
from sarau.model.lifecycle import UploadState
from sarau.model.loudness import Loudness
from sarau.model.messages import message
from sarau.model.preset import HLS_EXTENSION, PRESETS, Preset
from sarau.model.track import Rendition, Run, Source, Track
from sarau.model.upload import Upload


class View(BaseModel):
    """Reads the attributes of a record."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class LoudnessView(View):
    """Loudness; null where it is not defined, such as for silence."""

    integrated_lufs: float | None
    range_lu: float | None
    max_momentary_lufs: float | None
    max_short_term_lufs: float | None
    true_peak_dbtp: float | None


class UploadView(View):
    """How much of the file has been received and is on disk."""

    id: str
    url: str
    size_bytes: int | None
    offset_bytes: int
    state: str
    updated_at: datetime
    """When something of it arrived last, or its state changed."""
    idle_s: float | None
    """While it is being received: how long ago that was when this was answered, whatever the
    reader's clock says."""
    expires_at: datetime


class RunView(View):
    """What the pipeline is doing with the track."""

    id: str
    attempt: int
    state: str
    stage: str | None
    progress: float


class SourceView(View):
    """The file as sent and what was measured of it."""

    size_bytes: int
    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    duration_s: float
    loudness: LoudnessView
    tags: dict[str, str]
    warnings: list[str]
    sha256: str | None
    url: str


class RenditionView(View):
    """One encoded output and its evidence."""

    name: str
    media_type: str
    extension: str
    size_bytes: int
    sample_rate_hz: int
    channels: int
    bitrate_bps: int | None
    duration_s: float
    gain_db: float
    target_lufs: float | None
    ceiling_dbtp: float
    loudness: LoudnessView
    verdict: str
    tools: dict[str, Any]
    sha256: str
    url: str
    stream_url: str | None
    """Of an HLS set, what a player is to be given."""


class AlikeView(View):
    """Another track of the same owner that is the same recording."""

    track_id: str
    title: str
    score: float
    """1 for the same, 0 for what chance gives."""
    offset_s: float
    """How much later a sound comes in that track; negative when it comes earlier."""
    matched_s: float
    """How much of both is the same."""


class TrackView(View):
    """A track with everything that belongs to it."""

    id: str
    filename: str
    title: str
    artist: str | None
    preset: str
    state: str
    code: str | None
    message: str | None
    duplicate_of: str | None
    """The id of an older track with the same bytes."""
    created_at: datetime
    updated_at: datetime
    upload: UploadView | None
    run: RunView | None
    source: SourceView | None
    renditions: list[RenditionView]
    sounds_like: list[AlikeView]
    """Tracks that are the same recording, the likest first."""


class TrackPage(View):
    """Some tracks, newest first."""

    items: list[TrackView]
    next_before: str | None
    """Give this as `before` to get the next page; null at the end."""
    counts: dict[str, int]
    """How many tracks are in each state, on all pages."""


class EventView(View):
    """One row of the operation record."""

    number: int
    at: datetime
    kind: str
    track_id: str | None
    upload_id: str | None
    run_id: str | None
    data: dict[str, Any]


class EventList(View):
    """The history of a track, oldest first."""

    items: list[EventView]


class ArtistView(View):
    """Who made a recording, as MusicBrainz knows them."""

    name: str
    musicbrainz_id: str | None


class SuggestionView(View):
    """A recording of MusicBrainz that a track may be."""

    score: float
    acoustid: str
    title: str
    artists: list[ArtistView]
    album: str | None
    musicbrainz_id: str


class SuggestionList(View):
    """What AcoustID knows a recording as, the likeliest first."""

    items: list[SuggestionView]


class PresetRenditionView(View):
    """One output of a preset."""

    name: str
    format: str
    bitrate_bps: int | None
    quality: int | None
    bit_depth: int | None


class PresetView(View):
    """A loudness target and a list of renditions."""

    name: str
    built_in: bool
    """Comes with Sarau and cannot be changed."""
    target_lufs: float | None
    ceiling_dbtp: float
    max_limiting_db: float
    tolerance_lu: float
    renditions: list[PresetRenditionView]


class PresetList(View):
    """The built-in presets, then the user's own."""

    items: list[PresetView]


class UserView(View):
    """Who is asking."""

    id: str
    name: str


class LimitsView(View):
    """What an upload may be, and how to send it."""

    max_upload_bytes: int
    chunk_bytes: int


class SessionView(View):
    """What a client needs to know before its first upload."""

    version: str
    user: UserView
    limits: LimitsView
    presets: list[PresetView]
    default_preset: str
    can_identify: bool
    """Recordings can be looked up at AcoustID."""
    event_number: int
    """The newest event: what comes after it comes by `/api/v1/events`."""


Shown = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""Text that can be kept: PostgreSQL takes no NUL."""


class TrackEdit(BaseModel):
    """What a track is to be called; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: Shown | None = None
    artist: Shown | None = None


class RenditionBody(BaseModel):
    """One output that a preset is to have; what a format can be asked for is checked."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    """Unique within the preset; the format by default."""
    format: str
    bitrate_bps: int | None = None
    quality: int | None = None
    bit_depth: int | None = None


class PresetBody(BaseModel):
    """What a preset is to be."""

    model_config = ConfigDict(extra="forbid")

    name: str
    target_lufs: float | None
    """-70 to 0; null leaves the level as it is."""
    ceiling_dbtp: float
    """-20 to 0."""
    max_limiting_db: float = 3.0
    """0 to 12; 0 for no limiter."""
    tolerance_lu: float = 0.3
    """0.1 to 2."""
    renditions: list[RenditionBody]


def track_view(
    track: Track,
    language: str,
    *,
    upload: Upload | None,
    run: Run | None,
    source: Source | None,
    renditions: list[Rendition],
    sounds_like: list[Alike],
) -> TrackView:
    """Join a track's records into one answer."""
    base = f"/api/v1/tracks/{track.id}"
    return TrackView(
        **_fields(
            track, TrackView, "upload", "run", "source", "renditions", "message", "sounds_like"
        ),
        message=message(track.code, language) if track.code else None,
        upload=_upload(upload) if upload else None,
        run=RunView.model_validate(run) if run else None,
        source=_source(source, f"{base}/source") if source else None,
        renditions=[_rendition(one, f"{base}/renditions/{one.name}") for one in renditions],
        sounds_like=[_alike(one) for one in sounds_like],
    )


def preset_view(preset: Preset) -> PresetView:
    """Describe a preset."""
    return PresetView(
        **_fields(preset, PresetView, "built_in", "renditions"),
        built_in=preset.name in PRESETS,
        renditions=[PresetRenditionView.model_validate(one) for one in preset.renditions],
    )


def event_view(event: Event) -> EventView:
    """Describe an event."""
    return EventView.model_validate(event)


def _fields(record: object, view: type[View], *but: str) -> Mapping[str, Any]:
    return {name: getattr(record, name) for name in view.model_fields if name not in but}


def _upload(upload: Upload) -> UploadView:
    idle_s = max(0.0, (now() - upload.updated_at).total_seconds())
    return UploadView(
        **_fields(upload, UploadView, "url", "idle_s"),
        url=f"/files/{upload.id}",
        idle_s=idle_s if upload.state is UploadState.RECEIVING else None,
    )


def _alike(alike: Alike) -> AlikeView:
    return AlikeView(track_id=alike.track_id, title=alike.title, **asdict(alike.likeness))


def _loudness(loudness: Loudness) -> LoudnessView:
    return LoudnessView.model_validate(loudness)


def _source(source: Source, url: str) -> SourceView:
    return SourceView(
        **_fields(source, SourceView, "url", "sha256", "loudness", "warnings"),
        loudness=_loudness(source.loudness),
        warnings=list(source.warnings),
        sha256=source.object_sha256,
        url=url,
    )


def _rendition(rendition: Rendition, url: str) -> RenditionView:
    return RenditionView(
        **_fields(rendition, RenditionView, "url", "stream_url", "sha256", "loudness"),
        loudness=_loudness(rendition.loudness),
        sha256=rendition.object_sha256,
        url=url,
        stream_url=f"{url}/{INDEX}" if rendition.extension == HLS_EXTENSION else None,
    )

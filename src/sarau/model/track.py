"""A track, its source, its runs and its renditions, as the catalog knows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sarau.model.ids import RenditionId, RunId, TrackId, UserId
from sarau.model.lifecycle import RunState, Stage, TrackState
from sarau.model.loudness import Loudness


@dataclass(frozen=True, slots=True)
class Track:
    """What the user sees: one source, its state and its name."""

    id: TrackId
    owner_id: UserId
    filename: str
    """As sent; shown and put into headers, never used as a path."""
    title: str
    artist: str | None
    preset: str
    state: TrackState
    code: str | None
    """Why it is rejected, failed or expired: a code of `sarau.errors`."""
    detail: str | None
    run_id: RunId | None
    """The newest run."""
    duplicate_of: TrackId | None
    """An older track of the same owner with the same bytes."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Source:
    """The file as sent, kept untouched, with what was measured of it."""

    track_id: TrackId
    object_sha256: str | None
    """Where it is in the library; None until it is promoted there."""
    size_bytes: int
    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    duration_s: float
    loudness: Loudness
    tags: dict[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One durable execution of the pipeline on a track."""

    id: RunId
    owner_id: UserId
    track_id: TrackId
    preset: str
    definition: dict[str, Any] | None
    """What the preset said when the run was queued; None in runs older than that."""
    attempt: int
    """1 for the first run of a track."""
    state: RunState
    stage: Stage | None
    progress: float
    """Of the stage, 0 to 1."""
    progress_at: datetime | None
    turn: int | None
    """Its place in the queue: smaller goes first. None for runs older than turns."""
    worker_id: str | None
    """Who entered its stage."""
    code: str | None
    detail: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoded output with the evidence measured from its own bytes."""

    id: RenditionId
    owner_id: UserId
    track_id: TrackId
    run_id: RunId
    position: int
    """In the order of the preset, from 0."""
    name: str
    object_sha256: str
    media_type: str
    extension: str
    """Without the dot."""
    size_bytes: int
    sample_rate_hz: int
    channels: int
    bitrate_bps: int | None
    duration_s: float
    gain_db: float
    target_lufs: float | None
    ceiling_dbtp: float
    loudness: Loudness
    verdict: str
    """`passed`, `failed`, `ceiling_limited` or `not_normalised`."""
    tools: dict[str, Any]
    """Versions of everything that made and measured it."""
    created_at: datetime

"""The states of uploads, tracks and runs, and which change may follow which."""

from enum import StrEnum

from sarau.errors import RefusedCode, RefusedError


class UploadState(StrEnum):
    """What is known of the bytes on the intake volume."""

    RECEIVING = "receiving"
    RECEIVED = "received"
    STORED = "stored"
    """The bytes are an object of the library; nothing is left on the intake."""
    DISCARDED = "discarded"
    """The bytes were let go: terminated, expired, rejected, deleted."""
    DAMAGED = "damaged"
    """The file is shorter than what was acknowledged. Never served, kept for inspection."""


class TrackState(StrEnum):
    """What the user sees."""

    RECEIVING = "receiving"
    RECEIVED = "received"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DELETED = "deleted"


class RunState(StrEnum):
    """One durable execution of the pipeline."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """What a run is doing, in the order of the pipeline."""

    VALIDATE = "validate"
    STORE = "store"
    RENDER = "render"
    VERIFY = "verify"
    PUBLISH = "publish"


_TRACK_CHANGES: dict[TrackState, frozenset[TrackState]] = {
    TrackState.RECEIVING: frozenset(
        {TrackState.RECEIVED, TrackState.CANCELLED, TrackState.EXPIRED, TrackState.FAILED}
    ),
    TrackState.RECEIVED: frozenset(
        {TrackState.PROCESSING, TrackState.FAILED, TrackState.CANCELLED}
    ),
    TrackState.PROCESSING: frozenset(
        {TrackState.READY, TrackState.REJECTED, TrackState.FAILED, TrackState.CANCELLED}
    ),
    TrackState.READY: frozenset({TrackState.DELETED}),
    TrackState.REJECTED: frozenset({TrackState.DELETED}),
    TrackState.FAILED: frozenset({TrackState.RECEIVED, TrackState.DELETED}),
    TrackState.CANCELLED: frozenset({TrackState.RECEIVED, TrackState.DELETED}),
    TrackState.EXPIRED: frozenset({TrackState.DELETED}),
    TrackState.DELETED: frozenset(),
}


def check_change(old: TrackState, new: TrackState) -> None:
    """Allow a track to go from `old` to `new`.

    Raises:
        RefusedError: `wrong_state`, when the lifecycle has no such change.

    """
    if new not in _TRACK_CHANGES[old]:
        raise RefusedError(RefusedCode.WRONG_STATE, f"a track that is {old} cannot become {new}")

"""One tree of errors, each with a stable code.

The three branches say whose turn it is. `Rejected`: the file's fault, final.
`Failed`: ours, retryable. `Refused`: the request's fault, nothing changed.
HTTP statuses (`sarau.web.problems`) and exit codes (`sarau.cli.exits`) are mapped
from these in one place each; the sentences people read are in `sarau.model.messages`.
"""

from enum import StrEnum


class RejectedCode(StrEnum):
    """Why a file can never become a track."""

    EMPTY_FILE = "empty_file"
    NOT_AUDIO = "not_audio"
    PLAYLIST = "playlist"
    NO_AUDIO_STREAM = "no_audio_stream"
    NO_SAMPLES = "no_samples"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    INVALID_SAMPLES = "invalid_samples"
    UNSUPPORTED_CODEC = "unsupported_codec"
    UNSUPPORTED_RATE = "unsupported_rate"
    TOO_MANY_CHANNELS = "too_many_channels"
    TOO_LONG = "too_long"
    DECODE_TIMEOUT = "decode_timeout"
    DECODE_MEMORY = "decode_memory"
    DECODER_CRASHED = "decoder_crashed"
    INFECTED = "infected"


class FailedCode(StrEnum):
    """What went wrong on our side; the same file can succeed later."""

    ENGINE_MISSING = "engine_missing"
    ENGINE_CRASHED = "engine_crashed"
    ENCODER_MISSING = "encoder_missing"
    WORKER_LOST = "worker_lost"
    DISK_FULL = "disk_full"
    DISK_ERROR = "disk_error"
    DISK_TIMEOUT = "disk_timeout"
    VOLUME_MISSING = "volume_missing"
    VOLUME_MISMATCH = "volume_mismatch"
    SOURCE_MISSING = "source_missing"
    SOURCE_DAMAGED = "source_damaged"
    OBJECT_MISSING = "object_missing"
    OBJECT_DAMAGED = "object_damaged"
    LIBRARY_UNAVAILABLE = "library_unavailable"
    LIBRARY_DENIED = "library_denied"
    QUEUE_UNAVAILABLE = "queue_unavailable"
    FUNCTION_LIMIT = "function_limit"
    FUNCTION_ENDED = "function_ended"
    DATABASE_UNAVAILABLE = "database_unavailable"
    SCANNER_UNAVAILABLE = "scanner_unavailable"
    LOOKUP_UNAVAILABLE = "lookup_unavailable"
    SCANNER_LIMIT = "scanner_limit"
    WORKER_MISSING = "worker_missing"
    QUEUE_STUCK = "queue_stuck"
    CATALOG_NOT_MOVED = "catalog_not_moved"
    SERVER_UNREACHABLE = "server_unreachable"
    INTERNAL = "internal"


class RefusedCode(StrEnum):
    """Why a request was not carried out."""

    INVALID_REQUEST = "invalid_request"
    UNKNOWN_PRESET = "unknown_preset"
    INVALID_PRESET = "invalid_preset"
    PRESET_EXISTS = "preset_exists"
    PRESET_READ_ONLY = "preset_read_only"
    NOT_FOUND = "not_found"
    WRONG_STATE = "wrong_state"
    UNAUTHORIZED = "unauthorized"
    HOST_NOT_ALLOWED = "host_not_allowed"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    TOKEN_REQUIRED = "token_required"  # noqa: S105 - a code, not a secret
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TIMEOUT = "body_timeout"
    UPLOAD_TOO_LARGE = "upload_too_large"
    UPLOAD_OFFSET_MISMATCH = "upload_offset_mismatch"
    UPLOAD_LENGTH_INVALID = "upload_length_invalid"
    UPLOAD_METADATA_INVALID = "upload_metadata_invalid"
    UPLOAD_GONE = "upload_gone"
    UPLOAD_LOCKED = "upload_locked"
    UPLOAD_INCOMPLETE = "upload_incomplete"
    UPLOAD_CHECKSUM_MISMATCH = "upload_checksum_mismatch"
    UPLOAD_CHECKSUM_UNSUPPORTED = "upload_checksum_unsupported"
    UPLOAD_MEDIA_TYPE = "upload_media_type"
    TUS_VERSION = "tus_version"
    OUT_OF_SPACE = "out_of_space"
    LOOKUP_OFF = "lookup_off"
    CATALOG_IN_USE = "catalog_in_use"
    CATALOG_NOT_CURRENT = "catalog_not_current"
    CATALOG_NOT_EMPTY = "catalog_not_empty"
    RENDITION_REPLACED = "rendition_replaced"


Code = RejectedCode | FailedCode | RefusedCode


class SarauError(Exception):
    """The root of the tree; never raised itself.

    `code` is stable and meant for programs; `detail` is English, for logs and
    experts, and never the only thing a person is shown.
    """

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code: Code = code
        self.detail = detail


class RejectedError(SarauError):
    """The file cannot be accepted, now or later. The track ends as `rejected`."""

    code: RejectedCode

    def __init__(self, code: RejectedCode, detail: str = "") -> None:
        super().__init__(code, detail)


class FailedError(SarauError):
    """Our own fault or our machine's. The track ends as `failed` and can be retried."""

    code: FailedCode

    def __init__(self, code: FailedCode, detail: str = "") -> None:
        super().__init__(code, detail)


class RefusedError(SarauError):
    """The request cannot be carried out as it was made. Nothing has changed."""

    code: RefusedCode

    def __init__(self, code: RefusedCode, detail: str = "") -> None:
        super().__init__(code, detail)


class CancelledRunError(Exception):
    """The run was cancelled by its owner while a step was at work."""

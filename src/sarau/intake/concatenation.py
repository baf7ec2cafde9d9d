"""One file made of several uploads (tus concatenation)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sarau.catalog import uploads
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError
from sarau.intake.naming import Description
from sarau.model.ids import UserId
from sarau.model.lifecycle import UploadState
from sarau.model.upload import Upload
from sarau.storage import durable

if TYPE_CHECKING:
    from sarau.intake.intake import Intake

_AT_ONCE_BYTES = 1 << 30


def concatenate(
    intake: "Intake",
    *,
    owner_id: UserId,
    description: Description,
    piece_ids: Sequence[str],
    concat: str,
) -> Upload:
    """Make a received upload, with its track, of finished pieces in their order.

    The pieces stay until they expire: the standard lets a client use one twice.

    Raises:
        RefusedError: `not_found` or `upload_gone` for a piece, `upload_incomplete` when
            one is not finished or not a piece; as for `Intake.create` otherwise.
        FailedError: As for `Intake.create`; `source_damaged` for a damaged piece.

    """
    pieces = [intake.find(piece_id, owner_id) for piece_id in piece_ids]
    for piece in pieces:
        if piece.concat != uploads.PARTIAL or piece.state is not UploadState.RECEIVED:
            raise RefusedError(
                RefusedCode.UPLOAD_INCOMPLETE, f"upload {piece.id} is no finished piece"
            )
    paths = [intake.path_of(piece) for piece in pieces]
    size_bytes = sum(piece.size_bytes or 0 for piece in pieces)
    whole = intake.plan(owner_id, description, size_bytes, concat)
    try:
        _join(paths, intake.files.of(whole.id))
    except FailedError as error:
        if error.code is FailedCode.DISK_ERROR:
            intake.volume.mark_suspect(error)
        intake.files.remove(whole.id)
        raise
    return intake.add(whole, whole=True)


def _join(sources: Sequence[Path], target: Path) -> None:
    fd = durable.create(target)
    try:
        for source in sources:
            with durable.translated(), source.open("rb") as opened:
                while os.copy_file_range(opened.fileno(), fd, _AT_ONCE_BYTES):
                    pass
        durable.sync(fd)
    finally:
        os.close(fd)

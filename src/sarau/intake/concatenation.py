"""One file made of several uploads (tus concatenation)."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

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

    The pieces stay until they expire: the standard lets a client use one twice. One that is
    let go of while they are joined is in the whole all the same.

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
    size_bytes = sum(piece.size_bytes or 0 for piece in pieces)
    whole = intake.plan(owner_id, description, size_bytes, concat)
    with ExitStack() as stack:
        # Whoever lets go of a piece now takes its name, not what is open.
        opened = [stack.enter_context(_open(intake, piece)) for piece in pieces]
        try:
            with intake.volume.watched():
                _join(opened, whole, intake)
        except FailedError:
            intake.files.remove(whole.id)
            raise
    return intake.add(whole, whole=True)


def _open(intake: "Intake", piece: Upload) -> BinaryIO:
    try:
        path = intake.path_of(piece)
        with durable.reading_source(piece.id):
            return path.open("rb")
    except FailedError as error:
        if error.code is FailedCode.SOURCE_MISSING:
            # Whoever lets go of a piece commits that before its file goes.
            intake.find(piece.id, piece.owner_id)
        raise


def _join(pieces: Sequence[BinaryIO], whole: Upload, intake: "Intake") -> None:
    fd = durable.create(intake.files.of(whole.id))
    try:
        copied_bytes = 0
        for piece in pieces:
            # What cannot be written the sync will say.
            with durable.reading_source(Path(piece.name).name):
                while copied := os.copy_file_range(piece.fileno(), fd, _AT_ONCE_BYTES):
                    copied_bytes += copied
        if copied_bytes != whole.size_bytes:
            detail = f"the pieces have {copied_bytes} of {whole.size_bytes} bytes"
            raise FailedError(FailedCode.SOURCE_DAMAGED, detail)
        durable.sync(fd)
    finally:
        os.close(fd)

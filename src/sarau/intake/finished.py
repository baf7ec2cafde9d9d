"""When an upload counts as sent."""

from sarau.catalog import uploads
from sarau.model.lifecycle import UploadState
from sarau.model.upload import Upload


def is_finished(upload: Upload) -> bool:
    """Tell whether all bytes arrived, also when they have been moved or let go since.

    A client that lost our last answer asks again; telling it anything else would make
    it send the whole file a second time.
    """
    if upload.state in {UploadState.RECEIVED, UploadState.STORED}:
        return True
    whole = upload.offset_bytes == upload.size_bytes and upload.concat != uploads.PARTIAL
    # What was let go of while it was received is at 0 (`ending`), where an empty file is too;
    # one that arrived has a hash.
    is_told_apart = upload.size_bytes != 0 or upload.sha256 is not None
    return upload.state is UploadState.DISCARDED and whole and is_told_apart

"""The output gain of an Opus file: every decoder adds it (RFC 7845, 5.1).

A rendition whose decoded peak passes its ceiling by a hair is turned down there. That costs a
copy where encoding it again would cost as much as the first time, and is as exact.
"""

import struct
from pathlib import Path
from typing import Any, Final

from sarau.audio import _ogg
from sarau.audio._bytes import ByteSource
from sarau.audio._formats import OPUS_GAIN_STEP_DB
from sarau.audio._plain import Plain, from_plain
from sarau.audio._reporter import Reporter
from sarau.audio._tasks import OutputGainJob

_GAIN_AT: Final = 16
"""Within the header packet."""
_COPY_BYTES: Final = 1 << 20


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Copy the first input into the working directory with its gain; the operation of a child."""
    task = from_plain(OutputGainJob, job["task"])
    source = ByteSource.of(inputs[0])
    head = source.read(0, _ogg.MAX_PAGE_BYTES)
    page = with_output_gain(head[: _ogg.page_length(head)], task.output_gain_db)
    with Path(task.name).open("wb") as out:
        out.write(page)
        offset = len(page)
        while part := source.read(offset, _COPY_BYTES):
            out.write(part)
            offset += len(part)
            reporter.progress(offset / source.size)
    return None


def with_output_gain(page: bytes, output_gain_db: float) -> bytes:
    """Return the first page of an Opus file with that gain, to a 256th of a decibel.

    Raises:
        ValueError: when it is another page.

    """
    packet_at = _ogg.HEADER_BYTES + page[26]
    if page[packet_at : packet_at + 8] != b"OpusHead":
        raise ValueError("this page has no header of Opus")
    changed = bytearray(page)
    struct.pack_into("<h", changed, packet_at + _GAIN_AT, round(output_gain_db / OPUS_GAIN_STEP_DB))
    return _ogg.with_checksum(bytes(changed))

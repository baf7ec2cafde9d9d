"""What a fuzzer calls: our own parsers, on bytes as they might come from anybody.

A parser may turn a file away (`RejectedError`, for `from_plain` a `ValueError`); anything
else that it raises is a bug of ours.
"""

import contextlib
import json
import os
from collections.abc import Iterator

from sarau.audio import Analysis, Waveform, _sniff, from_plain, to_plain
from sarau.audio._bytes import ByteSource, skip_id3v2
from sarau.audio._claims import read_claims
from sarau.audio.pictures import waveform_svg, zoom_out
from sarau.errors import FailedError, RejectedError
from sarau.lookup import acoustid
from sarau.model.chromaprint import chromaprint_text
from sarau.model.fingerprint import Fingerprint, compare

CONTAINERS = (
    "flac", "wav", "w64", "mp3", "ogg", "m4a", "aiff", "caf", "au", "ape", "wv", "tta", "asf",
    "matroska",
)  # fmt: skip
_MANY = 1 << 16


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[ByteSource]:
    fd = os.memfd_create("fuzz")
    try:
        os.write(fd, data)
        yield ByteSource.of(fd)
    finally:
        os.close(fd)


def sniff(data: bytes) -> None:
    head = data[: _sniff.HEAD_BYTES]
    with contextlib.suppress(RejectedError):
        _sniff.check_not_empty_or_list(head, len(data))
    _sniff.container_of(head)
    assert isinstance(_sniff.unreadable(head, "why", ended=False), RejectedError)


def claims(container: str, data: bytes) -> None:
    with opened(data) as source, contextlib.suppress(RejectedError):
        assert skip_id3v2(source) >= 0
        found = read_claims(source, container)
        for count in (found.samples, found.channels, found.sample_rate_hz, found.bit_depth):
            assert count is None or count >= 0


def plain(data: bytes) -> None:
    """A child talks JSON beside a file that may have taken it over."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return
    with contextlib.suppress(ValueError):
        from_plain(Analysis, said)
    with contextlib.suppress(ValueError):
        fingerprint = from_plain(Fingerprint, said)
        found = compare(fingerprint, fingerprint)
        assert found is None or found.score == 1.0
        assert len(fingerprint.marks()) <= len(fingerprint)
        chromaprint_text(fingerprint)
    with contextlib.suppress(ValueError):
        waveform = from_plain(Waveform, said)
        if waveform.channels > 0 and waveform.length < _MANY:
            waveform_svg(zoom_out(waveform, 7))
            assert from_plain(Waveform, to_plain(waveform)) == waveform


def answer(data: bytes) -> None:
    """AcoustID says something; whoever answers in its place may say anything."""
    with contextlib.suppress(FailedError):
        for one in acoustid._read(data):
            assert 0 <= one.score <= 1
            assert one.title


def try_one(data: bytes) -> None:
    """Let the first byte choose the parser and give it the others."""
    if not data:
        return
    which = data[0] % (len(CONTAINERS) + 3)
    if which < len(CONTAINERS):
        claims(CONTAINERS[which], data[1:])
    elif which == len(CONTAINERS):
        sniff(data[1:])
    elif which == len(CONTAINERS) + 1:
        plain(data[1:])
    else:
        answer(data[1:])

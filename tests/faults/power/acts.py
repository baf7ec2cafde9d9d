"""What clients do: the ways into an installation, and out of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sounds import write_music

if TYPE_CHECKING:
    from tests.faults.power.clients import Client

Act = Callable[["Client", str], None]


def in_parts(client: "Client", song: str) -> None:
    sent = client.create(song)
    third = len(sent.data) // 3 + 1
    for start in range(0, len(sent.data), third):
        client.append(sent, start, min(start + third, len(sent.data)))
    client.wait_later(sent)


def whole(client: "Client", song: str) -> None:
    client.wait_later(client.create(song, whole=True))


def joined(client: "Client", song: str) -> None:
    parts = (slice(0, 5000), slice(5000, None))
    pieces = [client.create(song, part=part, whole=True) for part in parts]
    client.wait_later(client.join_pieces(song, pieces))


class _GoneError(Exception):
    """The client goes away in the middle of a body."""


def broken_off(client: "Client", song: str) -> None:
    sent = client.create(song)

    def half() -> Iterator[bytes]:
        yield sent.data[: len(sent.data) // 2]
        raise _GoneError

    with suppress(_GoneError):
        client.patch(sent, 0, half(), len(sent.data))
    client.append(sent, client.offset(sent), len(sent.data))
    client.wait_later(sent)


def terminated(client: "Client", song: str) -> None:
    sent = client.create(song)
    client.append(sent, 0, len(sent.data) // 2)
    client.terminate(sent)


def left(client: "Client", song: str) -> None:
    sent = client.create(song)
    client.append(sent, 0, len(sent.data) // 2)


def deleted(client: "Client", song: str) -> None:
    client.delete(client.create(song, whole=True))


MIXED: Sequence[Sequence[tuple[Act, str]]] = (
    (
        (in_parts, "twin.wav"),
        (deleted, "a.wav"),
        (joined, "b.wav"),
        (left, "c.wav"),
        (terminated, "d.wav"),
        (in_parts, "e.wav"),
    ),
    (
        (whole, "twin.wav"),
        (broken_off, "f.wav"),
        (terminated, "g.wav"),
        (whole, "no music.txt"),
        (deleted, "h.wav"),
        (in_parts, "i.wav"),
    ),
)
"""What each of the clients does with which file; one is rejected, and one they both send."""
SHORT: Sequence[Sequence[tuple[Act, str]]] = (
    ((in_parts, "twin.wav"), (terminated, "a.wav")),
    ((deleted, "b.wav"), (whole, "twin.wav")),
)


def write_songs(folder: Path) -> Path:
    folder.mkdir()
    names = sorted({song for acts in (*MIXED, *SHORT) for _, song in acts})
    for number, name in enumerate(names):
        if name.endswith(".wav"):
            write_music(folder / name, seconds=0.6 + number / 20, rate_hz=8000, seed=number)
        else:
            (folder / name).write_bytes(name.encode() * 1000)
    return folder

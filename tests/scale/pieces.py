"""Short pieces of real music, each with other bytes."""

import subprocess
import wave
from pathlib import Path

from tests.music import real_music

_RATE_HZ = 44_100
_CHANNELS = 2
_FRAME_BYTES = 2 * _CHANNELS


class Pieces:
    """Cuts as many pieces of one to two seconds as are asked for out of real MP3s."""

    def __init__(self, place: Path) -> None:
        self._music = b"".join(_decode(path) for path in real_music())
        self._place = place
        place.mkdir()

    def write(self, number: int) -> Path:
        """Write piece `number` as a WAV: its length and its place in the music are its own."""
        frames = _RATE_HZ + number * 7919 % _RATE_HZ
        room = len(self._music) // _FRAME_BYTES - frames
        start = number * 15_485_863 % room * _FRAME_BYTES
        path = self._place / f"{number:06}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(_CHANNELS)
            file.setsampwidth(2)
            file.setframerate(_RATE_HZ)
            file.writeframes(self._music[start : start + frames * _FRAME_BYTES])
        return path


def _decode(path: Path) -> bytes:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le"]
    command += ["-ar", str(_RATE_HZ), "-ac", str(_CHANNELS), "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout

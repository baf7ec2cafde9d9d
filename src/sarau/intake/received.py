"""What arrives whole, and who is told."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from sarau.model.track import Track
from sarau.model.upload import Upload

OnReceived = Callable[[sa.Connection, Sequence[tuple[Upload, Track]]], None]
"""Called inside the transaction in which tracks become `received`, with all of them at once."""

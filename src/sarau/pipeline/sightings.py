"""What one process has seen of the pulses of others."""

import time
from datetime import datetime


class Sightings:
    """When each pulse was last seen to change, by a clock that only runs forward.

    What a pulse says is only compared with what it said before. Linux stops this clock
    while a machine is suspended.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[datetime, float]] = {}

    def silence_s(self, worker_id: str, beat: datetime) -> float:
        """Note what a pulse says now; return for how long it has said nothing else."""
        at = time.monotonic()
        before, since = self._seen.get(worker_id, (None, at))
        if before != beat:
            self._seen[worker_id] = beat, at
            return 0.0
        return at - since

    def forget(self) -> None:
        """Begin anew: nobody looked for a while, and nothing follows from what was not seen."""
        self._seen.clear()

"""Which queue a run goes to: who can read the bytes decides who may take it.

A file that was received lies on one volume D, and only hosts that mount it can read it.
So a run either begins on D's own queue, or its file is promoted to the library first, by
any process on D's host, and the run then goes to the queue that every worker takes from.
"""

from dataclasses import dataclass
from typing import Literal

COMMON_QUEUE = "tracks"
"""Of runs whose source is in the library, for every worker."""

GROUP_QUEUE = "groups"
"""Of groups of renditions that one worker offers to others; older versions do not know it."""

Kind = Literal["process", "promote", "group"]


@dataclass(frozen=True, slots=True)
class Route:
    """A queue, and what is to be done with a run that is taken from it."""

    queue: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Routes:
    """Where the runs go whose files this process receives."""

    intake_id: str | None = None
    """The id of volume D; None where the catalog knows of none."""
    promote_first: bool = False
    """Files go to the library before they are examined, so that any worker can."""

    @property
    def intake_queue(self) -> str | None:
        """Return the queue of runs that begin on D, for workers on its host."""
        return f"intake-{self.intake_id}" if self.intake_id else None

    @property
    def promote_queue(self) -> str | None:
        """Return the queue of files to be promoted, for every process on D's host."""
        return f"promote-{self.intake_id}" if self.intake_id else None

    def of(self, *, is_stored: bool) -> Route:
        """Return where a run goes whose source is in the library already, or on D."""
        if is_stored or self.intake_queue is None or self.promote_queue is None:
            return Route(COMMON_QUEUE, "process")
        if self.promote_first:
            return Route(self.promote_queue, "promote")
        return Route(self.intake_queue, "process")

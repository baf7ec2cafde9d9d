"""When a file in a folder is whole: its age, and whether anybody still writes to it."""

import fcntl
import signal
import time
from collections.abc import Hashable

from sarau.model.clock import now
from sarau.model.original import Identity

_NANO = 1_000_000_000


def is_being_written(fd: int) -> bool:
    """Tell whether any process has the file `fd` open for writing, as far as that can be known.

    A read lease is only granted while nobody has. It is not granted on files of other
    users nor on some network file systems: there, age alone has to do.
    """
    try:
        # A writer that opens the file in this very moment sends us a signal. It must be
        # one that is ignored unless handled: the usual one would end the process.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


class Stability:
    """Remembers, from look to look, since when each file has stayed the same.

    Args:
        window_s: A file is still when it was not changed for this long.
        looks: How often it must be seen unchanged. With two, a file that was renamed
            into the folder whole, with an old time, is taken at the second look.

    """

    def __init__(self, window_s: float, *, looks: int = 2) -> None:
        self._window_s = window_s
        self._looks = looks
        self._before: dict[Hashable, tuple[Identity, float, int]] = {}
        self._now: dict[Hashable, tuple[Identity, float, int]] = {}

    def begin(self) -> None:
        """Begin a new look at everything; what was not seen in the last one is forgotten."""
        self._before, self._now = self._now, {}

    def is_still(self, key: Hashable, identity: Identity) -> bool:
        """Look at one file and tell whether it is still."""
        known = self._before.get(key)
        if known is None or known[0] != identity:
            known = identity, time.monotonic(), 0
        looks = known[2] + 1
        self._now[key] = known[0], known[1], looks
        if looks < self._looks:
            return False
        # The file's own time is the rule; one that lies in the future is not waited for.
        age_s = now().timestamp() - identity.mtime_ns / _NANO
        return max(age_s, time.monotonic() - known[1]) >= self._window_s

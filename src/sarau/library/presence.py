"""Asking a library for an object while somebody waits who can do without the answer."""

import logging
import threading
from concurrent.futures import Future

from sarau.errors import FailedCode, FailedError
from sarau.library.store import ObjectStore

_WAIT_S = 2.0
_MOST = 16

_logger = logging.getLogger(__name__)


class Presence:
    """Tells soon whether objects are there. Thread-safe.

    Args:
        library: Who is asked; each time in a thread of its own, as it may hang.
        wait_s: How long an answer is waited for, in seconds.
        most: How many answers may be outstanding; who asks then is not kept at all.

    """

    def __init__(self, library: ObjectStore, *, wait_s: float = _WAIT_S, most: int = _MOST) -> None:
        self._library = library
        self._wait_s = wait_s
        self._free = threading.BoundedSemaphore(most)

    def has(self, sha256: str) -> bool:
        """Tell whether an object is there; False also where nothing says so soon."""
        if not self._free.acquire(blocking=False):
            return False
        answer: Future[bool] = Future()
        # The end of the process does not wait for what never answers.
        threading.Thread(
            target=self._ask, args=(sha256, answer), name="presence", daemon=True
        ).start()
        try:
            return answer.result(self._wait_s)
        except TimeoutError:
            _logger.warning("the library was asked for known bytes and does not answer")
            return False
        except FailedError as error:
            if error.code is not FailedCode.OBJECT_MISSING:
                _logger.warning("the library was not asked for known bytes: %s", error)
            return False

    def _ask(self, sha256: str, answer: Future[bool]) -> None:
        try:
            self._library.require(sha256)
        except Exception as error:  # noqa: BLE001 - raised where it was asked
            answer.set_exception(error)
        else:
            answer.set_result(True)
        finally:
            self._free.release()

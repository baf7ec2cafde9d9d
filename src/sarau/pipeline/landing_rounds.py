"""A thread that listens to the function, and sees to it that the function knows what it has to."""

import logging
from collections.abc import Callable

from sarau.errors import FailedError, SarauError
from sarau.intake.rounds import Rounds, Timetable
from sarau.landing import Queue
from sarau.model.landing import read_notice
from sarau.pipeline.landings import Landings
from sarau.pipeline.own_presets import OwnPresets

_WAIT_S = 5
"""For the first message; a process that ends waits as long."""
_DEAD_EVERY_S = 20.0
_OPEN_EVERY_S = 120.0
_COUNT_EVERY_S = 60.0
_PUBLISH_EVERY_S = 120.0
"""What this process changed is told in the next round; this is for all the rest."""
_AFTER_TROUBLE_S = 10.0
_BATCH = 100

_logger = logging.getLogger(__name__)


class LandingRounds:
    """Takes notices, looks for lost ones, and empties the dead queue. Several may do so."""

    def __init__(
        self,
        landings: Landings,
        results: Queue | None,
        dead: Queue | None,
        own_presets: OwnPresets,
    ) -> None:
        self._landings = landings
        self._results = results
        self._dead = dead
        self._own_presets = own_presets
        self._open_until = ""
        self._waiting: dict[str, int] = {}
        self._timetable = Timetable(
            {
                own_presets.publish: _PUBLISH_EVERY_S,
                self.take_dead: _DEAD_EVERY_S,
                self.take_open: _OPEN_EVERY_S,
                self.count: _COUNT_EVERY_S,
            }
        )
        self._rounds = Rounds("landings", self._go_round, pause_s=0.0)

    def start(self) -> None:
        """Begin to listen."""
        self._rounds.start()

    def close(self) -> None:
        """Stop after the messages at hand, and close the connections."""
        self._rounds.close()
        for queue in (self._results, self._dead):
            if queue is not None:
                queue.close()

    def _go_round(self) -> float:
        pause_s = 0.0 if self._results is not None else _WAIT_S
        changed = self._own_presets.publish_changed
        for task in [changed, *self._timetable.due(), self.take_results]:
            try:
                task()
            except SarauError as error:
                _logger.warning("%s: %s", task.__name__, error)
                pause_s = _AFTER_TROUBLE_S
            except Exception:
                # One task's trouble must not keep the others from their turn.
                _logger.exception("%s failed", task.__name__)
                pause_s = _AFTER_TROUBLE_S
        return pause_s

    @property
    def waiting(self) -> dict[str, int]:
        """Return about how many messages waited in `results` and `dead` when last counted.

        A queue that could not be asked is left out.
        """
        return self._waiting

    def count(self) -> None:
        """Count what waits: now and then, as who wants to know must not wait for SQS."""
        found: dict[str, int] = {}
        for name, queue in (("results", self._results), ("dead", self._dead)):
            if queue is None:
                continue
            try:
                found[name] = queue.waiting()
            except SarauError as error:
                # Taking messages needs another permission, and goes on.
                _logger.warning("count: %s", error)
        self._waiting = found

    def take_results(self) -> None:
        """Take what the notices of the results queue are about."""
        if self._results is not None:
            self._each(self._results, _WAIT_S, lambda text: self._landings.take(read_notice(text)))

    def take_dead(self) -> None:
        """Show as failed what ended in the dead queue."""
        if self._dead is not None:
            self._each(self._dead, 0, self._landings.give_up)

    def take_open(self) -> None:
        """Take reports whose notices were lost: the next page of them."""
        self._open_until = self._landings.take_open(limit=_BATCH, after=self._open_until)

    @staticmethod
    def _each(queue: Queue, wait_s: int, work: Callable[[str], None]) -> None:
        """Work on messages; one that cannot be taken here is left to the queue's own rules."""
        for message in queue.receive(wait_s=wait_s):
            try:
                work(message.text)
            except FailedError:
                raise
            except ValueError as error:
                _logger.error("a message of %s is left: %s", queue.url, error)  # noqa: TRY400 - said
                continue
            except Exception:
                _logger.exception("a message of %s is left", queue.url)
                continue
            queue.remove(message)

"""Several workers make the renditions of one long track.

The worker that has the run divides them into groups and offers all but one to the others.
It makes its own, then whatever nobody has taken, and waits only for what somebody is at
work on: so nothing ever waits for a worker that does not come. A group that is made is a
checkpoint of its own. If a helper dies, its group alone is made again.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from sarau.audio import Analysis, divide
from sarau.catalog import Database, groups, turns, workers
from sarau.catalog.groups import Hand, RenderGroup
from sarau.errors import CancelledRunError, FailedCode, FailedError, SarauError
from sarau.model.ids import RunId
from sarau.model.lifecycle import Stage
from sarau.model.preset import Preset
from sarau.model.track import Run
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.outcome import Plain
from sarau.pipeline.pulse import SILENT
from sarau.pipeline.rendering import Told
from sarau.pipeline.routes import GROUP_QUEUE, Route

_TO_HELPERS = Route(GROUP_QUEUE, "group")
_LOOK_S = 0.5
_STILL_S = 120.0
"""A helper that shows no progress for so long, and that nobody took over from, is given up.

While it stores what it made it shows none, and its sign of life counts.
"""
_FRESH = timedelta(seconds=10)
_VERIFYING = 1.0
"""The progress from which on a group is verified."""
_STORING = 2.0
"""The progress of a group that is on its way into the library."""

MakeGroup = Callable[[Collection[str], str, Told], list[Plain]]
"""Makes the renditions of those names, in the preset's order, in a work directory of that name."""


@dataclass(frozen=True, slots=True)
class FanOut:
    """Divides the work on a run, and joins what came of it."""

    database: Database
    durable: DurableRuns
    from_s: float
    """Tracks of at least so many seconds are divided."""

    def divide(self, run: Run, preset: Preset, analysis: Analysis, plain: Plain) -> bool:
        """Offer a run's renditions in groups; tell whether they are divided.

        They are where the track is long, others have nothing to do, and nobody waits for
        them to have. `plain` is the analysis as helpers take it.
        """
        with self.database.read() as connection:
            if groups.of_run(connection, run.id):
                # Whoever had the run before has divided it.
                return True
            if analysis.source.duration_s < self.from_s or turns.is_anybody_waiting(connection):
                return False
            hands = 1 + self._idle_helpers(connection)
        parts = divide(analysis, preset, hands)
        if len(parts) == 1:
            return False
        with self.database.write() as connection:
            groups.offer(connection, run.id, [[spec.name for spec in part] for part in parts])
            for number in range(1, len(parts)):
                self.durable.enqueue(
                    connection, run.id, number, plain, route=_TO_HELPERS, turn=run.turn
                )
        return True

    def _idle_helpers(self, connection: sa.Connection) -> int:
        at_work, helping = workers.at_work(connection), groups.helping(connection)
        return sum(
            one.id != self.durable.worker_id
            and not one.is_draining
            and GROUP_QUEUE in one.queues
            and at_work.get(one.id, 0) + helping.get(one.id, 0) < one.concurrency
            for one in workers.living(connection, silent_for=_FRESH)
        )

    def _living(self, found: Sequence[RenderGroup]) -> set[str]:
        """Return the workers that live, where it matters for one of the groups."""
        if not any(one.made is None and one.progress >= _STORING for one in found):
            return set()
        with self.database.read() as connection:
            return {one.id for one in workers.living(connection, silent_for=SILENT)}

    def join(self, run: Run, preset: Preset, make: MakeGroup, show: Told) -> list[Plain]:
        """Make what nobody else makes, wait for the rest, and return all in the preset's order.

        Raises:
            RejectedError, FailedError: As rendering; `engine_missing` when this worker stops.
            CancelledRunError: The run is no longer open.

        """
        watch = _Watch()
        while True:
            found = self._look(run.id, show)
            if all(one.made is not None for one in found):
                break
            free = watch.free(found, self._living(found))
            if free is None:
                self._wait(run.id, watch, show)
                continue
            taken = self._take(free, "run")
            if taken is not None:
                watch.mine.add(str(taken.token))
                self._fill(taken, make, lambda: self._look(run.id, show))
        made = {
            name: one
            for group in found
            for name, one in zip(group.names, group.made or (), strict=True)
        }
        return [made[spec.name] for spec in preset.renditions]

    def help(self, run_id: RunId, number: int, make: MakeGroup) -> None:
        """Make a group of another worker's run, unless that one has begun it meanwhile.

        Raises:
            RejectedError, FailedError: As rendering; then the group is left to that worker.
            CancelledRunError: The run is no longer open, or the group was taken by another.

        """
        with self.database.read() as connection:
            found = [one for one in groups.of_run(connection, run_id) if one.number == number]
        for one in found:
            # What a helper had that is dead now is ours: its durable program came to us.
            if one.made is None and one.hand != "run":
                taken = self._take(one, "helper")
                if taken is not None:
                    self._fill(taken, make, _nothing)

    def _take(self, group: RenderGroup, hand: Hand) -> RenderGroup | None:
        with self.database.write() as connection:
            return groups.take(connection, group, hand, worker_id=self.durable.worker_id)

    def _fill(self, group: RenderGroup, make: MakeGroup, also: Callable[[], object]) -> None:
        last = 0.0

        def told(stage: Stage, fraction: float) -> None:
            nonlocal last
            if fraction and time.monotonic() - last < _LOOK_S:
                return
            progress = fraction if stage is Stage.RENDER else _VERIFYING + fraction
            if stage is Stage.PUBLISH:
                progress = _STORING
            with self.database.write() as connection:
                if not groups.report(connection, group, progress):
                    raise CancelledRunError
            also()
            last = time.monotonic()

        try:
            work_name = f"{group.run_id}.{group.token}"
            made = make(group.names, work_name, told)
        except CancelledRunError:
            raise
        except SarauError:
            with self.database.write() as connection:
                groups.give_up(connection, group)
            raise
        with self.database.write() as connection:
            if not groups.fill(connection, group, made):
                raise CancelledRunError

    def _look(self, run_id: RunId, show: Told) -> list[RenderGroup]:
        """Return the groups as they are, after showing how far all of them are."""
        with self.database.read() as connection:
            found = groups.of_run(connection, run_id)
        if not found:
            raise CancelledRunError
        is_verifying = all(one.progress >= _VERIFYING for one in found)
        start = _VERIFYING if is_verifying else 0.0
        done = sum(min(one.progress - start, _VERIFYING) for one in found) / len(found)
        show(Stage.VERIFY if is_verifying else Stage.RENDER, done)
        return found

    def _wait(self, run_id: RunId, watch: "_Watch", show: Told) -> None:
        """Wait until something is free or all is made; others have this worker's place."""
        with self.durable.idle(run_id):
            while True:
                if self.durable.is_stopping:
                    raise FailedError(FailedCode.ENGINE_MISSING, "this worker stops")
                found = self._look(run_id, show)
                if watch.free(found, self._living(found)) or all(
                    one.made is not None for one in found
                ):
                    return
                time.sleep(_LOOK_S)


@dataclass(slots=True)
class _Watch:
    """What the worker that has the run may take."""

    mine: set[str] = field(default_factory=set)
    """Tokens it has taken itself; others of its kind are of one that is dead."""
    _seen: dict[int, tuple[tuple[str | None, float], float]] = field(default_factory=dict)

    def free(self, found: Sequence[RenderGroup], living: Collection[str]) -> RenderGroup | None:
        """Return a group that nobody living is at work on, None when there is none."""
        open_ones = (one for one in found if one.made is None)
        return next((one for one in open_ones if self._is_free(one, living)), None)

    def _is_free(self, group: RenderGroup, living: Collection[str]) -> bool:
        if group.hand is None:
            return True
        if group.hand == "run":
            return group.token not in self.mine
        at, now = time.monotonic(), (group.token, group.progress)
        before, since = self._seen.get(group.number, (None, at))
        is_storing = group.progress >= _STORING and group.worker_id in living
        if before != now or is_storing:
            self._seen[group.number] = now, at
            return False
        return at - since > _STILL_S


def _nothing() -> None:
    pass

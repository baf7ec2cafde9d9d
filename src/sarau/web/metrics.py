"""What `/metrics` says: this process's figures, and the installation's.

The installation's are asked of the catalog, so every process gives the same; an alert
takes the maximum over processes. Nothing in a label comes from a user.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sarau import __version__
from sarau.app import App, WorkerApp
from sarau.catalog import figures
from sarau.errors import FailedCode, SarauError
from sarau.model.clock import now
from sarau.observe.figures import PROCESS
from sarau.pipeline.overview import Overview, overview
from sarau.web.places import Places

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_KEEP_S: Final = 5.0
"""Several scrapers within this time share one look at the catalog."""


class Metrics:
    """The figures of one process and its installation, as Prometheus reads them."""

    def __init__(self, app: App | WorkerApp) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Installation(app))

    def text(self) -> bytes:
        """Return everything in the text format, 0.0.4."""
        return generate_latest(PROCESS) + generate_latest(self._registry)


class _Installation(Collector):
    def __init__(self, app: App | WorkerApp) -> None:
        self._app = app
        self._places = Places(app.places)
        self._lock = threading.Lock()
        self._looked_at = -_KEEP_S
        self._found: tuple[figures.Figures, Overview] | None = None

    def describe(self) -> Iterator[Metric]:
        """Name nothing in advance: registering must not ask the catalog."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Look, and say what was seen; what cannot be seen is left out, never 0."""
        yield _gauge("sarau_build_info", "1, with the version.", {(__version__,): 1}, "version")
        found = self._look()
        yield _one("sarau_database_up", "Whether the catalog answered.", int(found is not None))
        if found is not None:
            yield from _queues(found[0])
            yield from _holdings(found[0])
            yield from _workers(found[1])
        yield from self._volumes()
        yield from self._pool()
        yield self._landings()

    def _look(self) -> tuple[figures.Figures, Overview] | None:
        with self._lock:
            if time.monotonic() - self._looked_at >= _KEEP_S:
                try:
                    with self._app.database.read() as connection:
                        found = figures.read(connection)
                    self._found = found, overview(self._app.database)
                except SarauError:
                    self._found = None
                self._looked_at = time.monotonic()
            return self._found

    def _volumes(self) -> Iterator[Metric]:
        seen = self._places.look()
        volumes = self._app.volumes
        answering = [
            volume for volume in volumes if seen[volume.role].code is not FailedCode.DISK_TIMEOUT
        ]
        yield _gauge(
            "sarau_volume_ok",
            "Whether a volume or a bucket is there, ours, writable, not suspect and not full.",
            {(role,): int(status.ok) for role, status in seen.items()},
            "volume",
        )
        yield _gauge(
            "sarau_volume_suspect",
            "1 since a sync failed; nothing is written until a restart has looked at it.",
            {(volume.role,): int(volume.suspect is not None) for volume in volumes},
            "volume",
        )
        yield _gauge(
            "sarau_volume_free_bytes",
            "Bytes that can still be written, the reserve included.",
            {(volume.role,): seen[volume.role].free_bytes for volume in answering},
            "volume",
        )
        yield _gauge(
            "sarau_volume_reserve_bytes",
            "Free bytes below which uploads are refused.",
            {(volume.role,): volume.reserve_bytes for volume in volumes},
            "volume",
        )
        yield _gauge(
            "sarau_volume_free_inodes",
            "Files that can still be made; absent where the file system does not count them.",
            {
                (volume.role,): inodes
                for volume in answering
                if (inodes := seen[volume.role].free_inodes) is not None
            },
            "volume",
        )

    def _landings(self) -> Metric:
        landings = self._app.landings
        return _gauge(
            "sarau_landing_messages",
            "Messages that wait in the queues of the function, about, as counted each minute.",
            {(name,): number for name, number in (landings.waiting if landings else {}).items()},
            "queue",
        )

    def _pool(self) -> Iterator[Metric]:
        pool = self._app.database.engine.pool
        if isinstance(pool, sa.QueuePool):
            yield _gauge(
                "sarau_database_connections",
                "Connections of this process's pool to the catalog.",
                {("in_use",): pool.checkedout(), ("idle",): pool.checkedin()},
                "state",
            )


def _queues(found: figures.Figures) -> Iterator[Metric]:
    queues = {(str(state),): queue for state, queue in found.queues.items()}
    yield _gauge(
        "sarau_queue_runs",
        "Runs that wait or are at work.",
        {key: queue.depth for key, queue in queues.items()},
        "state",
    )
    yield _gauge(
        "sarau_queue_retries",
        "Of them, those that are not their track's first attempt.",
        {key: queue.retries for key, queue in queues.items()},
        "state",
    )
    yield _gauge(
        "sarau_queue_oldest_seconds",
        "How long ago the oldest of them was queued.",
        {key: _age_s(queue.oldest_at) for key, queue in queues.items()},
        "state",
    )
    yield _gauge(
        "sarau_queue_moved_seconds",
        "How long ago a run last reported progress; 0 when none is at work.",
        {key: _age_s(queue.moved_at) for key, queue in queues.items() if key == ("running",)},
        "state",
    )


def _workers(found: Overview) -> Iterator[Metric]:
    lines = [line for line in found.workers if line.worker.concurrency]
    takers = sum(not line.worker.is_draining for line in lines)
    yield _one("sarau_workers", "Living workers of all machines that take runs.", takers)
    yield _gauge(
        "sarau_worker_runs",
        "Runs that a worker is at work on.",
        {(line.worker.id,): line.at_work for line in lines},
        "worker",
    )
    yield _gauge(
        "sarau_worker_silent_seconds",
        "Since a worker's last sign of life.",
        {(line.worker.id,): line.silent_s for line in lines},
        "worker",
    )
    yield _gauge(
        "sarau_queue_waiting",
        "Runs that wait, by how urgent they are.",
        {("interactive",): found.interactive, ("bulk",): found.bulk},
        "priority",
    )


def _holdings(found: figures.Figures) -> Iterator[Metric]:
    tracks = {(str(state),): count for state, count in found.tracks.items()}
    uploads = {(str(state),): count for state, count in found.uploads.items()}
    yield _gauge("sarau_tracks", "Tracks of all owners.", tracks, "state")
    yield _gauge("sarau_uploads", "Uploads of all owners.", uploads, "state")
    receiving = found.receiving_bytes
    yield _one("sarau_uploads_receiving_bytes", "Acknowledged, of uploads not whole.", receiving)
    yield _one("sarau_objects", "Objects of the library.", found.objects)
    damaged = found.damaged_objects
    yield _one("sarau_objects_damaged", "Objects that the scrub found damaged.", damaged)
    yield _one(
        "sarau_scrub_oldest_seconds",
        "How long ago the object that waits longest for the scrub was read.",
        _age_s(found.oldest_unread_at),
    )
    events = CounterMetricFamily("sarau_events", "Events in the operation record.")
    events.add_metric((), found.last_event)
    yield events


def _age_s(moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (now() - moment).total_seconds())


def _one(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _gauge(name: str, help_text: str, values: Mapping[tuple[str], float], *labels: str) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family

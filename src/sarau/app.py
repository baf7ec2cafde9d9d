"""The composition root: the only place that builds adapters and joins the rooms."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from sarau.audio import ChildReport, Engine, SandboxMode
from sarau.catalog import Database, migrate, volumes
from sarau.catalog.database import translated
from sarau.delivery import Delivery
from sarau.errors import FailedCode, FailedError
from sarau.intake import Intake
from sarau.intake.clamd import Clamd
from sarau.intake.watch import Watcher, check_place
from sarau.library import DiskLibrary, Library, ObjectStore, Place, S3Library, connect, open_bucket
from sarau.model.lifecycle import UploadState
from sarau.model.original import After
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.observe.work import child_ended
from sarau.pipeline import Caretaker, DurableRuns, Pipeline, start_run
from sarau.pipeline.promotion import Promotion
from sarau.pipeline.routes import Routes
from sarau.pipeline.steps import Steps
from sarau.settings import Settings
from sarau.storage import Volume
from sarau.storage.volume import is_mounted

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """All rooms of one installation, open."""

    settings: Settings
    database: Database
    intake: Intake
    library: Library
    durable: DurableRuns
    pipeline: Pipeline
    delivery: Delivery
    engine: Engine | None = None
    """None where nothing is worked on."""
    scanner: Clamd | None = None

    @property
    def volumes(self) -> tuple[Volume, Volume]:
        """Return the local volumes: D, and E or what lies before it."""
        return self.intake.volume, self.library.volume

    @property
    def places(self) -> tuple[Volume | Library, ...]:
        """Return everything that has a role and may be full, away or somebody else's."""
        if isinstance(self.library, DiskLibrary):
            return self.intake.volume, self.library
        return self.intake.volume, self.library.volume, self.library


@contextmanager
def open_app(settings: Settings, *, work: bool, promote: bool = False) -> Iterator[App]:
    """Open everything, migrate the database, mend what a crash left; close it at the end.

    Args:
        settings: Where things are.
        work: Also take runs from the queues and go round as caretaker.
        promote: Without `work`: look after volume D, and bring what it receives into the
            library, where workers on any host can read it.

    Raises:
        FailedError: A volume is missing or another's, the engine cannot be locked down, or
            `database_unavailable`.

    """
    with ExitStack() as stack:
        database = _open_database(settings)
        stack.callback(database.close)
        intake_volume = _open_volume(database, settings.intake_dir, "intake", settings)
        library = _open_library(database, settings)
        stack.callback(library.close)
        # Who does not work cannot know who will, and where.
        promote_first = not work or settings.promote == "first"
        durable = DurableRuns(database, Routes(intake_volume.id, promote_first=promote_first))
        stack.callback(durable.close)
        intake = Intake(
            database,
            intake_volume,
            max_upload_bytes=settings.max_upload_bytes,
            expiry_s=settings.upload_expiry_s,
            on_received=partial(_start_run, durable),
            has_object=partial(_has_object, library),
        )
        stack.callback(intake.close)
        pipeline = Pipeline(database, intake, durable)
        engine = None
        if work or promote:
            intake.recover()
            if work:
                engine = _work(stack, settings, database, intake, library, durable, pipeline)
            else:
                pipeline.only_promote(Promotion(database, intake, library, durable))
                _care(stack, settings, database, intake, library, durable, pipeline)
            if settings.watch is not None:
                stack.callback(_watch(settings, settings.watch, database, intake, library).close)
        delivery = Delivery(database, library)
        yield App(
            settings,
            database,
            intake,
            library,
            durable,
            pipeline,
            delivery,
            engine,
            _scanner(settings),
        )


@contextmanager
def open_worker(settings: Settings) -> Iterator[DurableRuns]:
    """Open what a worker needs and take runs until the block ends.

    Volume D is used where it is mounted: then runs are taken that begin on it, too.

    Raises:
        FailedError: The library is missing or another's, the engine cannot be locked down, or
            `database_unavailable`.

    """
    with ExitStack() as stack:
        database = _open_database(settings)
        stack.callback(database.close)
        library = _open_library(database, settings)
        stack.callback(library.close)
        with database.read() as connection:
            intake_id = volumes.known_id(connection, "intake")
        # What this worker queues anew must find a reader wherever one is.
        durable = DurableRuns(database, Routes(intake_id, promote_first=True))
        stack.callback(durable.close)
        intake = None
        if intake_id is not None and is_mounted(settings.intake_dir, intake_id):
            intake = Intake(
                database,
                _open_volume(database, settings.intake_dir, "intake", settings),
                max_upload_bytes=settings.max_upload_bytes,
                expiry_s=settings.upload_expiry_s,
                on_received=partial(_start_run, durable),
            )
            stack.callback(intake.close)
        pipeline = Pipeline(database, intake, durable)
        _work(stack, settings, database, intake, library, durable, pipeline)
        yield durable


def _work(
    stack: ExitStack,
    settings: Settings,
    database: Database,
    intake: Intake | None,
    library: Library,
    durable: DurableRuns,
    pipeline: Pipeline,
) -> Engine:
    sandbox = SandboxMode(settings.sandbox)
    engine = stack.enter_context(Engine(sandbox=sandbox, on_child=_tell_child))
    steps = Steps(database, intake, library, engine, durable, _scanner(settings))
    pipeline.work(steps, concurrency=settings.worker_count)
    _care(stack, settings, database, intake, library, durable, pipeline)
    return engine


def _care(
    stack: ExitStack,
    settings: Settings,
    database: Database,
    intake: Intake | None,
    library: Library,
    durable: DurableRuns,
    pipeline: Pipeline,
) -> None:
    caretaker = Caretaker(database, intake, library, pipeline, durable, _scanner(settings))
    caretaker.start()
    stack.callback(caretaker.close)


def _start_run(
    durable: DurableRuns, connection: sa.Connection, upload: Upload, track: Track
) -> None:
    start_run(durable, connection, track, is_stored=upload.state is UploadState.STORED)


def _tell_child(ended: ChildReport) -> None:
    child_ended(
        ended.operation,
        duration_s=ended.duration_s,
        cpu_s=ended.cpu_s,
        max_rss_bytes=ended.max_rss_bytes,
        code=ended.code,
    )


def _has_object(library: ObjectStore, sha256: str) -> bool:
    try:
        library.require(sha256)
    except FailedError as error:
        # Disk D can take the bytes meanwhile, whatever is wrong with the library.
        if error.code is not FailedCode.OBJECT_MISSING:
            _logger.warning("the library was not asked for known bytes: %s", error)
        return False
    return True


def _scanner(settings: Settings) -> Clamd | None:
    if settings.clamd is None:
        return None
    return Clamd(settings.clamd, max_bytes=settings.clamd_max_bytes)


def _watch(
    settings: Settings,
    root: Path,
    database: Database,
    intake: Intake,
    library: Library,
) -> Watcher:
    """Watch a folder, which is made when it is one on volume D."""
    if root.absolute().is_relative_to(intake.volume.root):
        root.mkdir(parents=True, exist_ok=True)
    check_place(root, intake.volume, library.volume)
    after = After(settings.watch_after)
    watcher = Watcher(database, intake, root, after=after, stable_s=settings.watch_stable_s)
    watcher.start()
    return watcher


def _open_database(settings: Settings) -> Database:
    if settings.database.startswith("sqlite"):
        settings.data.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    with translated():
        migrate(database.engine)
    return database


def _open_library(database: Database, settings: Settings) -> Library:
    """Open E where the settings say it is, and hold it to the id that the catalog knows."""
    if settings.library_bucket is None:
        return DiskLibrary(_open_volume(database, settings.library_dir, "library", settings))
    name, prefix = settings.library_bucket
    place = Place(
        name,
        prefix,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        storage_class=settings.library_storage_class,
    )
    bucket = connect(place)
    with database.read() as connection:
        known = volumes.known_id(connection, "library")
    volume_id = open_bucket(bucket, known)
    if known is None:
        with database.write() as connection:
            volumes.remember(connection, "library", volume_id)
    # Nothing on the cache is needed for longer than a run, so no catalog holds it to an id.
    cache = Volume.open(settings.library_cache_dir, "cache", reserve_bytes=settings.reserve_bytes)
    return S3Library(
        bucket,
        cache,
        volume_id=volume_id,
        cache_bytes=settings.library_cache_bytes,
        link_s=settings.library_link_s,
    )


def _open_volume(database: Database, root: Path, role: str, settings: Settings) -> Volume:
    """Open a volume and hold it to the id that the catalog knows."""
    with database.read() as connection:
        known = volumes.known_id(connection, role)
    volume = Volume.open(root, role, reserve_bytes=settings.reserve_bytes, expected_id=known)
    if known is None:
        with database.write() as connection:
            volumes.remember(connection, role, volume.id)
    return volume

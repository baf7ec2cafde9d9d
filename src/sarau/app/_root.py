"""Open an installation: for the server, for a command, for a worker."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from sarau.app._landings import open_landings, open_own_presets
from sarau.app._stores import open_database, open_library, open_volume
from sarau.audio import ChildReport, Engine, SandboxMode
from sarau.catalog import Database, volumes
from sarau.delivery import Delivery
from sarau.intake import Intake
from sarau.intake.clamd import Clamd
from sarau.intake.watch import Watcher, check_place
from sarau.library import DiskLibrary, Library
from sarau.library.presence import Presence
from sarau.lookup import AcoustId
from sarau.model.lifecycle import UploadState
from sarau.model.original import After
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.observe.work import child_ended
from sarau.pipeline import Caretaker, DurableRuns, Pipeline, start_runs
from sarau.pipeline.landing_rounds import LandingRounds
from sarau.pipeline.own_presets import OwnPresets
from sarau.pipeline.promotion import Promotion
from sarau.pipeline.routes import Routes
from sarau.pipeline.steps import Steps
from sarau.settings import Settings
from sarau.storage import Volume
from sarau.storage.volume import is_mounted


@dataclass(frozen=True, slots=True)
class App:
    """All rooms of one installation, open."""

    settings: Settings
    database: Database
    intake: Intake
    library: Library
    durable: DurableRuns
    pipeline: Pipeline
    own_presets: OwnPresets
    delivery: Delivery
    engine: Engine | None = None
    """None where nothing is worked on."""
    scanner: Clamd | None = None
    acoustid: AcoustId | None = None
    """None where recordings are not looked up."""
    landings: LandingRounds | None = None
    """None where the function's queues are not listened to."""

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Return the local volumes: D, and E or what lies before it."""
        return _volumes(self.intake, self.library)

    @property
    def places(self) -> tuple[Volume | Library, ...]:
        """Return everything that has a role and may be full, away or somebody else's."""
        return _places(self.intake, self.library)


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """What a worker has open."""

    database: Database
    intake: Intake | None
    """None where volume D is not mounted."""
    library: Library
    durable: DurableRuns
    landings: LandingRounds | None = None
    """As `App.landings`."""

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Return the local volumes, as `App.volumes`."""
        return _volumes(self.intake, self.library)

    @property
    def places(self) -> tuple[Volume | Library, ...]:
        """Return everything that has a role, as `App.places`."""
        return _places(self.intake, self.library)


def _volumes(intake: Intake | None, library: Library) -> tuple[Volume, ...]:
    return (intake.volume, library.volume) if intake else (library.volume,)


def _places(intake: Intake | None, library: Library) -> tuple[Volume | Library, ...]:
    if isinstance(library, DiskLibrary):
        return (*_volumes(intake, library)[:-1], library)
    return (*_volumes(intake, library), library)


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
        database, library = _open_stores(stack, settings)
        volume = open_volume(database, settings.intake_dir, "intake", settings)
        # Who does not work cannot know who will, and where.
        promote_first = not work or settings.promote == "first"
        durable = DurableRuns(database, Routes(volume.id, promote_first=promote_first))
        stack.enter_context(closing(durable))
        intake = _open_intake(stack, settings, database, library, durable, volume)
        rooms = _Rooms(settings, database, intake, library, durable)
        engine = None
        if work or promote:
            intake.recover()
            if work:
                engine = rooms.work(stack)
            else:
                rooms.only_promote(stack, intake)
            if settings.watch is not None:
                watcher = _watch(settings, settings.watch, database, intake, library)
                stack.enter_context(closing(watcher))
        yield App(
            settings,
            database,
            intake,
            library,
            durable,
            rooms.pipeline,
            rooms.own_presets,
            Delivery(database, library),
            engine,
            rooms.scanner,
            _acoustid(settings),
            rooms.landings,
        )


@contextmanager
def open_worker(settings: Settings) -> Iterator[WorkerApp]:
    """Open what a worker needs and take runs until the block ends.

    Volume D is used where it is mounted: then runs are taken that begin on it, too.

    Raises:
        FailedError: The library is missing or another's, the engine cannot be locked down, or
            `database_unavailable`.

    """
    with ExitStack() as stack:
        database, library = _open_stores(stack, settings)
        with database.read() as connection:
            intake_id = volumes.known_id(connection, "intake")
        # What this worker queues anew must find a reader wherever one is.
        durable = DurableRuns(database, Routes(intake_id, promote_first=True))
        stack.enter_context(closing(durable))
        intake = None
        if intake_id is not None and is_mounted(settings.intake_dir, intake_id):
            volume = open_volume(database, settings.intake_dir, "intake", settings)
            intake = _open_intake(stack, settings, database, library, durable, volume)
        rooms = _Rooms(settings, database, intake, library, durable)
        rooms.work(stack)
        yield WorkerApp(database, intake, library, durable, rooms.landings)


class _Rooms:
    """What working and looking after need."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        intake: Intake | None,
        library: Library,
        durable: DurableRuns,
    ) -> None:
        self._settings = settings
        self._database = database
        self._intake = intake
        self._library = library
        self._durable = durable
        self.pipeline = Pipeline(database, intake, durable)
        self.own_presets = open_own_presets(settings, database, library)
        self.landings: LandingRounds | None = None
        self.scanner = None
        if settings.clamd is not None:
            self.scanner = Clamd(settings.clamd, max_bytes=settings.clamd_max_bytes)

    def work(self, stack: ExitStack) -> Engine:
        """Take runs from the queues and go round as caretaker, until the stack closes."""
        sandbox = SandboxMode(self._settings.sandbox)
        engine = stack.enter_context(Engine(sandbox=sandbox, on_child=_tell_child))
        steps = Steps(
            self._database,
            self._intake,
            self._library,
            engine,
            self._durable,
            self.scanner,
            divide_from_s=self._settings.divide_s,
        )
        self.pipeline.work(steps, concurrency=self._settings.worker_count)
        self._care(stack)
        return engine

    def only_promote(self, stack: ExitStack, intake: Intake) -> None:
        """Bring what D receives into the library, and go round as caretaker."""
        self.pipeline.only_promote(Promotion(self._database, intake, self._library, self._durable))
        self._care(stack)

    def _care(self, stack: ExitStack) -> None:
        caretaker = Caretaker(
            self._database,
            self._intake,
            self._library,
            self.pipeline,
            self._durable,
            self.scanner,
        )
        caretaker.start()
        stack.enter_context(closing(caretaker))
        self.landings = open_landings(
            self._settings, self._database, self._library, self.own_presets
        )
        if self.landings is not None:
            self.landings.start()
            stack.enter_context(closing(self.landings))


def _open_stores(stack: ExitStack, settings: Settings) -> tuple[Database, Library]:
    database = stack.enter_context(closing(open_database(settings)))
    return database, stack.enter_context(closing(open_library(database, settings)))


def _open_intake(
    stack: ExitStack,
    settings: Settings,
    database: Database,
    library: Library,
    durable: DurableRuns,
    volume: Volume,
) -> Intake:
    intake = Intake(
        database,
        volume,
        max_upload_bytes=settings.max_upload_bytes,
        expiry_s=settings.upload_expiry_s,
        on_received=partial(_start_runs, durable),
        has_object=Presence(library).has,
    )
    return stack.enter_context(closing(intake))


def _start_runs(
    durable: DurableRuns, connection: sa.Connection, received: Sequence[tuple[Upload, Track]]
) -> None:
    for is_stored in (False, True):
        these = [
            track for upload, track in received if (upload.state is UploadState.STORED) == is_stored
        ]
        if these:
            start_runs(durable, connection, these, is_stored=is_stored)


def _tell_child(ended: ChildReport) -> None:
    child_ended(
        ended.operation,
        duration_s=ended.duration_s,
        cpu_s=ended.cpu_s,
        max_rss_bytes=ended.max_rss_bytes,
        code=ended.code,
    )


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


def _acoustid(settings: Settings) -> AcoustId | None:
    if settings.acoustid_key is None:
        return None
    return AcoustId(settings.acoustid_url, settings.acoustid_key)

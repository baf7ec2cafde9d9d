"""What the function is told, and what it tells, where the settings name its queues."""

from sarau.catalog import Database
from sarau.landing import Documents, PublishedPresets, Queue, connect_queue
from sarau.library import Library, S3Library
from sarau.pipeline.landing_rounds import LandingRounds
from sarau.pipeline.landings import Landings
from sarau.pipeline.own_presets import OwnPresets
from sarau.settings import Settings


def open_own_presets(settings: Settings, database: Database, library: Library) -> OwnPresets:
    """Return what changes presets, and publishes them where there is a function."""
    if not _has_function(settings) or not isinstance(library, S3Library):
        return OwnPresets(database, None)
    return OwnPresets(database, PublishedPresets(library.bucket))


def open_landings(
    settings: Settings, database: Database, library: Library, own_presets: OwnPresets
) -> LandingRounds | None:
    """Return what listens to the queues, None where there are none.

    Raises:
        FailedError: `queue_unavailable`, when the extra `aws` is not installed.

    """
    if not _has_function(settings) or not isinstance(library, S3Library):
        return None
    results, dead = (
        _connect(url, settings) for url in (settings.landing_results, settings.landing_dead)
    )
    landings = Landings(
        database, library, Documents(library.bucket), preset=settings.landing_preset
    )
    return LandingRounds(landings, results, dead, own_presets)


def _has_function(settings: Settings) -> bool:
    return settings.landing_results is not None or settings.landing_dead is not None


def _connect(url: str | None, settings: Settings) -> Queue | None:
    return None if url is None else connect_queue(url, region=settings.s3_region)

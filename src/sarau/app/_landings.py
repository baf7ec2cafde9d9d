"""Listening to the function, where the settings name its queues."""

from sarau.catalog import Database
from sarau.landing import Documents, Queue, connect_queue
from sarau.library import Library, S3Library
from sarau.pipeline.landing_rounds import LandingRounds
from sarau.pipeline.landings import Landings
from sarau.settings import Settings


def open_landings(settings: Settings, database: Database, library: Library) -> LandingRounds | None:
    """Return what listens to the queues, None where there are none.

    Raises:
        FailedError: `queue_unavailable`, when the extra `aws` is not installed.

    """
    urls = settings.landing_results, settings.landing_dead
    if not any(urls) or not isinstance(library, S3Library):
        return None
    results, dead = (_connect(url, settings) for url in urls)
    landings = Landings(
        database, library, Documents(library.bucket), preset=settings.landing_preset
    )
    return LandingRounds(landings, results, dead)


def _connect(url: str | None, settings: Settings) -> Queue | None:
    return None if url is None else connect_queue(url, region=settings.s3_region)

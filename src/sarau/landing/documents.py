"""The function's reports, in the library's bucket beside the objects.

`landings/<id>.json` is the report, written once. `landings-open/<id>` says that the
catalog has not taken it yet: it is written after the report and removed after the
commit, so a report whose message was lost is found by listing.
"""

from contextlib import suppress

from sarau.errors import FailedCode, FailedError
from sarau.library.bucket import Bucket, ConflictError, ExistsError
from sarau.model.landing import LandingId, Report, Trouble, is_landing_id, read_trouble, to_text

_REPORTS = "landings/"
_OPEN = "landings-open/"
_TROUBLES = "landings-trouble/"


class Documents:
    """Reports and notes below a library's prefix. Thread-safe."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def report(self, landing_id: LandingId) -> str | None:
        """Return the report of a landing, None when there is none.

        Raises:
            FailedError: Those of the bucket.

        """
        return self._bucket.read_text(f"{_REPORTS}{landing_id}.json")

    def write(self, report: Report) -> None:
        """Keep a report; the first one of a landing stays. Raises as `report`."""
        try:
            with suppress(ExistsError):
                self._bucket.create_text(f"{_REPORTS}{report.landing.id}.json", to_text(report))
        except ConflictError as error:
            # Whether the other writer comes through is not known: this has to come again.
            raise FailedError(FailedCode.LIBRARY_UNAVAILABLE, str(error)) from error

    def open(self, landing_id: LandingId) -> None:
        """Say that the catalog has to take a report. Raises as `report`."""
        self._bucket.replace_text(f"{_OPEN}{landing_id}", "{}")

    def settle(self, landing_id: LandingId) -> None:
        """Say that the catalog has taken it. Raises as `report`."""
        self._bucket.remove(f"{_OPEN}{landing_id}")
        self._bucket.remove(f"{_TROUBLES}{landing_id}.json")

    def open_ids(self, *, limit: int, after: str = "") -> tuple[list[LandingId], str]:
        """Return landings whose reports wait to be taken, a page of them. Raises as `report`.

        Args:
            limit: The most marks that are looked at.
            after: What this returned beside the page before; the first page by default.

        """
        names = self._bucket.names(_OPEN, limit=limit, after=after)
        ids = [LandingId(name) for name in names if is_landing_id(name)]
        return ids, names[-1] if len(names) == limit else ""

    def note(self, landing_id: LandingId, trouble: Trouble) -> None:
        """Keep why the last attempt came to nothing. Raises as `report`."""
        self._bucket.replace_text(f"{_TROUBLES}{landing_id}.json", to_text(trouble))

    def trouble(self, landing_id: LandingId) -> Trouble | None:
        """Return why the last attempt came to nothing, where it could say so."""
        text = self._bucket.read_text(f"{_TROUBLES}{landing_id}.json")
        with suppress(ValueError):
            return read_trouble(text) if text is not None else None
        return None

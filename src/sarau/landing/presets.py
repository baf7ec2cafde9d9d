"""The owner's own presets where the function finds them: one document beside the reports."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sarau.errors import FailedCode, FailedError
from sarau.library.bucket import Bucket, ConflictError, ExistsError
from sarau.model.own_preset import to_definition
from sarau.model.preset import Preset

VERSION: Final = 1
"""Of the document. Raised when a reader of the older one would misunderstand."""
_NAME: Final = "landing-presets.json"
_TRIES: Final = 6


class PublishedPresets:
    """The document of presets below a library's prefix. Thread-safe."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def read(self) -> Mapping[str, Any]:
        """Return what presets say, by their names; nothing where nothing was published.

        Raises:
            FailedError: `internal`, when the document is damaged or of another version; those
                of the bucket.

        """
        text = self._bucket.read_text(_NAME)
        if text is None:
            return {}
        try:
            found = json.loads(text)
            version = found["version"]
            presets = dict(found["presets"]) if version == VERSION else {}
        except (ValueError, LookupError, TypeError) as error:
            raise FailedError(FailedCode.INTERNAL, f"{_NAME} is damaged: {error!r}") from error
        if version != VERSION:
            raise FailedError(
                FailedCode.INTERNAL, f"{_NAME} is of version {version}, not {VERSION}"
            )
        return presets

    def publish(self, own: Callable[[], Iterable[Preset]]) -> None:
        """Bring the document up to what `own` says, however many publish at once.

        Each asks after it has seen which document there is, and replaces only that one. A
        document can come back as it was, so who has written asks again: who finds another
        answer goes on, and so what the catalog says last is what is written last.

        Raises:
            FailedError: `library_unavailable`, also when others are faster each time; those
                of the bucket.

        """
        for _ in range(_TRIES):
            found = self._bucket.read_version(_NAME)
            text = _to_text(own())
            if found is not None and found.text == text:
                return
            try:
                if found is None:
                    self._bucket.create_text(_NAME, text)
                else:
                    self._bucket.exchange_text(_NAME, text, etag=found.etag)
            except (ConflictError, ExistsError):
                continue
            if _to_text(own()) == text:
                return
        raise FailedError(FailedCode.LIBRARY_UNAVAILABLE, f"others are writing {_NAME}")


def _to_text(presets: Iterable[Preset]) -> str:
    found = {one.name: to_definition(one) for one in presets}
    return json.dumps({"version": VERSION, "presets": found}, sort_keys=True)

"""Which preset a landing is made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, Final

from sarau.landing import PublishedPresets
from sarau.library.bucket import Head
from sarau.model.own_preset import preset_name, read_preset
from sarau.model.preset import PRESETS, Preset

PRESET_METADATA: Final = "sarau-preset"
"""What an object says in `x-amz-meta-...` to be made into something of its own."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of every landing that says nothing itself."""

    preset: str
    prefix: str
    max_bytes: int


class Choice:
    """Chooses for one landing: the owner's presets are read once, and only when asked for."""

    def __init__(self, published: PublishedPresets, terms: Terms) -> None:
        self._published = published
        self._terms = terms
        self._own: Mapping[str, Any] | None = None

    def choose(self, key: str, head: Head) -> tuple[str, Preset | None]:
        """Return the name that an object asks for, and what it means; None: nothing.

        It asks in its metadata, by its first folder, or not at all.

        Raises:
            FailedError: Those of `PublishedPresets.read`.
            RefusedError: `invalid_preset`, of one that this version cannot make.

        """
        told = _decoded(head.metadata.get(PRESET_METADATA, ""))
        if told:
            found = self._find(told)
            return (found.name if found else told), found
        folder, slash, _ = key.removeprefix(self._terms.prefix).lstrip("/").partition("/")
        if slash and (found := self._find(folder)) is not None:
            return found.name, found
        return self._terms.preset, self._find(self._terms.preset)

    def _find(self, name: str) -> Preset | None:
        if name in PRESETS:
            return PRESETS[name]
        if self._own is None:
            self._own = self._published.read()
        definition = self._own.get(preset_name(name))
        return None if definition is None else read_preset(definition)


def _decoded(told: str) -> str:
    """Return metadata as it was meant: S3 hands on by RFC 2047 what is not ASCII."""
    try:
        meant = str(make_header(decode_header(told)))
    except (HeaderParseError, LookupError, UnicodeError):
        return told
    return meant if meant.isprintable() else told

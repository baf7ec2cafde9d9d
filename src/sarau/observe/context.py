"""What the work at hand belongs to: every log line of it says so."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_bound: ContextVar[Mapping[str, str]] = ContextVar("sarau_bound", default=_NOTHING)


@contextmanager
def bind(**ids: str | None) -> Iterator[None]:
    """Say for the length of the block what is worked on: `request_id`, `track_id`, `run_id`."""
    given = {name: value for name, value in ids.items() if value is not None}
    token = _bound.set(MappingProxyType({**_bound.get(), **given}))
    try:
        yield
    finally:
        _bound.reset(token)


def bound() -> Mapping[str, str]:
    """Return what is worked on."""
    return _bound.get()


def request_id() -> str | None:
    """Return the id of the request at hand; None outside of any."""
    return _bound.get().get("request_id")

"""The whole application in the process of the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from sarau.app import open_app
from sarau.settings import load
from sarau.web.server import build

Open = Callable[..., ASGIApp]


@pytest.fixture
def open_here(tmp_path: Path) -> Iterator[Open]:
    """Open an installation that works on nothing, by settings, and return its application."""
    with ExitStack() as stack:

        def make(**settings: Any) -> ASGIApp:
            asked = load({}, data=tmp_path / "data", reserve_bytes=0, **settings)
            return build(stack.enter_context(open_app(asked, work=False)))

        yield make

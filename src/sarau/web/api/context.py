"""What every route takes: the open rooms, who is asking, and in which language."""

from typing import Annotated, cast

from fastapi import Depends, Request

from sarau.app import App
from sarau.model.ids import LOCAL_USER_ID, UserId
from sarau.web.problems import language_of


def _app(request: Request) -> App:
    return cast("App", request.app.state.sarau)


def _owner(_request: Request) -> UserId:
    """Return the one local user; the doors have let the request in."""
    return LOCAL_USER_ID


def _language(request: Request) -> str:
    return language_of(request.headers, request.cookies)


Rooms = Annotated[App, Depends(_app)]
Owner = Annotated[UserId, Depends(_owner)]
Language = Annotated[str, Depends(_language)]

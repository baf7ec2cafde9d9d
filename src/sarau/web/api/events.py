"""The live record as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import APIRouter, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from sarau.web.api.context import Owner
from sarau.web.api.views import event_view
from sarau.web.live import Live, News

router = APIRouter(tags=["events"])

_PING_S = 15
_LAST_NUMBER = 2**63 - 1
"""The largest that the catalog can compare with."""


@router.get("/events", response_class=EventSourceResponse)
async def follow_events(
    request: Request,
    owner: Owner,
    after: Annotated[int | None, Query(ge=0, le=_LAST_NUMBER)] = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=_LAST_NUMBER)] = None,
) -> EventSourceResponse:
    """Follow what happens: `record` with an id for each event, `progress` without one.

    After a lost connection the browser sends `Last-Event-ID` and misses nothing.
    """
    live = cast("Live", request.app.state.live)
    start = last_event_id if last_event_id is not None else after

    async def messages() -> AsyncIterator[ServerSentEvent]:
        async with live.listen(owner, start) as news:
            async for one in news:
                yield _message(one)

    return EventSourceResponse(
        messages(),
        ping=_PING_S,
        headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"},
    )


def _message(news: News) -> ServerSentEvent:
    if news.event is not None:
        view = event_view(news.event)
        return ServerSentEvent(view.model_dump_json(), event="record", id=str(view.number))
    if news.run is None:
        raise ValueError("no news")
    run = news.run
    moved = {
        "track_id": run.track_id,
        "run_id": run.id,
        "stage": run.stage,
        "progress": round(run.progress, 4),
    }
    return ServerSentEvent(json.dumps(moved), event="progress")

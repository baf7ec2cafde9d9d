"""Requests to an application in the process of the test."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from starlette.types import ASGIApp


def ask(app: ASGIApp, method: str, path: str, **options: Any) -> httpx.Response:
    """Send one request and return the answer."""
    return ask_at_once(app, [(method, path)], **options)[0]


def ask_at_once(
    app: ASGIApp, requests: Sequence[tuple[str, str]], **options: Any
) -> list[httpx.Response]:
    """Send requests at the same time and return the answers in their order."""

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            waiting = [client.request(method, path, **options) for method, path in requests]
            return await asyncio.gather(*waiting)

    return asyncio.run(send())

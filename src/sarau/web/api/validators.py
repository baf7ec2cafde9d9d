"""Validators of what is served (RFC 9110, 13): what the client has need not be sent again."""

from fastapi import Request


def is_unchanged(request: Request, etag: str) -> bool:
    """Tell whether `If-None-Match` names what would be sent."""
    known = request.headers.get("if-none-match", "")
    return known == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}

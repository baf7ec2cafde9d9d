"""One id from the request to the rendition.

A caller may name its request (`X-Request-Id`, or the trace of a W3C `traceparent`).
The upload that the request creates remembers the name, and every run of its track
takes it up again in whichever process works on it.
"""

import re
import secrets

LONGEST = 64
_NAME = re.compile(rf"[A-Za-z0-9._:-]{{1,{LONGEST}}}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
"""W3C Trace Context, section 3.2: version, trace, parent, flags; later versions may say more."""


def choose(request_id: str | None, traceparent: str | None) -> str:
    """Return the caller's id when it is harmless, else its trace's, else a new one."""
    if request_id is not None and _NAME.fullmatch(request_id):
        return request_id
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is not None and int(found[1], 16) and int(found[2], 16):
        return found[1]
    return secrets.token_hex(16)

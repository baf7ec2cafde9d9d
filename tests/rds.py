"""A door before PostgreSQL that lets in as RDS does with IAM: over TLS, by a signed token."""

import hashlib
import hmac
import socket
import ssl
import struct
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

from tests.tls import TlsDoor

_CLEAR_TEXT = 3
_EMPTY = hashlib.sha256(b"").hexdigest()


class IamDoor(TlsDoor):
    """Believes who shows a token that was signed with the right key, for it, and lately.

    A token is AWS's Signature Version 4 of an address. It is computed here from the
    specification, and by nothing of AWS's own.
    """

    def __init__(self, context: ssl.SSLContext, target: Path, *, user: str, secret: str) -> None:
        self._user = user
        self._secret = secret
        self._lock = threading.Lock()
        self.not_before = datetime.min.replace(tzinfo=UTC)
        """Tokens that were signed before are over."""
        self.tokens: list[str] = []
        """Of all who were let in."""
        super().__init__(context, target)

    def _admit(self, client: ssl.SSLSocket) -> bytes:
        head = client.recv(4)
        startup = head + _exactly(client, struct.unpack("!I", head)[0] - 4)
        words = startup[8:].split(b"\0")
        user = dict(zip(words[::2], words[1::2], strict=False))[b"user"].decode()
        client.sendall(struct.pack("!cII", b"R", 8, _CLEAR_TEXT))
        kind, length = struct.unpack("!cI", _exactly(client, 5))
        token = _exactly(client, length - 4).rstrip(b"\0").decode()
        if kind != b"p" or user != self._user or not self._is_good(token):
            fields = b"SFATAL\0C28000\0MPAM authentication failed\0\0"
            client.sendall(struct.pack("!cI", b"E", len(fields) + 4) + fields)
            raise ConnectionRefusedError(token)
        with self._lock:
            self.tokens.append(token)
        return startup

    def _is_good(self, token: str) -> bool:
        host, _, query = token.partition("/?")
        said = dict(parse_qsl(query))
        signature = said.pop("X-Amz-Signature", "")
        _, day, region, service, end = said["X-Amz-Credential"].split("/")
        canonical = urlencode(sorted(said.items()), quote_via=quote)
        request = f"GET\n/\n{canonical}\nhost:{host}\n\nhost\n{_EMPTY}"
        hashed = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{said['X-Amz-Date']}\n{day}/{region}/{service}/{end}\n{hashed}"
        key = f"AWS4{self._secret}".encode()
        for word in (day, region, service, end):
            key = hmac.digest(key, word.encode(), "sha256")
        signed_at = datetime.strptime(said["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        age = datetime.now(UTC) - signed_at
        return (
            hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), signature)
            and host == f"localhost:{self.port}"
            and (said["Action"], said["DBUser"], service) == ("connect", self._user, "rds-db")
            and signed_at >= self.not_before
            and age < timedelta(seconds=int(said["X-Amz-Expires"]))
        )


def _exactly(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += client.recv(size - len(found)) or _end()
    return found


def _end() -> bytes:
    raise ConnectionResetError

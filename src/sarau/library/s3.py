"""The library in an S3 bucket, with a local disk before it.

An object's key is its SHA-256. It is made by one conditional request that S3 holds
to that very sum, so neither a torn nor a wrong object can have the name; only then
does the caller's transaction say that it is there (docs/guide/s3-library.md).
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sarau.errors import FailedCode, FailedError
from sarau.library import multipart
from sarau.library.bucket import Bucket, ConflictError, ExistsError
from sarau.library.cache import Cache
from sarau.library.lookout import Lookout
from sarau.library.store import ObjectRef
from sarau.library.work import (
    WorkRoom,
    closing,
    copy,
    drop,
    hash_file,
    open_read_only,
    sync_read_only,
)
from sarau.model.ids import is_id, new_id
from sarau.storage import Volume, VolumeStatus, durable

SENTINEL = ".sarau-volume"
_PARTS_FROM_BYTES = 64 << 20
"""From this size on a file is sent in parts, so that a broken connection costs little."""
_TRIES = 6
_FIRST_PAUSE_S = 0.1

_Seen = tuple[FailedCode | None, str | None]
"""What is wrong with the bucket, in a code and in words; None and None when nothing is."""


class S3Library(WorkRoom):
    """An `ObjectStore` in one prefix of a bucket.

    Args:
        bucket: Where objects are kept.
        volume: A local one for work directories and the cache; nothing on it is needed
            for longer than a run.
        volume_id: What `open_bucket` returned.
        cache_bytes: What local copies may take.
        link_s: How long an address for a download is good; None gives none.
        parts_from_bytes: From which size on a file is sent in parts.

    """

    role = "library"

    def __init__(
        self,
        bucket: Bucket,
        volume: Volume,
        *,
        volume_id: str,
        cache_bytes: int,
        link_s: int | None = None,
        parts_from_bytes: int = _PARTS_FROM_BYTES,
    ) -> None:
        super().__init__(volume)
        self.id = volume_id
        self._bucket = bucket
        self._cache = Cache(volume, max_bytes=cache_bytes)
        self._link_s = link_s
        self._parts_from_bytes = parts_from_bytes
        self._look = Lookout(self._see, _not_seen, silent=FailedCode.LIBRARY_UNAVAILABLE)

    @property
    def bucket(self) -> Bucket:
        """Return where the objects are; what else Sarau keeps in S3 lies beside them."""
        return self._bucket

    def close(self) -> None:
        """Close the connections to S3."""
        self._bucket.close()

    def check(self) -> VolumeStatus:
        """Look whether objects can be kept; see `ObjectStore.check`."""
        code, detail = self._look.answer()
        local = self.volume.check()
        return VolumeStatus(
            ok=code is None,
            free_bytes=local.free_bytes,
            free_inodes=local.free_inodes,
            code=code,
            detail=detail,
        )

    def _see(self) -> _Seen:
        try:
            found = read_sentinel(self._bucket)
        except FailedError as error:
            return error.code, error.detail
        if found != self.id:
            return FailedCode.VOLUME_MISMATCH, f"{self._bucket.place} is {found}"
        return None, None

    def make_work_dir(self, name: str) -> Path:
        """Return a new empty directory, with room to work; see `ObjectStore.make_work_dir`."""
        path = super().make_work_dir(name)
        self._cache.give_way(0)
        return path

    def put(self, path: Path, expected_sha256: str | None = None) -> ObjectRef:
        """Copy a file in; see `ObjectStore.put`."""
        with self.writing(), self._cache.draft() as (draft, fd):
            self._cache.give_way(_size(path))
            found = copy(path, fd, expected_sha256)
            sync_read_only(fd)
            self._name(draft, found)
            # The run that stored a source reads it next.
            self._cache.keep(draft, found)
        return found

    def adopt(self, path: Path) -> ObjectRef:
        """Make a file of the work directory an object; see `ObjectStore.adopt`."""
        with self.writing(), closing(open_read_only(path)) as fd:
            found = hash_file(fd)
            self._name(path, found)
            drop(path)
        return found

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """Give a local copy; see `ObjectStore.local`."""
        with self._cache.hold(sha256, lambda: self._bucket.read(_name(sha256))) as path:
            yield path

    def is_near(self, sha256: str) -> bool:
        """Tell whether there is a local copy; see `ObjectStore.is_near`."""
        return self._cache.has(sha256)

    def require(self, sha256: str) -> None:
        """Return when an object is there; see `ObjectStore.require`."""
        self._bucket.head(_name(sha256))

    def download_url(self, sha256: str, *, disposition: str, media_type: str) -> str | None:
        """Return an address for a download; see `ObjectStore.download_url`."""
        if self._link_s is None:
            return None
        return self._bucket.download_url(
            _name(sha256),
            disposition=disposition,
            media_type=media_type,
            expires_s=self._link_s,
        )

    def verify(self, sha256: str) -> bool:
        """Tell whether an object is right; see `ObjectStore.verify`.

        S3 keeps the SHA-256 that it checked when it took an object in one request, and
        looks after it: that is asked for. An object sent in parts has no such sum, so
        it is read and hashed.
        """
        told = self._bucket.head(_name(sha256)).sha256
        if told is not None:
            return told == sha256
        digest = hashlib.sha256()
        for chunk in self._bucket.read(_name(sha256)):
            digest.update(chunk)
        return digest.hexdigest() == sha256

    def remove(self, sha256: str) -> None:
        """Remove an object; see `ObjectStore.remove`."""
        self._bucket.remove(_name(sha256))
        self._cache.forget(sha256)

    def _name(self, draft: Path, found: ObjectRef) -> None:
        """Make a file an object; what is there already is checked, not trusted."""
        name = _name(found.sha256)
        in_parts = found.size_bytes >= self._parts_from_bytes
        for left in reversed(range(_TRIES)):
            try:
                with durable.translated():
                    if in_parts:
                        self._send_parts(name, draft, found)
                    else:
                        self._bucket.create(name, draft, found)
            except ExistsError:
                self._require_sound(found)
            except ConflictError as error:
                if left == 0:
                    raise FailedError(FailedCode.LIBRARY_UNAVAILABLE, str(error)) from error
                time.sleep(_FIRST_PAUSE_S * 2 ** (_TRIES - 1 - left))
                continue
            return

    def _send_parts(self, name: str, draft: Path, found: ObjectRef) -> None:
        """Send a large file, unless it is there: S3 says so only after the last part."""
        try:
            self._bucket.head(name)
        except FailedError as error:
            if error.code is not FailedCode.OBJECT_MISSING:
                raise
        else:
            # What this run sent before it was killed, and somebody else completed meanwhile.
            multipart.abandon(self._bucket, name)
            raise ExistsError(name)
        try:
            multipart.create(self._bucket, name, draft, found)
        except ExistsError:
            multipart.abandon(self._bucket, name)
            raise

    def _require_sound(self, found: ObjectRef) -> None:
        if not self.verify(found.sha256):
            raise FailedError(FailedCode.OBJECT_DAMAGED, f"object {found.sha256} is damaged")


def _not_seen(code: FailedCode, detail: str) -> _Seen:
    return code, detail


def _size(path: Path) -> int:
    """Return the size of a file, 0 where there is none: who reads it will say so."""
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _name(sha256: str) -> str:
    return f"objects/{sha256[:2]}/{sha256}"


def open_bucket(bucket: Bucket, expected_id: str | None) -> str:
    """Hold a bucket to the id that the catalog knows; make an empty prefix ours.

    Raises:
        FailedError: `volume_missing` when there is no bucket or it holds somebody's
            objects without a sentinel, `volume_mismatch` when it is another catalog's,
            `library_denied`, `library_unavailable`.

    """
    try:
        found = read_sentinel(bucket)
    except FailedError as error:
        if error.code is not FailedCode.VOLUME_MISSING or expected_id is not None:
            raise
        if not bucket.is_blank():
            raise
        text = json.dumps({"role": "library", "id": new_id()})
        # Two processes may start at once: the first one's stays and both read it.
        with suppress(ExistsError, ConflictError):
            bucket.create_text(SENTINEL, text)
        found = read_sentinel(bucket)
    if expected_id not in {None, found}:
        raise FailedError(
            FailedCode.VOLUME_MISMATCH, f"{bucket.place} is library {found}, not {expected_id}"
        )
    return found


def read_sentinel(bucket: Bucket) -> str:
    """Return the id of the library in a bucket; raises as `open_bucket`."""
    text = bucket.read_text(SENTINEL)
    if text is None:
        raise FailedError(FailedCode.VOLUME_MISSING, f"{bucket.place} has no {SENTINEL}")
    try:
        found = json.loads(text)
        role, volume_id = str(found["role"]), str(found["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise FailedError(FailedCode.VOLUME_MISMATCH, f"{bucket.place}: {error}") from error
    if role != "library" or not is_id(volume_id):
        raise FailedError(FailedCode.VOLUME_MISMATCH, f"{bucket.place} is {role} {volume_id}")
    return volume_id

"""Taking originals in: each exactly once, whatever is killed and whenever.

An original is copied, never linked: a second name of the same bytes would change
with them. What a killed copy left is compared with the original and continued.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from sarau.catalog import Database, imports, presets
from sarau.catalog.imports import Taken
from sarau.errors import RefusedError
from sarau.intake.appender import Appender
from sarau.intake.arrivals import SMALL_BYTES
from sarau.intake.folder import Folder, Original
from sarau.intake.intake import Intake
from sarau.intake.naming import Description
from sarau.intake.stable import is_being_written
from sarau.model.ids import UserId
from sarau.model.lifecycle import UploadState
from sarau.model.original import Identity
from sarau.model.upload import Upload

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

CHUNK_BYTES = 1 << 20

Report = Callable[[int], None]
"""Takes how many bytes of a file have been copied."""


class NotStillError(Exception):
    """The original changes, or is held by another process: it is looked at again later."""


class StoppedError(Exception):
    """The process is about to end; what was copied is continued by the next one."""


class Importer:
    """Takes originals from any folder into the intake. Thread-safe."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        *,
        owner_id: UserId,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.database = database
        self._intake = intake
        self._owner_id = owner_id
        self._is_stopping = is_stopping

    def recall(self, folder: Folder, originals: Sequence[Original]) -> dict[Original, Taken]:
        """Return what was taken before, of each of these files that is known.

        A file that only was renamed, or whose disk has a new number after a restart, is
        known by its bytes.

        Raises:
            FailedError: `database_unavailable`.

        """
        with self.database.read() as connection:
            found = imports.like(connection, [one.identity for one in originals])
        exact = {taken.identity: taken for taken in found}
        known: dict[Original, Taken] = {}
        for original in originals:
            if original.identity in exact:
                known[original] = exact[original.identity]
                continue
            alike = [taken for taken in found if taken.identity.is_like(original.identity)]
            same = self._same_bytes(folder, original, alike) if alike else None
            if same is not None:
                known[original] = same
        return known

    def _same_bytes(
        self, folder: Folder, original: Original, alike: Iterable[Taken]
    ) -> Taken | None:
        """Return which of `alike` has the same bytes as far as it was taken."""
        try:
            fd = folder.open(original)
        except OSError:
            return None  # whoever takes it will say so
        try:
            for taken in alike:
                if _begins_with(fd, taken):
                    with self.database.write() as connection:
                        imports.recognise(connection, taken.upload_id, original.identity)
                    return taken
        finally:
            os.close(fd)
        return None

    def own_presets(self) -> frozenset[str]:
        """Return the names of the owner's own presets."""
        with self.database.read() as connection:
            return frozenset(one.name for one in presets.own(connection, self._owner_id))

    def half_taken(self) -> dict[tuple[int, int], Taken]:
        """Return copies that were begun, by the device and inode of their originals."""
        with self.database.read() as connection:
            half = imports.half_taken(connection)
        return {(taken.identity.device, taken.identity.inode): taken for taken in half}

    def take(
        self, folder: Folder, original: Original, taken: Taken | None, preset: str, report: Report
    ) -> Upload:
        """Take a file in, or go on with what is left of it.

        Args:
            folder: Where it is.
            original: As it was seen; it must still be so.
            taken: What was taken before, None or not whole.
            preset: What it becomes.
            report: Called now and then.

        Raises:
            NotStillError: Nothing is lost: it is to be looked at again.
            StoppedError: As it says.
            OSError: The original cannot be read.
            RefusedError: As for `Intake.create`.
            FailedError: As for `Intake.create` and `Appender.write`.

        """
        fd = folder.open(original)
        try:
            _require_still(fd, original)
            if is_being_written(fd):
                raise NotStillError("somebody is writing to it")
            if taken is not None and taken.upload_state is UploadState.RECEIVING:
                appender = self._go_on(fd, taken)
            elif original.identity.size_bytes <= SMALL_BYTES:
                return self._take_small(fd, folder, original, taken, preset)
            else:
                upload = self._create(folder, original, taken, preset)
                appender = self._intake.append(upload.id, self._owner_id)
            return self._copy(fd, original, appender, report)
        finally:
            os.close(fd)

    def _create(
        self,
        folder: Folder,
        original: Original,
        taken: Taken | None,
        preset: str,
        body: bytes | None = None,
    ) -> Upload:
        path = f"{folder.root}/{original.path}"
        return self._intake.create(
            owner_id=self._owner_id,
            description=Description(original.name, preset),
            size_bytes=original.identity.size_bytes,
            body=body,
            also=lambda connection, upload: imports.add(
                connection,
                original.identity,
                upload,
                path=path,
                instead_of=taken.upload_id if taken else None,
            ),
        )

    def _take_small(
        self, fd: int, folder: Folder, original: Original, taken: Taken | None, preset: str
    ) -> Upload:
        body = b"".join(iter(lambda: os.read(fd, CHUNK_BYTES), b""))
        _require_still(fd, original)
        return self._create(folder, original, taken, preset, body)

    def _go_on(self, fd: int, taken: Taken) -> Appender:
        """Take hold of a copy that was begun, if it is one of this very file."""
        hasher = self._compare(fd, taken)
        if hasher is None:
            self.forget(taken)
            raise NotStillError("what was copied of it is not the same any more")
        self._intake.hashers.keep(taken.upload_id, taken.offset_bytes, hasher)
        appender = self._intake.append(taken.upload_id, self._owner_id)
        if appender.offset_bytes != taken.offset_bytes:
            appender.close()
            raise NotStillError("another process has gone on with it")
        return appender

    def _compare(self, fd: int, taken: Taken) -> "Hash | None":
        """Return the hash of what was copied, None when the original does not begin with it."""
        hasher = hashlib.sha256()
        with self._intake.files.of(taken.upload_id).open("rb") as copy:
            while left := taken.offset_bytes - copy.tell():
                there = copy.read(min(left, CHUNK_BYTES))
                if not there or os.read(fd, len(there)) != there:
                    return None
                hasher.update(there)
        return hasher

    def _copy(self, fd: int, original: Original, appender: Appender, report: Report) -> Upload:
        try:
            self._copy_bytes(fd, original, appender, report)
            return appender.finish()
        except NotStillError:
            with self.database.write() as connection:
                imports.remove(connection, appender.upload.id)
            self._intake.terminate(appender.upload.id, self._owner_id)
            raise
        finally:
            appender.close()

    def _copy_bytes(self, fd: int, original: Original, appender: Appender, report: Report) -> None:
        os.lseek(fd, appender.offset_bytes, os.SEEK_SET)
        buffer = memoryview(bytearray(CHUNK_BYTES))
        while room := min(CHUNK_BYTES, appender.room_bytes):
            if self._is_stopping():
                raise StoppedError
            got = os.readv(fd, [buffer[:room]])
            if not got:
                raise NotStillError("it became shorter")
            appender.write(buffer[:got])
            report(appender.offset_bytes)
        _require_still(fd, original)

    def forget(self, taken: Taken) -> None:
        """Let go of a copy that cannot be continued.

        What is known of it goes first: were its upload ended first and this process
        killed then, it would look like one that a person had cancelled.
        """
        with self.database.write() as connection:
            imports.remove(connection, taken.upload_id)
        with suppress(RefusedError):  # it ended by itself meanwhile
            self._intake.terminate(taken.upload_id, self._owner_id)


def _require_still(fd: int, original: Original) -> None:
    if Identity.of(os.fstat(fd)) != original.identity:
        raise NotStillError("it has changed since it was seen")


def _begins_with(fd: int, taken: Taken) -> bool:
    """Tell whether a file is the one that was taken; one half taken is compared when it goes on."""
    if taken.upload_state is UploadState.RECEIVING:
        return True
    os.lseek(fd, 0, os.SEEK_SET)
    with open(fd, "rb", closefd=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == taken.sha256

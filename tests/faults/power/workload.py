"""A mixed run: uploads in parts and whole, promotions, terminations, deletions.

Usage: workload.py D E MARK MUTANT COUNT. After every acknowledgement a line goes to
MARK. A mutant leaves out or turns round one protection; `none` is the real thing.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sarau.catalog import database, objects, uploads
from sarau.intake import Appender, Description, Intake, concatenate
from sarau.library import DiskLibrary
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.lifecycle import UploadState
from sarau.model.upload import Upload
from sarau.storage import durable

sys.path.insert(0, str(Path(__file__).parent))
from rooms import content, open_rooms


class Run:
    def __init__(self, d: Path, e: Path, mark: int) -> None:
        self.database, self.intake, self.library = open_rooms(d, e)
        self._mark = mark
        self.early_unlink = self.early_commit = False

    def mark(self, *words: object) -> None:
        os.write(self._mark, (" ".join(map(str, words)) + "\n").encode())

    def upload(self, number: int) -> Upload:
        data = content(number)
        upload = self.create(number, len(data))
        third = len(data) // 3 + 1
        for offset in range(0, len(data), third):
            upload = self.append(number, upload, data[offset : offset + third])
        self.mark("received", number, upload.id)
        return upload

    def create(self, number: int, size: int | None, **more: Any) -> Upload:
        upload = self.intake.create(
            owner_id=LOCAL_USER_ID,
            description=Description(f"{number}.wav"),
            size_bytes=size,
            **more,
        )
        self.mark("created", number, upload.id)
        return upload

    def append(self, number: int, upload: Upload, data: bytes) -> Upload:
        appender = self.intake.append(upload.id, LOCAL_USER_ID)
        appender.write(data)
        upload = appender.finish()
        appender.close()
        self.mark("offset", number, upload.id, upload.offset_bytes)
        return upload

    def small(self, number: int) -> Upload:
        upload = self.create(number, len(content(number)), body=content(number))
        self.mark("received", number, upload.id)
        return upload

    def joined(self, number: int) -> Upload:
        data = content(number)
        pieces = []
        for part in (data[:5000], data[5000:]):
            piece = self.intake.create(
                owner_id=LOCAL_USER_ID,
                description=Description(),
                size_bytes=len(part),
                concat="partial",
                body=part,
            )
            pieces.append(piece.id)
        upload = concatenate(
            self.intake,
            owner_id=LOCAL_USER_ID,
            description=Description(f"{number}.wav"),
            piece_ids=pieces,
            concat="final",
        )
        self.mark("created", number, upload.id)
        self.mark("received", number, upload.id)
        return upload

    def terminated(self, number: int) -> None:
        upload = self.create(number, 10**6)
        self.append(number, upload, content(number)[:9000])
        self.mark("terminating", number, upload.id)
        self.intake.terminate(upload.id, LOCAL_USER_ID)
        self.mark("terminated", number, upload.id)

    def promote(self, number: int, upload: Upload) -> str:
        path = self.intake.path_of(upload)
        if self.early_commit:
            self.commit(upload, upload.sha256 or "", path.stat().st_size)
        stored = self.library.put(path, upload.sha256)
        if self.early_unlink:
            self.intake.remove_file(upload.id)
        if not self.early_commit:
            self.commit(upload, stored.sha256, stored.size_bytes)
        self.mark("stored", number, upload.id)
        if not self.early_unlink:
            self.intake.remove_file(upload.id)
        return stored.sha256

    def commit(self, upload: Upload, sha256: str, size: int) -> None:
        with self.database.write() as connection:
            objects.add(connection, sha256, size)
            uploads.let_go(connection, upload, UploadState.STORED, "stored")

    def delete(self, number: int, sha256: str) -> None:
        self.mark("deleting", number, sha256)
        with self.database.write() as connection:
            objects.remove(connection, sha256)
        self.library.remove(sha256)
        self.mark("deleted", number, sha256)

    def work(self, count: int) -> None:
        for number in range(count):
            kind = number % 5
            if kind == 4:
                self.terminated(number)
                continue
            make = (self.upload, self.small, self.upload, self.joined)[kind]
            upload = make(number)
            if kind != 2:
                sha256 = self.promote(number, upload)
                if kind == 1:
                    self.delete(number, sha256)


def no_sync_d(_run: Run) -> None:
    durable.sync = lambda _fd: None


def no_names_d(run: Run) -> None:
    _skip_directories(run.intake.volume.root)


def no_sync_e(_run: Run) -> None:
    DiskLibrary._sync = lambda _self, _fd: None  # type: ignore[method-assign]


def no_names_e(run: Run) -> None:
    _skip_directories(run.library.volume.root)


def _skip_directories(root: Path) -> None:
    real = durable.fsync_dir
    durable.fsync_dir = lambda path: None if path.is_relative_to(root) else real(path)


def acknowledged_before_sync(_run: Run) -> None:
    real_sync, real_finish = Appender._sync, Appender.finish

    def finish(self: Appender, **options: Any) -> Upload:
        self._sync = lambda: None  # type: ignore[method-assign]
        upload = real_finish(self, **options)
        real_sync(self)
        return upload

    Appender.finish = finish  # type: ignore[method-assign]


def stored_before_copied(run: Run) -> None:
    run.early_commit = True


def unlinked_before_stored(run: Run) -> None:
    run.early_unlink = True


def terminated_before_committed(_run: Run) -> None:
    real = Intake.terminate

    def terminate(self: Intake, upload_id: str, owner_id: Any) -> None:
        self.remove_file(upload_id)  # type: ignore[arg-type]
        real(self, upload_id, owner_id)

    Intake.terminate = terminate  # type: ignore[method-assign]


def lazy_database(run: Run) -> None:
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    database._configure_sqlite = configure
    url = run.database.url
    run.database.close()
    run.database.__init__(url)  # type: ignore[misc]


MUTANTS: dict[str, Callable[[Run], None]] = {
    function.__name__: function
    for function in (
        no_sync_d,
        no_names_d,
        no_sync_e,
        no_names_e,
        acknowledged_before_sync,
        stored_before_copied,
        unlinked_before_stored,
        terminated_before_committed,
        lazy_database,
    )
}


def main() -> None:
    d, e, mark, mutant, count = sys.argv[1:]
    run = Run(Path(d), Path(e), os.open(mark, os.O_WRONLY))
    if mutant != "none":
        MUTANTS[mutant](run)
    run.mark("start")
    run.work(int(count))
    run.mark("end")
    run.intake.close()
    run.database.close()


if __name__ == "__main__":
    main()

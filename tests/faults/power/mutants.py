"""Protections of the product, each left out or turned round by a function of its name.

They change the process that serves, before it begins.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sarau.catalog import database, objects
from sarau.intake import Appender, Intake
from sarau.library import DiskLibrary, ObjectRef
from sarau.model.ids import UploadId
from sarau.model.upload import Upload
from sarau.pipeline import Caretaker
from sarau.storage import durable


def no_sync_d() -> None:
    durable.sync = lambda _fd: None


def no_names_d() -> None:
    _skip_directories(Path(os.environ["SARAU_INTAKE"]))


def no_sync_e() -> None:
    DiskLibrary._sync = lambda _self, _fd: None  # type: ignore[method-assign]


def no_names_e() -> None:
    _skip_directories(Path(os.environ["SARAU_LIBRARY"]))


def _skip_directories(root: Path) -> None:
    real = durable.fsync_dir
    durable.fsync_dir = lambda path: None if path.is_relative_to(root) else real(path)


def acknowledged_before_sync() -> None:
    real_sync, real_finish = Appender._sync, Appender.finish

    def finish(self: Appender, **options: Any) -> Upload:
        self._sync = lambda: None  # type: ignore[method-assign]
        upload = real_finish(self, **options)
        real_sync(self)
        return upload

    Appender.finish = finish  # type: ignore[method-assign]


def stored_before_copied() -> None:
    put, remove_file = DiskLibrary.put, Intake.remove_file
    late: dict[str, Callable[[], ObjectRef]] = {}

    def promise(self: DiskLibrary, path: Path, expected_sha256: str | None = None) -> ObjectRef:
        late[path.name] = partial(put, self, path, expected_sha256)
        data = path.read_bytes()
        return ObjectRef(hashlib.sha256(data).hexdigest(), len(data))

    def keep(self: Intake, upload_id: UploadId) -> None:
        if upload_id in late:
            late.pop(upload_id)()
        remove_file(self, upload_id)

    DiskLibrary.put = promise  # type: ignore[method-assign]
    DiskLibrary.require = lambda _self, _sha256: None  # type: ignore[method-assign]
    Intake.remove_file = keep  # type: ignore[method-assign]


def unlinked_before_stored() -> None:
    put = DiskLibrary.put

    def put_and_unlink(
        self: DiskLibrary, path: Path, expected_sha256: str | None = None
    ) -> ObjectRef:
        found = put(self, path, expected_sha256)
        durable.unlink(path)
        return found

    DiskLibrary.put = put_and_unlink  # type: ignore[method-assign]


def terminated_before_committed() -> None:
    real = Intake.terminate

    def terminate(self: Intake, upload_id: str, owner_id: Any) -> None:
        self.remove_file(upload_id)  # type: ignore[arg-type]
        real(self, upload_id, owner_id)

    Intake.terminate = terminate  # type: ignore[method-assign]


def forgotten_before_removed() -> None:
    def collect(self: Caretaker, sha256: str) -> None:
        with self._database.write() as connection:
            objects.remove(connection, sha256)
        self._library.remove(sha256)

    Caretaker._collect = collect  # type: ignore[method-assign]


def lazy_database() -> None:
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "busy_timeout=30000",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    database._configure_sqlite = configure


MUTANTS: dict[str, Callable[[], None]] = {
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
        forgotten_before_removed,
        lazy_database,
    )
}

from sarau.catalog import Database
from sarau.catalog.database import sqlite_journal_mode


def test_sqlite_syncs_every_commit(sqlite_database: Database) -> None:
    with sqlite_database.read() as connection:
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        foreign_keys = connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one()
    assert (journal.upper(), synchronous) in {("WAL", 2), ("DELETE", 3)}
    assert journal.upper() == sqlite_journal_mode()
    assert foreign_keys == 1

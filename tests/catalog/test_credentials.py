"""A password that is changed on the server, in the file, and nowhere else."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.postgresql import Postgresql

from sarau.catalog import Database, events, migrate
from sarau.errors import FailedCode, FailedError
from sarau.model.clock import now
from sarau.pipeline import DurableRuns


def test_a_password_rotates_while_the_catalog_is_open(
    own_postgresql: Postgresql, tmp_path: Path
) -> None:
    url = own_postgresql.new_database()
    superuser = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    passfile = tmp_path / "pgpass"
    _rotate(superuser, passfile, "first", "CREATE ROLE sarau LOGIN SUPERUSER")
    own_postgresql.ask_for_the_password_of("sarau")
    address = sa.make_url(url).set(username="sarau", password=None)
    database = Database(
        address.update_query_dict({"passfile": str(passfile)}).render_as_string(hide_password=False)
    )
    migrate(database.engine)
    durable = DurableRuns(database)
    try:
        # What is open stays open; only new connections need the new password.
        _rotate(superuser, passfile, "second", "ALTER ROLE sarau")
        database.engine.dispose()
        durable.forget(before=now() - timedelta(days=1), limit=1)
        with database.read() as connection:
            assert events.last_number(connection) == 0
        passfile.write_text("*:*:*:*:wrong\n")
        database.engine.dispose()
        with pytest.raises(FailedError) as caught, database.read() as connection:
            events.last_number(connection)
        assert caught.value.code is FailedCode.DATABASE_UNAVAILABLE
    finally:
        durable.close()
        database.close()
        superuser.dispose()


def _rotate(superuser: sa.Engine, passfile: Path, password: str, statement: str) -> None:
    with superuser.connect() as connection:
        connection.exec_driver_sql(f"{statement} PASSWORD '{password}'")
    passfile.touch(mode=0o600)
    passfile.write_text(f"*:*:*:*:{password}\n")

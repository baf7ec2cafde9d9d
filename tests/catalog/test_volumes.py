"""A volume is tied to a catalog once, whoever starts first."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.postgresql import wait_until_somebody_waits

from sarau.catalog import Database, volumes
from sarau.errors import FailedCode, FailedError


def _remember(database: Database, volume_id: str) -> None:
    with database.write() as connection:
        volumes.remember(connection, "intake", volume_id)


def test_a_volume_is_remembered_again_and_another_one_is_not(database: Database) -> None:
    _remember(database, "a")
    _remember(database, "a")
    with pytest.raises(FailedError) as caught:
        _remember(database, "b")
    assert caught.value.code is FailedCode.VOLUME_MISMATCH


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_processes_may_start_for_the_first_time_at_once(database: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            volumes.remember(connection, "intake", "a")
            other = pool.submit(_remember, database, "a")
            wait_until_somebody_waits(database)
        other.result(30)

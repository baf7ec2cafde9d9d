"""RDS with IAM: each connection to the catalog shows a token that was signed for it."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from tests.commands import sarau
from tests.postgresql import Postgresql
from tests.rds import IamDoor
from tests.servers import Server
from tests.sounds import write_music
from tests.tls import Authority

from sarau.catalog import Database, migrate
from sarau.catalog.iam import IamTokens

USER = "sarau_iam"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "SARAU_DATABASE_AUTH": "iam",
}


@pytest.fixture
def superuser(postgresql: Postgresql) -> Iterator[sa.Engine]:
    engine = sa.create_engine(postgresql.new_database(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {USER} LOGIN SUPERUSER")
    yield engine
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {USER} CASCADE")
        connection.exec_driver_sql(f"DROP ROLE {USER}")
    engine.dispose()


@pytest.fixture
def door(postgresql: Postgresql, tmp_path: Path) -> Iterator[IamDoor]:
    authority = Authority.make(tmp_path / "ca")
    context = authority.issue(tmp_path, "localhost")
    found = IamDoor(context, postgresql.socket, user=USER, secret=KEYS["AWS_SECRET_ACCESS_KEY"])
    yield found
    found.close()


def _address(door: IamDoor, superuser: sa.Engine, tmp_path: Path) -> str:
    name = superuser.url.database
    checked = f"sslmode=verify-full&sslrootcert={tmp_path / 'ca' / 'ca.pem'}"
    return f"postgresql+psycopg://{USER}@localhost:{door.port}/{name}?{checked}"


def test_connections_outlive_their_tokens_and_new_ones_have_new_ones(
    make_server: Callable[..., Server], door: IamDoor, superuser: sa.Engine, tmp_path: Path
) -> None:
    address = _address(door, superuser, tmp_path)
    server = make_server(SARAU_DATABASE_URL=address, **KEYS)
    _make_a_track(server, write_music(tmp_path / "a.wav", seed=1))
    assert door.turned_away == 0
    assert len(door.tokens) > 1  # the engine of durable runs has its own
    # A quarter of an hour later: no token of before is taken any more.
    time.sleep(1.1)
    door.not_before = datetime.now(UTC).replace(microsecond=0)
    open_before = _open(superuser)
    _make_a_track(server, write_music(tmp_path / "b.wav", seed=2))
    assert open_before & _open(superuser)
    before = set(door.tokens)
    with superuser.connect() as connection:
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'"
        )
    _make_a_track(server, write_music(tmp_path / "c.wav", seed=3))
    assert open_before.isdisjoint(_open(superuser))
    assert set(door.tokens) > before
    assert door.turned_away == 0
    assert not [line for line in server.log if "X-Amz-Signature" in line]


def _make_a_track(server: Server, path: Path) -> None:
    track = server.send(path, preset="archive")
    assert server.wait_for(track["id"], "ready", "failed")["state"] == "ready"


def _open(superuser: sa.Engine) -> set[int]:
    with superuser.connect() as connection:
        query = sa.text(f"SELECT pid FROM pg_stat_activity WHERE usename = '{USER}'")
        return set(connection.execute(query).scalars())


def test_a_catalog_is_moved_to_rds_and_back_with_tokens(
    door: IamDoor, superuser: sa.Engine, tmp_path: Path
) -> None:
    address = _address(door, superuser, tmp_path)
    here, back = (f"sqlite:///{tmp_path / name}" for name in ("here.db", "back.db"))
    database = Database(here)
    migrate(database.engine)
    database.close()
    for route in ((here, address), (address, back)):
        moved = sarau("catalog", "move", *route, **KEYS)
        assert moved.returncode == 0, moved.stderr
        assert "X-Amz" not in moved.stdout + moved.stderr
    assert door.tokens
    assert door.turned_away == 0


def test_who_signs_with_a_wrong_key_is_not_let_in(
    door: IamDoor, superuser: sa.Engine, tmp_path: Path
) -> None:
    address = _address(door, superuser, tmp_path)
    wrong = KEYS | {"AWS_SECRET_ACCESS_KEY": "wrong", "SARAU_DATABASE_URL": address}
    ended = sarau("worker", "--data", tmp_path / "data", **wrong)
    assert ended.returncode == 4, ended.stderr
    assert "PAM authentication failed" in ended.stderr
    assert "X-Amz" not in ended.stderr


def test_without_credentials_the_database_does_not_let_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    tokens = IamTokens("postgresql+psycopg://sarau@db.abc.eu-west-1.rds.amazonaws.com/sarau")
    with pytest.raises(psycopg.OperationalError, match="credentials"):
        tokens()
    nowhere = IamTokens("postgresql+psycopg://sarau@db.example/sarau")
    with pytest.raises(psycopg.OperationalError, match="region"):
        nowhere()


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("sarau.c1x2.sa-east-1.rds.amazonaws.com", "sa-east-1"),
        ("sarau.cluster-c1x2.us-gov-west-1.rds.amazonaws.com", "us-gov-west-1"),
        ("sarau.c1x2.cn-north-1.rds.amazonaws.com.cn", "cn-north-1"),
        ("db.example", "eu-west-1"),
    ],
)
def test_the_region_is_the_hosts_or_that_of_aws_settings(
    monkeypatch: pytest.MonkeyPatch, host: str, region: str
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    token = IamTokens(f"postgresql+psycopg://sarau@{host}:6432/sarau")()
    assert token.startswith(f"{host}:6432/?Action=connect&DBUser=sarau&")
    assert f"%2F{region}%2Frds-db%2F" in token
    assert "X-Amz-Expires=900" in token

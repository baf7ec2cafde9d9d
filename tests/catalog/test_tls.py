"""`sslmode=verify-full`: who is let near the catalog, and whom it believes."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.postgresql import Postgresql
from tests.servers import Server
from tests.sounds import write_music
from tests.tls import Authority, TlsDoor


@dataclass
class Secured:
    """A database behind a door with TLS, whose certificate says `localhost`."""

    door: TlsDoor
    authority: Authority
    socket_url: str

    def url(self, authority: Authority, *, host: str = "localhost") -> str:
        address = sa.URL.create(
            "postgresql+psycopg",
            username="postgres",
            host=host,
            port=self.door.port,
            database=sa.make_url(self.socket_url).database,
            query={"sslmode": "verify-full", "sslrootcert": str(authority.certificate)},
        )
        return address.render_as_string()


@pytest.fixture
def secured(postgresql: Postgresql, tmp_path: Path) -> Iterator[Secured]:
    url = postgresql.new_database()
    authority = Authority.make(tmp_path / "ca")
    door = TlsDoor(authority.issue(tmp_path, "localhost"), postgresql.socket)
    yield Secured(door, authority, url)
    door.close()


def test_everything_a_server_does_goes_over_verified_tls(
    make_server: Callable[..., Server], secured: Secured, tmp_path: Path
) -> None:
    server = make_server(SARAU_DATABASE_URL=secured.url(secured.authority))
    track = server.send(write_music(tmp_path / "a.wav"), preset="archive")
    assert server.wait_for(track["id"], "ready", "failed")["state"] == "ready"
    engine = sa.create_engine(secured.socket_url)
    with engine.connect() as connection:
        names = connection.scalars(
            sa.text(
                "SELECT application_name FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).all()
    engine.dispose()
    # The engine of durable runs has its own, and all of them came through the door.
    assert len(names) > 1
    assert secured.door.let_in >= len(names)
    assert secured.door.turned_away == 0


@pytest.mark.parametrize(
    ("command", "host", "is_right_authority", "said"),
    [
        ("serve", "localhost", False, "certificate verify failed"),
        ("worker", "127.0.0.1", True, 'does not match host name "127.0.0.1"'),
    ],
)
def test_a_database_that_cannot_be_believed_is_refused_at_the_start(
    secured: Secured,
    tmp_path: Path,
    command: str,
    host: str,
    *,
    is_right_authority: bool,
    said: str,
) -> None:
    authority = secured.authority if is_right_authority else Authority.make(tmp_path / "other")
    ended = subprocess.run(
        [sys.executable, "-m", "sarau", command, "--data", str(tmp_path / "data")],
        env={"SARAU_DATABASE_URL": secured.url(authority, host=host), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 4, ended.stderr
    assert "The database does not answer." in ended.stderr
    assert "database_unavailable" in ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr

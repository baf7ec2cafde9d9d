"""A site of five hosts: web, two workers, PostgreSQL and S3; people are in front of it."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.contracts.stores import new_bucket
from tests.hosts.network import Host, Switch, cleared
from tests.localstack import localstack
from tests.scale.record import Record
from tests.servers import Server, Worker

from sarau.library.bucket import Bucket

TOKEN = "let us in, please"


class Web(Server):
    """The server as somebody sees it who has the token."""

    def client(self, **options: Any) -> httpx.Client:
        return super().client(headers={"Authorization": f"Bearer {TOKEN}"}, **options)


@dataclass
class Site:
    """Hosts at two switches; only web and the people who use it are at the front one."""

    front: Switch
    back: Switch
    web: Host
    workers: tuple[Host, Host]
    web_address: str
    s3_url: str
    database_address: str
    _databases: "subprocess.Popen[str]"

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        ask, answer = self._databases.stdin, self._databases.stdout
        assert ask
        assert answer
        ask.write("\n")
        ask.flush()
        name = answer.readline().strip()
        assert name, "PostgreSQL did not start"
        return f"postgresql+psycopg://postgres@{self.database_address}/{name}"


@pytest.fixture(scope="module")
def site(aws_credentials: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # noqa: ARG001 - in the environment
    with cleared():
        front, back = Switch("front", 0), Switch("back", 1)
        web, one, other, database, s3 = (
            Host(name) for name in ("web", "one", "other", "database", "s3")
        )
        _, database_address, s3_address = (back.plug(host) for host in (web, database, s3))
        for host in (one, other):
            back.plug(host)
        for switch in (front, back):
            switch.plug_in_this_machine()
        with (
            localstack(tmp_path_factory.mktemp("s3"), host=s3_address, within=s3.within) as s3_url,
            subprocess.Popen(
                [
                    *(*database.within, sys.executable),
                    *("-m", "tests.hosts.serve_postgresql", database_address),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as databases,
        ):
            yield Site(
                front,
                back,
                web,
                (one, other),
                front.plug(web),
                s3_url,
                database_address,
                databases,
            )


@dataclass
class Installation:
    """Sarau on the hosts of a site: its web server, and a worker on each of two."""

    site: Site
    web: Web
    workers: dict[Host, Worker]
    record: Record
    bucket: Bucket


@pytest.fixture
def installation(site: Site, tmp_path: Path) -> Iterator[Installation]:
    bucket = new_bucket(site.s3_url)
    # What is overwritten leaves a second version behind.
    bucket.client.put_bucket_versioning(
        Bucket=bucket.place.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    url = site.new_database()
    settings = {
        "SARAU_DATABASE_URL": url,
        "SARAU_DATABASE_ANSWER_S": "3",
        "SARAU_LIBRARY": f"s3://{bucket.place.bucket}/{bucket.place.prefix}",
        "SARAU_S3_ENDPOINT": site.s3_url,
        "SARAU_S3_REGION": "us-east-1",
        "SARAU_TOKEN": TOKEN,
        "SARAU_WORKERS": "1",
    }
    web = Web(
        tmp_path / "web",
        "--no-worker",
        *("--host", site.web_address),
        within=site.web.within,
        **settings,
    )
    record = Record(url)
    workers: dict[Host, Worker] = {}
    try:
        web.start()
        for host in site.workers:
            log = tmp_path / f"{host.name}.log"
            workers[host] = Worker(tmp_path / host.name, log, within=host.within, **settings)
        for worker in workers.values():
            worker.wait_until_it_says("runs at once")
        yield Installation(site, web, workers, record, bucket)
    finally:
        for host in site.workers:
            site.back.plug_in_again(host)
        site.back.plug_in_again(site.web)
        for worker in workers.values():
            worker.end()
        web.kill()
        record.close()

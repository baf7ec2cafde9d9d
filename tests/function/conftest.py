"""A whole installation around the function: buckets, queues, the packages, a server."""

import json
import os
import platform
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.function.runtime_api import ROOT, Function, sqs_event
from tests.localstack import CREDENTIALS
from tests.postgresql import Postgresql
from tests.servers import Server

MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
ATTEMPTS = 2
SERVER_PYTHON = ROOT / ".lambda" / "server" / "bin" / "python"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of this machine, as `make lambda` makes them."""
    target = tmp_path_factory.mktemp("built")
    command = [sys.executable, str(ROOT / "deploy" / "lambda" / "package.py")]
    subprocess.run([*command, "--machine", MACHINE, "--to", str(target)], check=True)
    return target


@pytest.fixture(scope="session")
def packages(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, unpacked where Lambda unpacks them."""
    target = tmp_path_factory.mktemp("lambda")
    for name in ("function", "codecs", "numbers"):
        with zipfile.ZipFile(built / f"sarau-{name}-{MACHINE}.zip") as archive:
            archive.extractall(target / ("task" if name == "function" else "opt"))
    return target


@dataclass
class Cloud:
    """Two buckets and three queues; what lands is told to the first one."""

    url: str
    intake: str
    library: str
    events: str
    results: str
    dead: str
    s3: Any
    sqs: Any

    @classmethod
    def make(cls, url: str) -> "Cloud":
        options = {"endpoint_url": url, "region_name": CREDENTIALS["AWS_DEFAULT_REGION"]}
        s3, sqs = boto3.client("s3", **options), boto3.client("sqs", **options)
        name = uuid.uuid4().hex[:12]
        for bucket in (f"intake-{name}", f"library-{name}"):
            s3.create_bucket(Bucket=bucket)
        dead = sqs.create_queue(QueueName=f"dead-{name}")["QueueUrl"]
        redrive = {"deadLetterTargetArn": _arn(sqs, dead), "maxReceiveCount": str(ATTEMPTS)}
        events = sqs.create_queue(
            QueueName=f"events-{name}",
            Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "900"},
        )["QueueUrl"]
        results = sqs.create_queue(QueueName=f"results-{name}")["QueueUrl"]
        s3.put_bucket_notification_configuration(
            Bucket=f"intake-{name}",
            NotificationConfiguration={
                "QueueConfigurations": [
                    {"QueueArn": _arn(sqs, events), "Events": ["s3:ObjectCreated:*"]}
                ]
            },
        )
        return cls(url, f"intake-{name}", f"library-{name}", events, results, dead, s3, sqs)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "SARAU_LIBRARY": f"s3://{self.library}/sarau",
            "SARAU_S3_ENDPOINT": self.url,
            "SARAU_S3_REGION": CREDENTIALS["AWS_DEFAULT_REGION"],
            "SARAU_LANDING_RESULTS": self.results,
            "SARAU_LANDING_DEAD": self.dead,
            "SARAU_SANDBOX": "best_effort",
            **CREDENTIALS,
        }

    def land(self, path: Path, key: str, **metadata: str) -> None:
        body = path.read_bytes()
        self.s3.put_object(Bucket=self.intake, Key=key, Body=body, Metadata=metadata)

    def receive(self) -> list[Any]:
        """Take one message of an event, as the event source mapping does."""
        for _ in range(20):
            found = self.sqs.receive_message(
                QueueUrl=self.events,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=2,
                AttributeNames=["All"],
            ).get("Messages", [])
            if found and "s3:TestEvent" not in found[0]["Body"]:
                return list(found)
            if found:
                self.done(found)
        raise AssertionError("no event came")

    def done(self, messages: list[Any]) -> None:
        for one in messages:
            self.sqs.delete_message(QueueUrl=self.events, ReceiptHandle=one["ReceiptHandle"])

    def again(self, messages: list[Any]) -> None:
        """Let messages come again at once: nobody has said that they are done."""
        for one in messages:
            self.sqs.change_message_visibility(
                QueueUrl=self.events, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=0
            )

    def work(self, function: Function, **options: float) -> list[Any]:
        """Give one message to the function, and let it go or come again as it says."""
        messages = self.receive()
        answer = function.invoke(sqs_event(messages), **options)
        assert answer.kind == "response", function.log[-3000:]
        if answer.answer["batchItemFailures"]:
            self.again(messages)
        else:
            self.done(messages)
        return messages


def _arn(sqs: Any, url: str) -> str:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


class OtherServer(Server):
    """A server in the Python, and with the PyAV, of the function."""

    python = SERVER_PYTHON

    def track_of(self, key: str, *states: str) -> dict[str, Any]:
        """Return the only track of a file name, once it is in one of `states`."""
        end = time.monotonic() + 120
        while True:
            with self.client() as client:
                page = client.get("/api/v1/tracks", params={"limit": 100}).json()
            found = [one for one in page["items"] if one["filename"] == key.rsplit("/", 1)[-1]]
            assert len(found) <= 1, found
            if found and found[0]["state"] in states:
                return self.wait_for(found[0]["id"], *states)
            assert time.monotonic() < end, f"{found}\n" + "".join(self.log[-30:])
            time.sleep(0.2)


@pytest.fixture(scope="module")
def cloud(aws_url: str) -> Cloud:
    return Cloud.make(aws_url)


@pytest.fixture(scope="module")
def server(
    cloud: Cloud, postgresql: Postgresql, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OtherServer]:
    """A server that listens to the function. PostgreSQL: DBOS wants a newer SQLite here."""
    made = OtherServer(
        tmp_path_factory.mktemp("server"),
        **cloud.settings,
        SARAU_DATABASE_URL=postgresql.new_database(),
        PYTHONPATH=os.pathsep.join([str(ROOT / "src")]),
    )
    yield made.start()
    made.kill()


@pytest.fixture
def function(
    cloud: Cloud, server: OtherServer, packages: Path, tmp_path: Path
) -> Iterator[Function]:
    """The function, with everything that it needs and no database."""
    assert server.url  # the server has made the library
    made = Function(packages, tmp_path, **cloud.settings)
    yield made
    made.close()

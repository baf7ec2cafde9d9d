"""An SQS queue: the only module that speaks SQS."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sarau.errors import FailedCode, FailedError

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_MOST = 10
"""Messages that SQS gives at once."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ours until its visibility runs out."""

    text: str
    receipt: str


class Queue:
    """One queue. Thread-safe."""

    def __init__(self, url: str, client: "SQSClient") -> None:
        self.url = url
        self.client = client

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.client.close()

    def send(self, text: str) -> None:
        """Put a message in.

        Raises:
            FailedError: `queue_unavailable`.

        """
        with _translated(self.url):
            self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def receive(self, *, wait_s: int) -> list[Message]:
        """Take up to ten messages, waiting for the first one; raises as `send`."""
        with _translated(self.url):
            found = self.client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=_MOST, WaitTimeSeconds=wait_s
            )
        return [Message(one["Body"], one["ReceiptHandle"]) for one in found.get("Messages", [])]

    def remove(self, message: Message) -> None:
        """Remove a message whose work is done; raises as `send`."""
        with _translated(self.url):
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)

    def waiting(self) -> int:
        """Return about how many messages wait; raises as `send`."""
        with _translated(self.url):
            found = self.client.get_queue_attributes(
                QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(found["Attributes"]["ApproximateNumberOfMessages"])


@contextmanager
def _translated(url: str) -> Iterator[None]:
    from botocore import exceptions  # noqa: PLC0415 - comes with the extra `aws`

    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        raise FailedError(FailedCode.QUEUE_UNAVAILABLE, f"{url}: {error}") from error


def connect_queue(url: str, *, region: str | None = None) -> Queue:
    """Return a queue by its address, whose host is the one that is asked.

    Raises:
        FailedError: `queue_unavailable`, when the extra `aws` is not installed.

    """
    try:
        import boto3.session  # noqa: PLC0415 - comes with the extra `aws`
        from botocore.config import Config  # noqa: PLC0415 - as above
    except ImportError as error:
        detail = f"{url} needs the extra `sarau[aws]`: {error}"
        raise FailedError(FailedCode.QUEUE_UNAVAILABLE, detail) from error
    parts = urlsplit(url)
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    client = boto3.session.Session().client(
        "sqs",
        endpoint_url=f"{parts.scheme}://{parts.netloc}",
        region_name=region,
        config=config,
    )
    return Queue(url, client)

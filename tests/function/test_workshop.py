"""What an attempt has stored is told, whether it comes to something or not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from tests.contracts.stores import connected, new_bucket, s3_library
from tests.localstack import CREDENTIALS
from tests.sounds import write_music

from sarau.errors import FailedCode, FailedError
from sarau.function.deadline import Deadline
from sarau.function.handler import Function
from sarau.function.stages import Stages
from sarau.library import Place
from sarau.library.bucket import Bucket
from sarau.model.landing import Landing, Outcome
from sarau.settings import load

pytestmark = pytest.mark.aws

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@dataclass(frozen=True)
class Invocation:
    function_name: str = "function"
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def library(aws_url: str, tmp_path: Path) -> Bucket:
    made = new_bucket(aws_url)
    s3_library(made, tmp_path / "cache")
    return made


@pytest.fixture
def landing(aws_url: str, library: Bucket, tmp_path: Path) -> Landing:
    song = write_music(tmp_path / "song.wav", seconds=0.5)
    place = Place(library.place.bucket, endpoint=aws_url, region="us-east-1")
    library.client.upload_file(str(song), place.bucket, "in/song.wav")
    etag = connected(place).head("in/song.wav").etag.strip('"')
    return Landing(place.bucket, "in/song.wav", etag, song.stat().st_size)


@pytest.fixture
def function(aws_url: str, library: Bucket, tmp_path: Path) -> Iterator[Function]:
    region = CREDENTIALS["AWS_DEFAULT_REGION"]
    sqs = boto3.client("sqs", endpoint_url=aws_url, region_name=region)
    queue = sqs.create_queue(QueueName=library.place.bucket)["QueueUrl"]
    settings = load(
        {},
        data=tmp_path / "function",
        library=f"s3://{library.place.bucket}/{library.place.prefix}",
        s3_endpoint=aws_url,
        s3_region=region,
        landing_results=queue,
        landing_preset="archive",
        sandbox="best_effort",
    )
    made = Function(settings)
    yield made
    made.close()
    sqs.close()


def _break_with(library: Bucket, code: FailedCode, *, from_objects: int) -> Callable[[], float]:
    """Return a clock that fails once the library has so many objects."""

    def left_s() -> float:
        if len(library.names("objects/", limit=10)) >= from_objects:
            raise FailedError(code, "played")
        return 900.0

    return left_s


def _stored(library: Bucket) -> set[str]:
    return {name.rpartition("/")[2] for name in library.names("objects/", limit=10)}


def test_what_attempts_have_stored_is_noted_until_the_report_has_it(
    function: Function, library: Bucket, landing: Landing
) -> None:
    noted = []
    # The first attempt ends behind the source, the second one before anything is stored.
    for attempt, objects in enumerate((1, 0), start=1):
        clock = _break_with(library, FailedCode.LIBRARY_UNAVAILABLE, from_objects=objects)
        with pytest.raises(FailedError):
            function.take(landing, Invocation(), Deadline(clock, 1.0), attempt)
        trouble = function.documents.trouble(landing.id)
        assert trouble is not None
        noted.append({one.sha256 for one in trouble.stored})
    assert noted == [_stored(library)] * 2
    assert len(noted[0]) == 1


def test_a_report_names_what_was_stored_however_it_ended(
    function: Function, library: Bucket, landing: Landing
) -> None:
    clock = _break_with(library, FailedCode.FUNCTION_LIMIT, from_objects=1)
    report = function._workshop.take(
        landing,
        function._describe(Invocation()),
        Deadline(clock, 1.0),
        Stages(TRACEPARENT),
        stored := [],
    )
    assert (report.outcome, report.code) == (Outcome.FAILED, "function_limit")
    assert list(report.stored) == stored
    assert {one.sha256 for one in stored} == _stored(library)
    everything = Deadline(lambda: 900.0, 1.0)
    ready = function._workshop.take(
        landing, function._describe(Invocation()), everything, Stages(TRACEPARENT), stored
    )
    assert ready.outcome == Outcome.READY
    assert {one.sha256 for one in ready.stored} == _stored(library)
    assert len(ready.stored) == 1 + len(ready.renditions)

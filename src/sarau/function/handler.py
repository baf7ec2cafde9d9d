"""What Lambda calls: `sarau.function.handler.handle`.

An event is a batch of SQS messages that hold S3's events. Every message whose landings
have their reports is done; the others are named in the answer, and SQS gives them again
until it puts them into the dead queue.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, Final, Protocol

from sarau import __version__
from sarau.audio import Engine, SandboxMode
from sarau.errors import FailedCode, FailedError, SarauError
from sarau.function.choice import Terms
from sarau.function.deadline import Deadline
from sarau.function.stages import Stages
from sarau.function.workshop import Workshop
from sarau.landing import Documents, Queue, connect_queue
from sarau.library import Place, S3Library, connect
from sarau.library.bucket import Bucket
from sarau.library.s3 import read_sentinel
from sarau.model.landing import Landing, Maker, Stored, Trouble, read_event, to_notice
from sarau.model.landing_trace import to_traceparent
from sarau.observe.context import bind
from sarau.observe.logs import configure, say
from sarau.settings import Settings, lambda_trace, load
from sarau.storage import Volume

DOCTOR: Final = "doctor"

_logger = logging.getLogger(__name__)
_function: "Function | None" = None


class Context(Protocol):
    """What Lambda says of an invocation."""

    function_name: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long until it is killed."""


class Function:
    """Everything that stays open between invocations."""

    def __init__(self, settings: Settings) -> None:
        place = Place.of_library(settings)
        if place is None or settings.landing_results is None:
            detail = "SARAU_LIBRARY=s3://... and SARAU_LANDING_RESULTS have to be set"
            raise FailedError(FailedCode.INTERNAL, detail)
        self._bucket = connect(place)
        # Only a server makes a library; the function is held to what it finds.
        library = S3Library(
            self._bucket,
            Volume.open(settings.data, "cache", reserve_bytes=0),
            volume_id=read_sentinel(self._bucket),
            cache_bytes=0,
        )
        self.documents = Documents(self._bucket)
        self.results: Queue = connect_queue(settings.landing_results, region=settings.s3_region)
        self._engine = Engine(sandbox=SandboxMode(settings.sandbox), work_dir=settings.data)
        self._maker: Maker | None = None
        terms = Terms(settings.landing_preset, settings.landing_prefix, settings.max_upload_bytes)
        self._workshop = Workshop(library, self._other_bucket, self._engine, terms)

    def close(self) -> None:
        """End the engine and close the connections."""
        self._engine.close()
        self.results.close()
        self._bucket.close()

    def _other_bucket(self, name: str) -> Bucket:
        place = replace(self._bucket.place, bucket=name, prefix="", storage_class=None)
        return Bucket(place, self._bucket.client)

    def take(self, landing: Landing, context: Context, deadline: Deadline, attempt: int) -> None:
        """See to it that a landing has its report, and tell so.

        Raises:
            SarauError: Another attempt may do better; why is kept.

        """
        stored = self._stored_before(landing)
        try:
            if self.documents.report(landing.id) is None:
                maker = self._describe(context)
                stages = Stages(to_traceparent(lambda_trace()))
                report = self._workshop.take(landing, maker, deadline, stages, stored)
                self.documents.write(report)
                say(
                    _logger,
                    "landing",
                    outcome=report.outcome,
                    code=report.code,
                    preset=report.preset,
                    size_bytes=report.source_size_bytes,
                    duration_s=round(report.duration_s, 3),
                    sandbox=report.maker.sandbox,
                    trace_id=report.trace.trace_id if report.trace else None,
                )
            self.documents.open(landing.id)
            self.results.send(to_notice(landing.id))
        except Exception as error:
            code = error.code if isinstance(error, SarauError) else FailedCode.INTERNAL
            trouble = Trouble(str(code), str(error)[:500], attempt, tuple(stored))
            with suppress(SarauError):  # the bucket itself may be what is wrong
                self.documents.note(landing.id, trouble)
            raise

    def _stored_before(self, landing: Landing) -> list[Stored]:
        """Return what attempts have stored that came to nothing: no report names it yet."""
        trouble = self.documents.trouble(landing.id)
        return list(trouble.stored) if trouble is not None else []

    def _describe(self, context: Context) -> Maker:
        """Say who works, and look once how well the decoders are locked here."""
        if self._maker is None:
            found = self._engine.describe()
            self._maker = Maker(
                name=context.function_name,
                request_id="",
                version=__version__,
                sandbox=str(found.sandbox_level),
                tools=found.versions,
            )
        return replace(self._maker, request_id=context.aws_request_id)


def handle(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Work on a batch of messages, or on `{"sarau": "doctor"}`."""
    settings = load()
    configure("json", settings.secrets)
    if event.get("sarau") == DOCTOR:
        return examine(settings)
    deadline = Deadline.of(lambda: context.get_remaining_time_in_millis() / 1000)
    failed = [
        {"itemIdentifier": record["messageId"]}
        for record in event["Records"]
        if not _work(settings, record, context, deadline)
    ]
    return {"batchItemFailures": failed}


def _work(
    settings: Settings, record: Mapping[str, Any], context: Context, deadline: Deadline
) -> bool:
    """Work on one message; False when it has to come again."""
    global _function  # noqa: PLW0603 - Lambda keeps the process, and this is what it keeps it for
    attempt = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    try:
        if _function is None:
            _function = Function(settings)
        for landing in read_event(record["body"]):
            with bind(landing_id=landing.id, request_id=context.aws_request_id):
                _function.take(landing, context, deadline, attempt)
    except Exception:
        # Whatever it is: the message comes again, and the others of the batch go on.
        _logger.exception("message %s comes again", record["messageId"])
        return False
    return True


def examine(settings: Settings) -> dict[str, Any]:
    """Tell what the engine is here, and what holds it back: what `sarau doctor` tells elsewhere."""
    settings.data.mkdir(parents=True, exist_ok=True)
    with Engine(sandbox=SandboxMode.BEST_EFFORT, work_dir=settings.data) as engine:
        found = engine.describe()
    volume = Volume.open(settings.data, "cache", reserve_bytes=0)
    return {
        "version": __version__,
        "sandbox_wanted": settings.sandbox,
        "will_work": settings.sandbox != SandboxMode.REQUIRED or found.sandbox_level == "full",
        "free_bytes": volume.free_bytes(),
        "engine": asdict(found),
    }

import json
import logging
import uuid

import pytest

from sarau.observe.context import bind
from sarau.observe.logs import _Lines, say

EVIL = "a\r\n2026-01-01 INFO sarau: forged\x1b[2J\x9b31m\u2028\u202eb\x00"


class _Keeping(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def logger(form: str, *secrets: str) -> tuple[logging.Logger, list[str]]:
    found = logging.getLogger(f"test.{uuid.uuid4()}")
    found.setLevel(logging.INFO)
    found.propagate = False
    keeping = _Keeping()
    keeping.setFormatter(_Lines(form, secrets))
    found.addHandler(keeping)
    return found, keeping.lines


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_event_is_one_line_of_printable_characters(form: str) -> None:
    log, lines = logger(form)
    with bind(run_id=EVIL):
        say(log, EVIL, path=EVIL, count=3)
    (line,) = lines
    assert line.isprintable()
    assert "forged" in line


def test_json_gives_back_what_was_said() -> None:
    log, lines = logger("json")
    with bind(request_id="r1", track_id="t1"):
        say(log, "stage", stage="render", duration_s=1.5, code=None, detail=EVIL)
    event = json.loads(lines[0])
    assert event["detail"] == EVIL
    assert (event["request_id"], event["track_id"], event["duration_s"]) == ("r1", "t1", 1.5)
    assert "code" not in event


def test_a_traceback_cannot_look_like_an_event() -> None:
    log, lines = logger("text")
    try:
        int(EVIL)
    except ValueError:
        log.exception("broken")
    first, *rest = lines[0].split("\n")
    assert first.endswith("broken")
    assert rest
    assert all(line.startswith("    | ") and line.isprintable() for line in rest)


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_written_wherever_it_stands(form: str) -> None:
    secret = 'canary"with\\signs'
    log, lines = logger(form, secret, "canary")
    try:
        int(secret)
    except ValueError:
        log.exception("with %s", secret, extra={"fields": {"detail": f"x{secret}"}})
    log.warning("Authorization: Bearer tok-123.abc, and postgresql://sarau:pw-456@db/sarau")
    with bind(request_id=secret):
        log.info("bound")
    written = "".join(lines)
    for hidden in ("canary", "tok-123", "pw-456"):
        assert hidden not in written
    assert "postgresql://sarau:[hidden]@db/sarau" in written


def test_a_very_long_text_is_cut() -> None:
    log, lines = logger("json")
    log.info("x" * 1_000_000)
    assert len(lines[0]) < 5000


def test_a_broken_message_does_not_end_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    from sarau.observe.logs import configure  # noqa: PLC0415 - it replaces pytest's handlers

    root = logging.getLogger()
    before = root.handlers[:]
    level = root.level
    try:
        configure("json")
        logging.getLogger("test").info("%d", "no number")
        logging.getLogger("test").info("after")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.raiseExceptions = True
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["message"] == "after"

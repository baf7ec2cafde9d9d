"""Names are bytes that anybody may have chosen, and text wherever we say them."""

import json
import os

import pytest

from sarau.cli.exits import told
from sarau.cli.names import document, shown
from sarau.errors import FailedCode, FailedError

STRANGE = os.fsdecode(b"caf\xe9.wav")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("01 Água [live] :x: 日本.wav", "01 Água [live] :x: 日本.wav"),
        (STRANGE, r"caf\xe9.wav"),
        ("a\x1b[2Jb\n.wav", r"a\x1b[2Jb\x0a.wav"),
        ("\u202evaw.exe", r"\u202evaw.exe"),
        ("\ud800", r"\ud800"),
    ],
)
def test_a_name_can_be_printed_and_does_nothing_to_the_terminal(name: str, said: str) -> None:
    assert shown(name) == said
    assert shown(name).encode()


def test_a_document_is_json_for_every_parser() -> None:
    record = {"file": STRANGE, "all": [{"b\n": "Água\n", STRANGE: 1.5}], "none": None}
    said = document(record)
    assert "\\ud" not in said
    assert json.loads(said) == {
        "file": r"caf\xe9.wav",
        "all": [{"b\n": "Água\n", r"caf\xe9.wav": 1.5}],
        "none": None,
    }


def test_a_reason_that_holds_a_name_can_be_printed() -> None:
    error = FailedError(FailedCode.DISK_ERROR, f"\x1b[2J{STRANGE}: Permission denied")
    assert told(error, "en").endswith(r" (disk_error: \x1b[2Jcaf\xe9.wav: Permission denied)")

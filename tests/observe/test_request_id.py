import pytest

from sarau.observe.request_id import choose

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_harmless_name_is_kept() -> None:
    assert choose("order-7:a.b_c", f"00-{TRACE}-b7ad6b7169203331-01") == "order-7:a.b_c"


def test_a_trace_names_a_request_that_has_no_name() -> None:
    assert choose(None, f"00-{TRACE}-b7ad6b7169203331-01") == TRACE


@pytest.mark.parametrize(
    "given", ["", "a\r\nX-Evil: 1", "\x1b[31m", "a" * 65, "café", "a b", "{}", "a\n"]
)
def test_what_could_forge_a_line_is_replaced(given: str) -> None:
    made = choose(given, None)
    assert made != given
    assert len(made) == 32
    assert int(made, 16)


@pytest.mark.parametrize(
    "given",
    [
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{TRACE}",
    ],
)
def test_a_trace_that_the_standard_forbids_is_not_taken(given: str) -> None:
    assert choose(None, given) != TRACE

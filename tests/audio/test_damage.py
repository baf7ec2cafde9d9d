"""The rule for damage, where real files would only show one case of many."""

import pytest

from sarau.audio._damage import Claims, judge
from sarau.errors import RejectedCode, RejectedError

RATE_HZ = 44_100
PROMISED_S = 20


def judged(claims: Claims, seconds: float, *bad_at_s: float) -> tuple[str, ...]:
    """Judge an MP3 that `seconds` were decoded of."""
    samples = int(seconds * RATE_HZ)
    return judge(
        "mp3", claims, samples=samples, sample_rate_hz=RATE_HZ, bad_at_s=bad_at_s, md5=None
    )


@pytest.mark.parametrize("seams_s", [(), (PROMISED_S,)])
def test_what_is_behind_the_promised_end_makes_up_for_no_damage(seams_s: tuple[float]) -> None:
    claims = Claims(samples=PROMISED_S * RATE_HZ, seams_s=seams_s)
    with pytest.raises(RejectedError) as caught:
        judged(claims, 2 * PROMISED_S - 5, 10.0)
    assert caught.value.code is RejectedCode.CORRUPT


def test_at_a_seam_nothing_is_forgiven_but_the_seam() -> None:
    claims = Claims(samples=PROMISED_S * RATE_HZ, seams_s=(9.0,))
    assert judged(claims, PROMISED_S, 9.1) == ()
    with pytest.raises(RejectedError):
        judged(claims, PROMISED_S, 5.0)


@pytest.mark.parametrize("bad_at_s", [5.0, PROMISED_S - 0.05])
def test_what_fails_in_an_mp3_that_is_whole_is_junk(bad_at_s: float) -> None:
    assert judged(Claims(samples=PROMISED_S * RATE_HZ), PROMISED_S, bad_at_s) == ()


def test_what_fails_behind_the_promised_end_is_junk() -> None:
    assert judged(Claims(samples=PROMISED_S * RATE_HZ), PROMISED_S + 2, PROMISED_S + 0.5) == ()

"""What two fingerprints have in common is found wherever the recordings begin."""

import random
import struct

import pytest

from sarau.model.fingerprint import ITEM_S, MOST_MARKS, Fingerprint, compare


def random_items(seed: int, count: int = 800) -> list[int]:
    chance = random.Random(seed)
    return [chance.getrandbits(32) for _ in range(count)]


def made_of(items: list[int]) -> Fingerprint:
    return Fingerprint(struct.pack(f"<{len(items)}I", *items))


def worn(items: list[int], bits: int, seed: int = 1) -> list[int]:
    """Return items of which each has up to `bits` bits turned over; every fifth has none."""
    chance = random.Random(seed)
    worn_items = []
    for number, item in enumerate(items):
        found = item
        for _ in range(bits if number % 5 else 0):
            found ^= 1 << chance.randrange(32)
        worn_items.append(found)
    return worn_items


def test_the_same_bits_have_the_score_one() -> None:
    found = compare(made_of(random_items(1)), made_of(random_items(1)))
    assert found is not None
    assert (found.score, found.offset_s) == (1.0, 0.0)
    assert found.matched_s == pytest.approx(800 * ITEM_S, abs=0.1)


def test_a_worn_copy_with_another_start_is_found_with_its_offset() -> None:
    whole = random_items(2)
    found = compare(made_of(worn(whole[100:], 4)), made_of(whole))
    assert found is not None
    assert found.offset_s == round(100 * ITEM_S, 2)
    assert 0.7 < found.score < 0.9
    back = compare(made_of(whole), made_of(worn(whole[100:], 4)))
    assert back is not None
    assert back.offset_s == -found.offset_s


def test_chance_is_not_a_likeness() -> None:
    assert compare(made_of(random_items(3)), made_of(random_items(4))) is None


def test_a_part_that_both_have_is_not_enough_when_it_is_short() -> None:
    jingle = random_items(5, 200)
    one, other = (made_of(jingle + random_items(seed, 600)) for seed in (6, 7))
    assert compare(one, other) is None


@pytest.mark.parametrize("size_bytes", [1, 6, 1 << 18])
def test_what_no_hour_of_sound_gives_is_no_fingerprint(size_bytes: int) -> None:
    with pytest.raises(ValueError, match="no fingerprint"):
        Fingerprint(bytes(size_bytes))


def test_what_is_too_short_is_like_nothing() -> None:
    short = made_of(random_items(8, 20))
    assert compare(short, short) is None


def test_a_cut_in_the_middle_leaves_the_longer_part() -> None:
    whole = random_items(9)
    found = compare(made_of(whole[:500] + whole[600:]), made_of(whole))
    assert found is not None
    assert found.matched_s == pytest.approx(500 * ITEM_S, abs=2.5)


def test_marks_are_the_same_wherever_a_recording_begins() -> None:
    whole = random_items(10, 3000)
    marks = made_of(whole).marks()
    assert len(marks) == MOST_MARKS
    assert len(set(marks) & set(made_of(whole[300:]).marks())) > 40
    assert not set(marks) & set(made_of(random_items(11, 3000)).marks())


def test_silence_and_steady_tones_have_no_marks() -> None:
    assert made_of([627964279] * 1000).marks() == []
    assert made_of(list(range(10)) * 100).marks() == []

from sarau.model.ids import is_id, new_id


def test_ids_are_unique_and_have_their_shape() -> None:
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(is_id(one) for one in made)


def test_ids_sort_by_the_millisecond_of_their_creation() -> None:
    made = [new_id() for _ in range(5000)]
    assert [one[:9] for one in made] == sorted(one[:9] for one in made)


def test_what_is_not_an_id_is_told() -> None:
    for text in ("", "../../etc/passwd", "x" * 33, "U" * 32, new_id().upper()):
        assert not is_id(text)

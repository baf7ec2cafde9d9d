"""Tasks that are done every so many seconds."""

from sarau.intake.rounds import Timetable


def test_what_was_done_is_not_due_before_its_time() -> None:
    def always() -> None: ...

    def rarely() -> None: ...

    timetable = Timetable({rarely: 3600.0, always: 0.0})
    assert timetable.due() == [rarely, always]
    assert timetable.due() == [always]
    assert timetable.due() == [always]

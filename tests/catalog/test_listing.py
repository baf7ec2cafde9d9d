"""Pages, searches and counts, on each kind of database."""

import random

import pytest
import sqlalchemy as sa

from sarau.catalog import Database, listing, tallies, tracks
from sarau.catalog.schema import downgrade, migrate
from sarau.catalog.tables import tallies as notes
from sarau.catalog.tables import tracks as rows
from sarau.catalog.tables import users
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID, TrackId, UploadId, UserId, new_id
from sarau.model.lifecycle import TrackState
from sarau.model.track import Track

BIA = UserId("bia")
DELETED = (TrackState.RECEIVED, TrackState.CANCELLED, TrackState.DELETED)


def _add(
    database: Database,
    title: str = "a",
    *,
    filename: str = "1.wav",
    owner: UserId = LOCAL_USER_ID,
    states: tuple[TrackState, ...] = (),
) -> Track:
    with database.write() as connection:
        track = tracks.create(
            connection,
            TrackId(new_id()),
            owner_id=owner,
            filename=filename,
            title=title,
            preset="archive",
            upload_id=UploadId(new_id()),
        )
        for state in states:
            track = tracks.change_state(connection, track, state)
    return track


def _found(database: Database, text: str, limit: int = 50) -> list[str]:
    with database.read() as connection:
        page = listing.page(connection, LOCAL_USER_ID, limit=limit, text=text)
    return [track.title for track in page]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("joao", True),
        ("JOÃO", True),
        ("gilberto joão", True),  # in any order
        ("oão gil", True),  # inside a word too, from three characters on
        ("gi", True),  # where a word begins
        ("g", True),
        ("il", False),
        ("chega-de", True),
        ("03 saudade", True),
        ("nara", False),
        ("gilberto nara", False),
        ("%", False),
        ("!!", True),  # neither letter nor digit: as it is written
        ("?!", False),
        ("東京", True),
        ("京", False),
    ],
)
def test_a_search_finds_names_without_accents_and_case(
    database: Database, text: str, *, is_found: bool
) -> None:
    track = _add(database, "Chega de Saudade!! 東京", filename="03_saudade.wav")
    with database.write() as connection:
        tracks.edit(connection, track, title=None, artist="João Gilberto")
    _add(database, "another")
    assert _found(database, text) == (["Chega de Saudade!! 東京"] if is_found else [])


def test_a_track_is_found_by_its_new_name_only(database: Database) -> None:
    track = _add(database, "before")
    with database.write() as connection:
        tracks.edit(connection, track, title="afterwards", artist=None)
    assert _found(database, "before") == []
    assert _found(database, "afterwards") == ["afterwards"]


@pytest.mark.parametrize("few", [0, 99], ids=["many in a state", "few in a state"])
@pytest.mark.parametrize("common", [1, 99], ids=["looks on", "asks the index"])
def test_a_search_finds_what_is_older_than_it_looks_at_first(
    database: Database, monkeypatch: pytest.MonkeyPatch, common: int, few: int
) -> None:
    monkeypatch.setattr(listing, "_FEW", few)
    monkeypatch.setattr(listing, "_NEWEST", 2)
    monkeypatch.setattr(listing, "_COMMON", common)
    for title in ("samba 1", "choro", "samba 2", "samba 3", "bossa"):
        _add(database, title)
    _add(database, "samba 4", owner=_bia(database))
    _add(database, "samba 5", states=(TrackState.RECEIVED, TrackState.CANCELLED))
    assert _found(database, "samba") == ["samba 5", "samba 3", "samba 2", "samba 1"]
    assert _found(database, "samba", limit=3) == ["samba 5", "samba 3", "samba 2"]
    with database.read() as connection:
        third = listing.page(connection, LOCAL_USER_ID, limit=2, text="samba")[-1]
        older = listing.page(connection, LOCAL_USER_ID, limit=9, text="samba", before=third.id)
        states = [TrackState.CANCELLED, TrackState.DELETED]
        some = listing.page(connection, LOCAL_USER_ID, limit=9, text="samba", states=states)
        arriving = listing.page(
            connection, LOCAL_USER_ID, limit=9, text="samba", states=[TrackState.RECEIVING]
        )
    assert [one.title for one in older] == ["samba 2", "samba 1"]
    assert [one.title for one in some] == ["samba 5"]
    assert [one.title for one in arriving] == ["samba 3", "samba 2", "samba 1"]


def _bia(database: Database) -> UserId:
    with database.write() as connection:
        connection.execute(sa.insert(users).values(id=BIA, name="Bia", created_at=now()))
    return BIA


def test_pages_of_any_states_follow_one_another_without_gap_or_repetition(
    database: Database,
) -> None:
    rng = random.Random(1)
    ways: list[tuple[TrackState, ...]] = [
        (),
        (TrackState.RECEIVED,),
        (TrackState.RECEIVED, TrackState.CANCELLED),
        DELETED,
    ]
    made = [_add(database, str(n), states=rng.choice(ways)) for n in range(60)]
    for states in ((), (TrackState.RECEIVED, TrackState.CANCELLED), (TrackState.DELETED,)):
        meant = [t for t in made if t.state is not TrackState.DELETED]
        wanted = [t.id for t in reversed(meant) if not states or t.state in states]
        seen: list[TrackId] = []
        with database.read() as connection:
            while page := listing.page(
                connection,
                LOCAL_USER_ID,
                limit=7,
                before=seen[-1] if seen else None,
                states=states,
            ):
                seen += [track.id for track in page]
        assert seen == wanted


def test_counts_are_those_of_the_rows_whatever_happened(database: Database) -> None:
    _bia(database)
    _add(database, owner=BIA)
    for states in ((), (TrackState.RECEIVED,), (TrackState.RECEIVED,), DELETED):
        _add(database, states=states)
    gone = _add(database)

    def change_and_fail() -> None:
        with database.write() as connection:
            tracks.change_state(connection, gone, TrackState.RECEIVED)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    with database.write() as connection:
        connection.execute(sa.delete(rows).where(rows.c.id == gone.id))
    wanted = {"receiving": 1, "received": 2}
    for _ in range(2):
        with database.read() as connection:
            assert listing.counts(connection, LOCAL_USER_ID) == wanted
            assert listing.counts(connection, BIA) == {"receiving": 1}
            everything = tallies.by_state(connection, rows)
        assert everything == {"receiving": 2, "received": 2, "deleted": 1}
        with database.write() as connection:
            tallies.fold(connection)
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(notes)).scalar_one() == 4


def test_what_is_there_is_counted_and_searchable_after_an_upgrade(database: Database) -> None:
    _add(database, "São Paulo", states=(TrackState.RECEIVED,))
    downgrade(database.engine, "0007")
    migrate(database.engine)
    with database.read() as connection:
        assert listing.counts(connection, LOCAL_USER_ID) == {"received": 1}
    assert _found(database, "sao") == ["São Paulo"]


def test_what_an_older_version_writes_is_searchable_when_filled_in(database: Database) -> None:
    _add(database, "São Paulo")
    with database.write() as connection:
        connection.execute(sa.update(rows).values(search_text=None))
        missing = tracks.without_search_text(connection, limit=10)
        assert tracks.fill_in_search_text(connection, missing) == 1
        assert tracks.without_search_text(connection, limit=10) == []
    assert _found(database, "sao") == ["São Paulo"]

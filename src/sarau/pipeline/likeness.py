"""Finding the tracks of the same owner that are the same recording as a new one."""

from sarau.catalog import Database, fingerprints, likenesses
from sarau.model.fingerprint import Fingerprint, compare
from sarau.model.track import Track

_MOST_COMPARED = 20


def find_alike(database: Database, track: Track, fingerprint: Fingerprint) -> None:
    """Compare a track with the likeliest of its owner's others, and keep what is alike.

    Its own fingerprint must have been committed: of two tracks that come at once, at
    least the later one then finds the other.
    """
    with database.read() as connection:
        ids = fingerprints.candidates(connection, track, fingerprint, limit=_MOST_COMPARED)
        others = fingerprints.find(connection, ids)
    compared = {
        other_id: compare(fingerprint, others[other_id]) for other_id in ids if other_id in others
    }
    found = {other_id: likeness for other_id, likeness in compared.items() if likeness}
    if found:
        with database.write() as connection:
            likenesses.save(connection, track, found)

"""Fills a catalog with as many tracks as a long life leaves, by COPY and INSERT ... SELECT.

Every track has what a real one has: its upload, source, run, renditions, their objects and its
history. Only the analyses' pictures and full waveforms are left out, which no list reads.
"""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from sarau.model.own_preset import to_definition
from sarau.model.preset import PRESETS
from sarau.model.search_text import fold

SHARES = (
    ("ready", 0.970),
    ("deleted", 0.010),
    ("rejected", 0.008),
    ("failed", 0.005),
    ("cancelled", 0.0045),
    ("received", 0.002),
    ("receiving", 0.0005),
)
AT_REST = (("ready", 0.99), ("rejected", 0.01))
"""Of a catalog in which nothing is left to be done."""
_SYLLABLES = [
    "ba",
    "be",
    "bo",
    "ca",
    "ce",
    "co",
    "da",
    "do",
    "fa",
    "fi",
    "ga",
    "go",
    "ja",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "me",
    "mi",
    "mo",
    "na",
    "no",
    "pa",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "so",
    "ta",
    "te",
    "va",
    "vi",
    "xa",
]
_KNOWN = [
    "samba",
    "choro",
    "bossa",
    "baião",
    "forró",
    "saudade",
    "coração",
    "João",
    "Maria",
    "noite",
    "lua",
    "mar",
    "rio",
    "sol",
    "amor",
    "canção",
    "valsa",
    "tema",
    "ao",
    "vivo",
    "remix",
    "live",
    "the",
    "love",
    "night",
    "moon",
    "river",
    "blue",
    "dance",
    "piano",
    "solo",
    "suite",
    "opus",
]
_WORDS = 20_000


def vocabulary(rng: random.Random) -> list[str]:
    """Return words, the most used ones first."""
    made = {"".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4))) for _ in range(2 * _WORDS)}
    return _KNOWN + sorted(made - set(_KNOWN), key=lambda _word: rng.random())[:_WORDS]


def _tracks(
    number: int, rng: random.Random, shared: Sequence[tuple[str, float]]
) -> Iterator[tuple[Any, ...]]:
    words, states = vocabulary(rng), [state for state, _ in shared]
    shares = [share for _, share in shared]

    def some(count: int) -> str:
        # Few words stand in many titles, most in a few.
        return " ".join(words[int(rng.random() ** 3 * len(words))] for _ in range(count))

    for n in range(number):
        title, artist = some(rng.randint(1, 4)).capitalize(), some(2).title()
        state = rng.choices(states, shares)[0]
        filename = f"{n % 30:02} - {title}.wav"
        yield n, filename, title, artist, fold(title, artist, filename), state


def seed(engine: sa.Engine, number: int, shared: Sequence[tuple[str, float]] = SHARES) -> None:
    """Insert `number` tracks of the one user, the oldest first, with these shares of states."""
    raw = engine.raw_connection()
    rng = random.Random(number)
    with raw.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE made (n int, filename text, title text, artist text,"
                       " search_text text, state text)")  # fmt: skip
        with cursor.copy("COPY made FROM STDIN") as copy:
            for row in _tracks(number, rng, shared):
                copy.write_row(row)
        cursor.execute(_HELPERS)
        for name, statement in _STATEMENTS.items():
            print(f"  {name}", flush=True)
            cursor.execute(statement, _VALUES)
    raw.commit()
    raw.close()
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


_VALUES = {
    "definition": json.dumps(to_definition(PRESETS["streaming"])),
    "tags": json.dumps({"title": "Tema", "artist": "Alguém", "album": "Um disco", "date": "1962"}),
    "waveform": json.dumps({"sample_rate": 44100, "data": [0] * 16}),
    "tools": json.dumps({"encoder": "libmp3lame 3.100", "settings": "V0", "meter": "sarau 1"}),
}
_HELPERS = """
CREATE FUNCTION pg_temp.id_of(kind text, n int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT '06' || lpad(n::text, 11, '0') || substr(md5(kind || n), 1, 19) $$;
CREATE FUNCTION pg_temp.sha_of(kind text, n int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT encode(sha256((kind || n)::bytea), 'hex') $$;
CREATE FUNCTION pg_temp.at(n int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
$$ SELECT timestamptz '2024-01-01 00:00+00' + n * interval '60 seconds' $$;
"""
_STATEMENTS = {
    "tracks": """
INSERT INTO tracks (id, owner_id, filename, title, artist, search_text, preset, state, code,
                    run_id, created_at, updated_at)
SELECT pg_temp.id_of('track', n), 'local', filename, title, artist, search_text, 'streaming', state,
       CASE state WHEN 'rejected' THEN 'not_audio' WHEN 'failed' THEN 'disk_full' END,
       CASE WHEN state <> 'receiving' THEN pg_temp.id_of('run', n) END,
       pg_temp.at(n), pg_temp.at(n)
FROM made ORDER BY n""",
    "uploads": """
INSERT INTO uploads (id, owner_id, track_id, filename, preset, size_bytes, offset_bytes, sha256,
                     state, request_id, created_at, updated_at, expires_at)
SELECT pg_temp.id_of('upload', n), 'local', pg_temp.id_of('track', n), filename, 'streaming',
       50000000, CASE state WHEN 'receiving' THEN 10000000 ELSE 50000000 END,
       CASE WHEN state <> 'receiving' THEN pg_temp.sha_of('source', n) END,
       CASE state WHEN 'receiving' THEN 'receiving' WHEN 'received' THEN 'received'
                  WHEN 'rejected' THEN 'discarded' ELSE 'stored' END,
       md5('request' || n), pg_temp.at(n), pg_temp.at(n),
       CASE state WHEN 'receiving' THEN now() ELSE pg_temp.at(n) END + interval '7 days'
FROM made ORDER BY n""",
    "objects": """
INSERT INTO objects (sha256, size_bytes, stored_at, verified_at)
SELECT pg_temp.sha_of(kind, n), 5000000, pg_temp.at(n), now() - random() * interval '20 days'
FROM made, unnest(ARRAY['source', 'flac', 'mp3', 'aac', 'opus']) kind WHERE state = 'ready'""",
    "sources": """
INSERT INTO sources (track_id, object_sha256, size_bytes, container, codec, sample_rate_hz,
                     channels, bit_depth, duration_s, integrated_lufs, range_lu,
                     max_momentary_lufs, max_short_term_lufs, true_peak_dbtp, tags, warnings,
                     waveform)
SELECT pg_temp.id_of('track', n), pg_temp.sha_of('source', n), 50000000, 'wav', 'pcm_s16le',
       44100, 2, 16, 283.4, -18.2, 6.1, -12.1, -14.2, -1.3, %(tags)s::json, '[]',
       %(waveform)s::json
FROM made WHERE state = 'ready' ORDER BY n""",
    "runs": """
INSERT INTO runs (id, owner_id, track_id, preset, definition, attempt, state, stage, progress,
                  progress_at, turn, worker_id, code, created_at, started_at, finished_at)
SELECT pg_temp.id_of('run', n), 'local', pg_temp.id_of('track', n), 'streaming',
       %(definition)s::json, 1,
       CASE state WHEN 'ready' THEN 'succeeded' WHEN 'deleted' THEN 'succeeded'
                  WHEN 'received' THEN 'queued' ELSE state END,
       CASE WHEN state <> 'received' THEN 'publish' END, 1, pg_temp.at(n), n %% 1000,
       'host-' || n %% 8,
       CASE state WHEN 'rejected' THEN 'not_audio' WHEN 'failed' THEN 'internal' END,
       pg_temp.at(n), pg_temp.at(n), pg_temp.at(n)
FROM made WHERE state <> 'receiving' ORDER BY n""",
    "renditions": """
INSERT INTO renditions (id, owner_id, track_id, run_id, position, name, object_sha256, media_type,
                        extension, size_bytes, sample_rate_hz, channels, bitrate_bps, duration_s,
                        gain_db, target_lufs, ceiling_dbtp, integrated_lufs, range_lu,
                        max_momentary_lufs, max_short_term_lufs, true_peak_dbtp, verdict, tools,
                        created_at)
SELECT pg_temp.id_of(kind, n), 'local', pg_temp.id_of('track', n), pg_temp.id_of('run', n),
       position, kind, pg_temp.sha_of(kind, n), 'audio/' || kind, kind, 5000000, 44100, 2, 256000,
       283.4, 4.2, -14, -1, -14.0, 6.1, -8.1, -10.2, -1.1, 'passed', %(tools)s::json, pg_temp.at(n)
FROM made, unnest(ARRAY['flac', 'mp3', 'aac', 'opus']) WITH ORDINALITY AS k (kind, position)
WHERE state = 'ready' ORDER BY n""",
    "events": """
INSERT INTO events (number, at, owner_id, kind, track_id, upload_id, run_id, data)
SELECT n * 10 + position, pg_temp.at(n), 'local', kind, pg_temp.id_of('track', n),
       pg_temp.id_of('upload', n), pg_temp.id_of('run', n), '{"stage": "render"}'
FROM made, unnest(ARRAY['track.created', 'upload.created', 'upload.received', 'track.received',
     'run.stage', 'run.stage', 'run.stage', 'upload.stored', 'run.succeeded', 'track.ready'])
     WITH ORDINALITY AS k (kind, position)
ORDER BY n, position""",
    "counter": "UPDATE event_counter SET number = (SELECT max(number) FROM events)",
}

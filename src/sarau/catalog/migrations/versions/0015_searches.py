"""Searchable names and their index, made beside readers and writers."""

import re
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_BATCH = 2000
_TRACKS = sa.table("tracks", *map(sa.column, ("id", "title", "artist", "filename", "search_text")))
_PIECES = """
CREATE OR REPLACE FUNCTION sarau_grams(folded text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array(
        SELECT substr(folded, place, 3) FROM generate_series(1, length(folded) - 2) place
        UNION
        SELECT substr(folded, place, 2) FROM generate_series(1, length(folded) - 2) place
        WHERE substr(folded, place, 1) = ' ')
$$"""
"""The pieces of a name that are indexed: three characters, and the first one of each word."""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        is_postgresql = op.get_bind().dialect.name == "postgresql"
        _fill_in()
        if is_postgresql:
            patience = op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar_one()
            op.execute("SET lock_timeout = 0")  # it waits for writers, and nobody for it
            op.execute(_PIECES)
            _make(
                "ix_tracks_search_text_pieces",
                "tracks",
                [sa.text("sarau_grams(search_text)")],
                postgresql_using="gin",
                postgresql_with={"gin_pending_list_limit": 512},
            )
        _make("ix_tracks_search_text_missing", "tracks", ["id"], where="search_text IS NULL")
        if is_postgresql:
            # The session goes on to the next migration, which others would wait for.
            op.execute(f"SET lock_timeout = '{patience}'")


def _fill_in() -> None:
    """Fold the names of tracks, some at a time; what is written meanwhile is the caretaker's."""
    connection = op.get_bind()
    missing = sa.select(_TRACKS).where(_TRACKS.c.search_text.is_(None)).order_by("id")
    filled = (
        sa.update(_TRACKS)
        .where(_TRACKS.c.id == sa.bindparam("of"), _TRACKS.c.search_text.is_(None))
        .values(search_text=sa.bindparam("text"))
    )
    last = ""
    while rows := connection.execute(missing.where(_TRACKS.c.id > last).limit(_BATCH)).all():
        texts = [{"of": r.id, "text": _fold(r.title, r.artist, r.filename)} for r in rows]
        connection.execute(filled, texts)
        last = rows[-1].id


def _fold(*names: str | None) -> str:
    """Fold names as they were when this was written; whoever changes that fills them in anew."""
    apart = unicodedata.normalize("NFKD", " ".join(name for name in names if name))
    bare = "".join(one for one in apart if not unicodedata.combining(one))
    words = re.sub(r"[\W_]+", " ", bare.casefold()).split()
    return f" {' '.join(words)} " if words else ""


def _make(
    name: str,
    table: str,
    columns: list[str | sa.TextClause],
    where: str = "",
    **options: Any,  # noqa: ANN401 - Alembic's
) -> None:
    # One that was broken off is there and of no use: it is made anew.
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
    if where:
        options |= {"postgresql_where": sa.text(where), "sqlite_where": sa.text(where)}
    op.create_index(name, table, columns, postgresql_concurrently=True, **options)


def downgrade() -> None:
    op.drop_index("ix_tracks_search_text_missing", "tracks")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_tracks_search_text_pieces", "tracks")
        op.execute("DROP FUNCTION sarau_grams(text)")

"""`make bench`: everything, on real music, one after the other."""

from pathlib import Path

from bench import engine, music, startup, upload

ROUNDS = 3
EXCERPT_S = 60
RESULT = Path(__file__).parents[1] / "docs" / "guide" / "engine-costs.md"
BEGIN, END = "<!-- make bench -->", "<!-- end of make bench -->"


def write(text: str) -> None:
    """Put `text` between the marks; what is said around them stays."""
    page = RESULT.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    _, tail = rest.split(END)
    RESULT.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")


def costs_of_the_engine() -> None:
    sources = {piece.kind: music.excerpt(piece, EXCERPT_S) for piece in music.PIECES}
    text = "\n\n".join(
        [
            engine.bench(sources, ROUNDS, engine.NORMALIZE),
            startup.start_up(2 * ROUNDS),
            startup.by_cores(music.whole(music.PIECES[0]), ROUNDS),
        ]
    )
    print(text)
    write(text)


def main() -> None:
    costs_of_the_engine()
    upload.write(upload.bench(list(upload.PARTS), ROUNDS), upload.RESULT)


if __name__ == "__main__":
    main()

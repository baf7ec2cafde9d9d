"""`make bench`: everything, on real music, one after the other."""

from pathlib import Path

from bench import engine, music, startup, upload

ROUNDS = 3
EXCERPT_S = 45
GUIDE = Path(__file__).parents[1] / "docs" / "guide"
BEGIN, END = "<!-- make bench -->", "<!-- end of make bench -->"


def write(page: Path, text: str) -> None:
    """Put `text` between the marks of a page; what is said around them stays."""
    head, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")


def costs_of_the_engine() -> None:
    sources = {piece.kind: music.excerpt(piece, EXCERPT_S) for piece in music.PIECES}
    text = "\n\n".join(
        [
            engine.bench(sources, ROUNDS, engine.NORMALIZE),
            engine.wall(sources, ROUNDS),
            startup.start_up(2 * ROUNDS),
            startup.by_cores(music.whole(music.PIECES[0]), ROUNDS),
        ]
    )
    print(text)
    write(GUIDE / "engine-costs.md", text)


def main() -> None:
    costs_of_the_engine()
    write(GUIDE / "upload-costs.md", upload.bench(list(upload.PARTS), upload.PEERS, ROUNDS))


if __name__ == "__main__":
    main()

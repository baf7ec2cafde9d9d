"""The figures as a table."""

from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True, slots=True)
class Row:
    """How long one question took, each time."""

    question: str
    durations_s: list[float]

    @property
    def cells(self) -> str:
        cuts = quantiles(self.durations_s, n=100, method="inclusive")
        figures = (cuts[49], cuts[98], max(self.durations_s))
        return " | ".join(f"{1000 * one:.1f}" for one in figures)


def of(rows: list[Row], *, size: str, tracks: int) -> str:
    lines = [f"{tracks} tracks, {size}; milliseconds", ""]
    lines += ["| Question | p50 | p99 | longest |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {row.question} | {row.cells} |" for row in rows)])

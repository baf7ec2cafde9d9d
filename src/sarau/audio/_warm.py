"""Running every code path once in the zygote.

PyAV, mutagen and Pillow import parts of themselves when first used, and a locked child
can open none of their files. So the zygote does all that a child will do, on a short
buzz, before it forks any: here what analysing needs, the rest in `_warm_all`.
"""

import os
from typing import Final

from sarau.audio import _analyse
from sarau.audio._buzz import buzz
from sarau.audio._decode import Source
from sarau.audio._reporter import Reporter
from sarau.audio._texts import OLD_ENCODING
from sarau.audio._types import Analysis, Limits

_ENCODINGS: Final = (
    "latin-1", "ascii", OLD_ENCODING, "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig",
)  # fmt: skip


class Silent(Reporter):
    """Nobody's."""

    def __init__(self) -> None:
        super().__init__(-1, 0)

    def progress(self, fraction: float) -> None:
        """Say nothing."""


def warm() -> Analysis:
    """Analyse a short sound."""
    for encoding in _ENCODINGS:
        "".encode(encoding)
    with open(os.memfd_create("buzz"), "w+b") as file:  # noqa: PTH123 - it has no path
        file.write(buzz())
        file.flush()
        return _analyse.analyse(Source(file.fileno(), Limits()), Silent(), insight=True)

"""`sarau`, called as a person or a program would call it."""

import os
import subprocess
from pathlib import Path

from tests import nursery


def sarau(
    *arguments: str | Path, place: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Call it in `place`, for somebody who reads English, and wait until it ends."""
    return nursery.run(
        ["-m", "sarau", *map(str, arguments)],
        environment=in_english() | environment,
        place=place,
    )


def in_english() -> dict[str, str]:
    """Return our environment, where everything that chooses a language chooses English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    return kept | {"LANG": "en_US.UTF-8"}

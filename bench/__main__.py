"""`make bench`: everything, on real music, one after the other."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.music import real_music

from bench import engine, upload

EXCERPT_S = 120
RESULT = Path(__file__).parents[1] / "docs" / "guide" / "engine-costs.md"
CACHE = Path(__file__).parent / ".cache"


def excerpt() -> Path:
    """Return two minutes of real music as 16 bit FLAC at 44.1 kHz."""
    CACHE.mkdir(exist_ok=True)
    target = CACHE / "excerpt.flac"
    command = ["ffmpeg", "-v", "error", "-y", "-ss", "30", "-t", str(EXCERPT_S)]
    command += ["-i", str(real_music()[0]), "-ar", "44100", "-sample_fmt", "s16", str(target)]
    subprocess.run(command, check=True)
    return target


def main() -> None:
    normalize = shutil.which("ffmpeg-normalize", path=str(Path(sys.executable).parent))
    table = engine.bench([excerpt()], 3, normalize)
    print(table)
    RESULT.write_text(
        "# What the engine costs\n\nWritten by `make bench`, on one real MP3 made into FLAC."
        f" Ratios count; the machine was shared.\n\n{table}\n"
    )
    sys.argv = sys.argv[:1]
    upload.main()


if __name__ == "__main__":
    main()

"""MP3s at full speed: LAME is loaded before PyAV, in the process that encodes."""

import importlib.metadata
import subprocess
import sys

from sarau.audio import Engine

_BUNDLED_IS_SLOW = int(importlib.metadata.version("av").partition(".")[0]) < 19

LATE = """
import av
from sarau.audio import _libraries
_libraries.load_libraries()
print(_libraries.lame_source())
"""


def test_the_engine_uses_the_lame_that_is_fast(engine: Engine) -> None:
    report = engine.describe()
    assert report.lame_source == ("system" if _BUNDLED_IS_SLOW else "bundled")
    assert report.missing == ()


def test_a_lame_that_comes_too_late_is_not_claimed() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "bundled"

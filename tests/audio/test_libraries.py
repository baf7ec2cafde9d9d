"""MP3s at full speed: LAME is loaded before PyAV, in the process that encodes."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from sarau.audio import Engine

_BUNDLED_IS_SLOW = int(importlib.metadata.version("av").partition(".")[0]) < 19

LATE = """
import av
from sarau.audio import _libraries
_libraries.load_libraries()
print(_libraries.lame_source())
"""

ENCODE = """
import sys
from sarau.audio import _libraries
if sys.argv[1] == "system":
    _libraries.WHEEL = "no_such_package"
if sys.argv[1] == "bundled":
    import av
_libraries.load_libraries()
import numpy as np
from pathlib import Path
from sarau.audio import SourceInfo
from sarau.audio._encode import Encoder
from sarau.audio._frames import to_frame
from sarau.model.preset import PRESETS
info = SourceInfo("wav", "pcm_s16le", 44100, 2, "stereo", 16, None, 300000, 6.8, True)
spec = next(each for each in PRESETS["streaming"].renditions if each.name == "mp3")
encoder = Encoder(spec, Path(sys.argv[2]), info, layout="stereo", exact=False)
noise = np.random.default_rng(3).normal(0, 0.1, (2, 300_000)).astype(np.float32)
encoder.push(to_frame(noise, rate_hz=44100, layout="stereo", pts=0))
encoder.push(None)
print(_libraries.lame_source())
"""


def encoded_with(lame: str, out: Path) -> bytes:
    command = [sys.executable, "-c", ENCODE, lame, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == lame
    return out.read_bytes()


def test_the_engine_uses_the_lame_that_is_fast(engine: Engine) -> None:
    report = engine.describe()
    assert report.lame_source == ("wheel" if _BUNDLED_IS_SLOW else "bundled")
    assert report.missing == ()


def test_a_lame_that_comes_too_late_is_not_claimed() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "bundled"


def test_every_lame_makes_the_same_bytes(engine: Engine, tmp_path: Path) -> None:
    lames = ("wheel", "system", "bundled") if _BUNDLED_IS_SLOW else ("bundled", "bundled")
    made = [encoded_with(lame, tmp_path / f"{index}.mp3") for index, lame in enumerate(lames)]
    assert len(made[0]) > 50_000
    assert len(set(made)) == 1
    expected = "3.100 wheel" if _BUNDLED_IS_SLOW else "bundled"
    assert engine.describe().versions["lame"] == expected


PICTURES = """
import sys
from sarau.audio import _libraries
_libraries.load_libraries()
from sarau.audio import _warm_all
_warm_all._remake_pictures()
print([name for name in sys.modules if name.startswith("PIL.") and name.endswith("Plugin")])
"""


def test_getting_ready_loads_no_plugin_of_pillow_that_nobody_needs() -> None:
    command = [sys.executable, "-c", PICTURES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "PIL.MpoImagePlugin" in done.stdout
    assert "PIL.PdfImagePlugin" not in done.stdout

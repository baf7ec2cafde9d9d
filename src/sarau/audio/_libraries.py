"""Loading FFmpeg and its helpers the right way, once per process."""

import contextlib
import ctypes
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

SYSTEM_LAME: Final = "libmp3lame.so.0"
_PACKAGES: Final = ("numpy", "pillow", "mutagen")
VORBIS_PACKAGE: Final = "soundfile"
"""It may not be there."""
WHEEL: Final = "lameenc"
"""A package whose extension is LAME, statically linked, and exports its functions."""
_FIRST_FAST_PYAV: Final = 19
"""From this major version on PyAV carries LAME at full speed; before, its build is 3 x slower."""

_lame: tuple[str, ctypes.CDLL] | None = None


def load_libraries() -> None:
    """Import PyAV, with a fast LAME in front of a slow bundled one.

    The library has to be loaded with global symbols before `av` is, so that the
    dynamic linker takes its functions for those that PyAV's FFmpeg asks for. Where
    PyAV is there already it is too late, and `lame_source` says so.
    """
    global _lame  # noqa: PLW0603 - the handle must live as long as the process
    is_in_time = "av" not in sys.modules
    if pyav_major() < _FIRST_FAST_PYAV and is_in_time and _lame is None:
        _lame = next(_fast_lames(), None)
    import av  # noqa: PLC0415 - must come after LAME
    import av.logging  # noqa: PLC0415 - must come after LAME

    av.logging.set_libav_level(av.logging.PANIC)
    av.logging.set_level(None)


def _fast_lames() -> Iterator[tuple[str, ctypes.CDLL]]:
    """Yield what can be loaded: the package, pinned like all others, then the system's."""
    found = importlib.util.find_spec(WHEEL)
    wanted = {"wheel": found.origin if found else None, "system": SYSTEM_LAME}
    for source, path in wanted.items():
        if path is None:
            continue
        try:
            library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        if hasattr(library, "lame_encode_buffer_float"):
            yield source, library


@cache
def pyav_major() -> int:
    """Return PyAV's major version without importing it."""
    found = importlib.util.find_spec("av")
    if found is None or found.origin is None:
        raise ImportError("there is no PyAV")
    about = Path(found.origin).with_name("about.py").read_text(encoding="utf-8")
    return int(about.split('"')[1].split(".")[0])


def lame_source() -> str:
    """Tell which LAME encodes MP3: `wheel`, `system` or `bundled`."""
    return _lame[0] if _lame is not None else "bundled"


def has_slow_lame() -> bool:
    """Tell whether MP3 encoding would be faster with another LAME."""
    return pyav_major() < _FIRST_FAST_PYAV and _lame is None


def tool_versions() -> dict[str, str]:
    """Return what made and measured a rendition, as far as this process has loaded it."""
    import av  # noqa: PLC0415 - must come after LAME

    versions = {"pyav": str(av.__version__)}
    for name, numbers in av.library_versions.items():
        versions[name] = ".".join(str(number) for number in numbers)
    versions["lame"] = lame_version()
    return versions


def lame_version() -> str:
    """Return the version of the LAME in use and where it comes from."""
    if _lame is None:
        return "bundled"
    source, library = _lame
    get = library.get_lame_version
    get.restype = ctypes.c_char_p
    text: bytes = get() or b"?"
    return f"{text.decode('ascii', 'replace')} {source}"


@cache
def package_versions() -> dict[str, str]:
    """Return the versions of the packages that make renditions, without importing them."""
    import importlib.metadata  # noqa: PLC0415 - takes half as long as to import PyAV

    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        found["vorbis"] = f"{VORBIS_PACKAGE} {importlib.metadata.version(VORBIS_PACKAGE)}"
    return found

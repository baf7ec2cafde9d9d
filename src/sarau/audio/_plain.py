# ruff: noqa: ANN401, PLR0911, TRY004 - one case per kind of value; wrong data is a ValueError
"""Dataclasses to plain JSON values and back, checked by type on the way in.

What comes back from a child was written next to an untrusted file, so `from_plain`
accepts only what the annotations say.
"""

import base64
import binascii
import types
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

Plain = Any
"""What `json` writes: dict, list, str, int, float, bool, None."""


def to_plain(value: object) -> Plain:
    """Return `value` (dataclass, enum, path, bytes, tuple, dict) as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


def from_plain(cls: type[T], data: Plain) -> T:
    """Rebuild a `cls` from what `to_plain` gave.

    Unknown keys are refused and missing ones take their defaults, so that a record
    written by an older version is still read.

    Raises:
        ValueError: when `data` does not have the shape of `cls`.

    """
    built: T = _build(cls, data, cls.__name__)
    return built


def _build(kind: Any, data: Plain, where: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _build_union(kind, data, where)
    if origin in (tuple, list):
        item = get_args(kind)[0]
        if not isinstance(data, list):
            raise ValueError(f"{where}: a list was expected")
        return origin(_build(item, each, where) for each in data)
    if origin is dict:
        if not isinstance(data, dict):
            raise ValueError(f"{where}: an object was expected")
        item = get_args(kind)[1]
        return {str(key): _build(item, each, where) for key, each in data.items()}
    if is_dataclass(kind):
        return _build_dataclass(kind, data, where)
    return _build_scalar(kind, data, where)


def _build_union(kind: Any, data: Plain, where: str) -> Any:
    options = [option for option in get_args(kind) if option is not type(None)]
    if data is None and len(options) < len(get_args(kind)):
        return None
    return _build(options[0], data, where)


def _build_dataclass(kind: Any, data: Plain, where: str) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{where}: an object was expected")
    hints = get_type_hints(kind)
    unknown = data.keys() - {f.name for f in fields(kind)}
    if unknown:
        raise ValueError(f"{where}: unknown {sorted(unknown)}")
    values = {name: _build(hints[name], item, f"{where}.{name}") for name, item in data.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def _build_scalar(kind: Any, data: Plain, where: str) -> Any:
    try:
        if kind is bytes and isinstance(data, str):
            return base64.b64decode(data, validate=True)
        if kind is Path and isinstance(data, str):
            return Path(data)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind(data)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(kind, type) and type(data) is kind:
        return data
    raise ValueError(f"{where}: {kind} was expected")

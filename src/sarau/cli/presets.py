"""`sarau preset`: the presets of an installation; and presets as arguments of other commands."""

import json
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sarau.errors import RefusedError
from sarau.model.own_preset import read_preset, to_definition
from sarau.model.preset import PRESETS, Preset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import sqlalchemy as sa

    from sarau.app import App

_data = click.option(
    "--data", type=click.Path(path_type=Path), help="Directory of D, E and the database."
)


class PresetType(click.ParamType[Preset]):
    """The name of a built-in preset, or a TOML file that defines one."""

    name = "preset"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Preset:
        """Return the preset that was asked for."""
        if isinstance(value, Preset):
            return value
        given = str(value)
        if given in PRESETS:
            return PRESETS[given]
        if not given.endswith(".toml"):
            known = ", ".join(PRESETS)
            self.fail(
                f"{given!r} is none of {known}, and no file that ends in .toml; a preset that was"
                " added to an installation is known there alone: here, give its TOML file",
                param,
                ctx,
            )
        try:
            return read_file(Path(given))
        except (OSError, ValueError, RefusedError) as error:
            self.fail(f"{given}: {error}", param, ctx)


def read_file(path: Path) -> Preset:
    """Return the preset that a TOML file defines; the file's name is its name by default.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no TOML.
        RefusedError: `invalid_preset`.

    """
    return read_preset({"name": path.stem, "target_lufs": None} | tomllib.loads(path.read_text()))


@click.group("preset")
def command() -> None:
    """List, add and remove presets of this installation."""


@command.command("list")
@_data
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document a line.")
def list_command(data: Path | None, *, as_json: bool) -> None:
    """List the built-in presets and your own."""
    from sarau.catalog import presets  # noqa: PLC0415 - heavy
    from sarau.model.ids import LOCAL_USER_ID  # noqa: PLC0415 - with its only use

    with _opened(data) as app, app.database.read() as connection:
        own = presets.own(connection, LOCAL_USER_ID)
    for preset in (*PRESETS.values(), *own):
        built_in = preset.name in PRESETS
        if as_json:
            print(json.dumps({**to_definition(preset), "built_in": built_in}))
        else:
            print(_line(preset, built_in=built_in))


@command.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Change the preset if it is there already.")
@_data
def add_command(file: Path, data: Path | None, *, replace: bool) -> None:
    """Add the preset that the TOML FILE defines."""
    from sarau.catalog import presets  # noqa: PLC0415 - heavy
    from sarau.model.ids import LOCAL_USER_ID  # noqa: PLC0415 - with its only use

    try:
        preset = read_file(file)
    except ValueError as error:
        raise click.BadParameter(f"{file}: {error}") from error
    with _changing(data) as connection:
        is_there = preset.name in {one.name for one in presets.own(connection, LOCAL_USER_ID)}
        keep = presets.change if replace and is_there else presets.create
        keep(connection, LOCAL_USER_ID, preset)
    print(_line(preset, built_in=False))


@command.command("remove")
@click.argument("name")
@_data
def remove_command(name: str, data: Path | None) -> None:
    """Remove your preset NAME; what was sent with it is still made."""
    from sarau.catalog import presets  # noqa: PLC0415 - heavy
    from sarau.model.ids import LOCAL_USER_ID  # noqa: PLC0415 - with its only use

    with _changing(data) as connection:
        presets.delete(connection, LOCAL_USER_ID, name)


@contextmanager
def _changing(data: Path | None) -> "Iterator[sa.Connection]":
    with _opened(data) as app:
        with app.own_presets.changing() as connection:
            yield connection
        app.own_presets.tell()


def _opened(data: Path | None) -> "AbstractContextManager[App]":
    from sarau import settings  # noqa: PLC0415 - heavy
    from sarau.app import open_app  # noqa: PLC0415 - heavy

    return open_app(settings.load(data=data), work=False)


def _line(preset: Preset, *, built_in: bool) -> str:
    level = "level untouched" if preset.target_lufs is None else f"{preset.target_lufs:g} LUFS"
    made = ", ".join(one.name for one in preset.renditions)
    name = f"{preset.name} (built in)" if built_in else preset.name
    return f"{name}: {level}, at most {preset.ceiling_dbtp:g} dBTP; {made}"

"""The group of commands, loaded one by one so that `sarau --help` is quick."""

import importlib
import signal
import sys
from typing import Any

import click

from sarau import __version__
from sarau.cli.exits import BY_SIGNAL, explain, language
from sarau.cli.signals import Stopped
from sarau.cli.terminal_text import said

_COMMANDS = {
    "serve": "sarau.cli.serve",
    "worker": "sarau.cli.worker",
    "workers": "sarau.cli.workers",
    "process": "sarau.cli.process",
    "measure": "sarau.cli.measure",
    "upload": "sarau.cli.upload",
    "import": "sarau.cli.importing",
    "preset": "sarau.cli.presets",
    "catalog": "sarau.cli.catalog",
    "doctor": "sarau.cli.doctor",
}


class _LazyGroup(click.Group):
    """Finds commands by the name of their module."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: Any = importlib.import_module(_COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)  # noqa: S101 - for the type checker
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Turn our errors into a sentence on standard error and a documented exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            print(f"sarau: {said('interrupted', language())}", file=sys.stderr)
            sys.exit(BY_SIGNAL + (error.number if isinstance(error, Stopped) else signal.SIGINT))
        except Exception as error:
            code = explain(error)
            if code is None:
                raise
            sys.exit(code)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sarau")
def main() -> None:
    """Send audio in, get it back checked, at the right loudness, in every format."""

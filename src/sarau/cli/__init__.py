"""The command line. Each command is a module; what it needs is imported when it is called."""

from sarau.cli.main import main

__all__ = ["main"]

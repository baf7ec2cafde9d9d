"""Errors as sentences and exit codes: the one place where they are mapped.

0 done · 1 some files were rejected or failed · 2 the call was wrong ·
3 refused · 4 failed on our side · 128 and the signal: 130 interrupted
"""

import sys

from sarau.cli.names import shown
from sarau.cli.terminal_text import said_here
from sarau.errors import FailedCode, FailedError, RefusedError, RejectedError, SarauError
from sarau.model.messages import choose_language, message

SOME_NOT_READY = 1
WRONG_CALL = 2
REFUSED = 3
FAILED = 4
BY_SIGNAL = 128
"""To which its number is added."""


def language() -> str:
    """Return the language of the person at the terminal."""
    from sarau.settings import terminal_locale  # noqa: PLC0415 - heavy

    return choose_language(terminal_locale().partition(".")[0].replace("_", "-"))


def told(error: SarauError, language: str) -> str:
    """Return why a file is not done.

    For a file's fault that is a sentence, and for what is refused another one, with what stands
    in the way. Those for our faults speak of a server and its disks; whoever calls us without one
    is told what it means here, and what it was.
    """
    if isinstance(error, FailedError) and error.detail:
        meaning = said_here(error.code, language)
        return shown(f"{meaning} ({error})" if meaning else str(error))
    sentence = message(error.code, language)
    is_refused = isinstance(error, RefusedError) and error.detail
    return f"{sentence} ({shown(error.detail)})" if is_refused else sentence


def told_exactly(error: SarauError, language: str) -> str:
    """Return why a file was not taken, and of a refusal also what was refused of it."""
    if isinstance(error, RefusedError):
        return shown(f"{message(error.code, language)} ({error})")
    return told(error, language)


def say(error: SarauError, more: str = "") -> None:
    """Say on standard error what is wrong; `more` follows its last line."""
    if error.code is FailedCode.INTERNAL and error.detail:
        text = error.detail
    else:
        text = f"{message(error.code, language())}\n  {error}"
    lines = (shown(line.expandtabs()) for line in text.split("\n"))
    print("sarau: " + "\n".join(lines) + more, file=sys.stderr)


def explain(error: Exception) -> int | None:
    """Say what went wrong on standard error; None for what is not ours to explain."""
    from sarau.settings import SettingsError  # noqa: PLC0415 - heavy

    if isinstance(error, SettingsError):
        print(f"sarau: {error}", file=sys.stderr)
        return WRONG_CALL
    if not isinstance(error, SarauError):
        return None
    say(error)
    if isinstance(error, RejectedError):
        return SOME_NOT_READY
    if isinstance(error, RefusedError):
        return REFUSED
    return FAILED if isinstance(error, FailedError) else None

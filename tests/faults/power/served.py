"""`sarau`, all of it, with what takes a day in earnest at once, and one protection left out.

Usage: served.py MUTANT COMMAND...; with `none` nothing is left out.
"""

import sys
from datetime import timedelta

from mutants import MUTANTS

from sarau.cli import main
from sarau.pipeline import caretaker

if __name__ == "__main__":
    mutant = sys.argv.pop(1)
    caretaker._KEEP_DELETED = timedelta(seconds=3)
    caretaker._EVERY_S = 0.5
    if mutant != "none":
        MUTANTS[mutant]()
    main()

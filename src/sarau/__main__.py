"""`python -m sarau`."""

from sarau.cli import main

main()

"""Fuzz our own parsers: `python -m tests.fuzz.run CORPUS -max_total_time=60`."""

import sys

import atheris

with atheris.instrument_imports(include=["sarau"]):
    from tests.fuzz.targets import try_one

if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()

"""Fail where a lock names a registry, lacks a hash, or no longer fits pyproject.toml."""

import re
import sys
import tomllib
from pathlib import Path

_HERE = Path(__file__).parent
_PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==", re.MULTILINE)
_WANTED = re.compile(r"^[A-Za-z0-9._-]+")


def _names(requirements: list[str]) -> set[str]:
    found = (_WANTED.match(one) for one in requirements)
    return {re.sub(r"[._-]+", "-", one.group()).lower() for one in found if one}


def _faults(name: str, wanted: set[str]) -> list[str]:
    text = (_HERE / name).read_text()
    faults = [f"{name}: names an address" for _ in re.findall(r"://", text)[:1]]
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    pinned = [block for block in blocks if _PINNED.match(block)]
    faults += [
        f"{name}: no hash: {block.splitlines()[0]}" for block in pinned if "--hash=" not in block
    ]
    missing = wanted - set(_PINNED.findall(text))
    return faults + [f"{name}: lacks {one}, run `make lock`" for one in sorted(missing)]


def main() -> int:
    """Print what is wrong; return how a program ends."""
    project = tomllib.loads((_HERE.parent / "pyproject.toml").read_text())
    run = _names(project["project"]["dependencies"])
    extras = project["project"]["optional-dependencies"]
    groups = [*project["dependency-groups"].values(), *extras.values()]
    dev = run | _names([one for group in groups for one in group])
    localstack, function, runtime = (
        _names((_HERE / name).read_text().splitlines())
        for name in ("localstack.in", "lambda.in", "lambda-runtime.in")
    )
    faults = [
        *_faults("run.lock", run),
        *_faults("aws.lock", run | _names(extras["aws"])),
        *_faults("otel.lock", run | _names(extras["otel"])),
        *_faults("vorbis.lock", run | _names(extras["vorbis"])),
        *_faults("dev.lock", dev),
        *_faults("fuzz.lock", run | {"atheris"}),
        *_faults("localstack.lock", localstack),
        *_faults("lambda.lock", function),
        *_faults("lambda-runtime.lock", runtime),
    ]
    print("\n".join(faults) or "locks: in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

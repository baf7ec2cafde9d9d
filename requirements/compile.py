"""Resolve the locks: hashes, every Python and platform, and no address of any registry."""

import subprocess  # noqa: TID251 - a tool of the repository, not of the product
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_OPTIONS = (
    "--universal",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--quiet",
    "--python-version=3.11",
)
_BUILD = str(_HERE / "build.in")
_FUZZ = str(_HERE / "fuzz.in")
_LAMBDA = str(_HERE / "lambda.in")
_LAMBDA_RUNTIME = str(_HERE / "lambda-runtime.in")
_LOCALSTACK = str(_HERE / "localstack.in")
_PROJECT = str(_HERE.parent / "pyproject.toml")
LOCKS = {
    "build.lock": (_BUILD,),
    "run.lock": (_PROJECT,),
    "fuzz.lock": (_PROJECT, _FUZZ),
    "aws.lock": (_PROJECT, "--extra", "aws"),
    "otel.lock": (_PROJECT, "--extra", "otel"),
    "vorbis.lock": (_PROJECT, "--extra", "vorbis"),
    "lambda.lock": (_LAMBDA, "--constraints", str(_HERE / "run.lock")),
    "lambda-runtime.lock": (_LAMBDA_RUNTIME, "--constraints", str(_HERE / "aws.lock")),
    "dev.lock": (
        *(_PROJECT, _BUILD, "--all-extras"),
        *("--group", "check", "--group", "test", "--group", "bench"),
    ),
    # The last LocalStack that needs no account, with what was there when it came out.
    "localstack.lock": (_LOCALSTACK, "--exclude-newer", "2025-10-10"),
}


def main() -> None:
    """Write every lock; arguments such as `--upgrade` go to uv."""
    uv = Path(sys.executable).with_name("uv")
    for name, sources in LOCKS.items():
        target = str(_HERE / name)
        command = [str(uv), "pip", "compile", *_OPTIONS, *sys.argv[1:], *sources, "-o", target]
        subprocess.run(command, check=True, cwd=_HERE.parent)  # noqa: S603 - our own words


if __name__ == "__main__":
    main()

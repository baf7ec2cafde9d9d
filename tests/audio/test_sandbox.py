"""The cage: what a child must not be able to do, tried inside a real one."""

import os
import struct
from pathlib import Path

import pyseccomp
import pytest

from sarau.audio import Engine, SandboxLevel
from sarau.audio._seccomp import build_program
from sarau.audio._syscalls import ALLOWED, CHECKED
from sarau.audio.zygote import Zygote

ATTACKS = {
    "allocate more than the limit", "become somebody else", "change permissions", "change root",
    "connect", "executable memory", "fork", "list a directory", "make a device",
    "make a hard link", "make a symbolic link", "mount", "netlink socket", "open a pidfd",
    "raise its own limits", "read a file", "read another process", "read its own memory map",
    "read the environment of a process", "run a program", "send itself a core",
    "signal everybody", "signal the parent", "tcp socket", "trace the parent", "udp socket",
    "unix socket", "write in the parent directory", "write outside",
}  # fmt: skip


def test_every_attack_from_inside_a_child_is_stopped(engine: Engine) -> None:
    report = engine.describe()

    assert report.sandbox_level is SandboxLevel.FULL
    assert set(report.sandbox_checks) == ATTACKS
    assert [name for name, stopped in report.sandbox_checks.items() if not stopped] == []


def test_attacks_succeed_outside_so_the_test_can_fail() -> None:
    from sarau.audio import _selftest  # noqa: PLC0415 - run here, unlocked, on purpose

    checks = _selftest._paths() | _selftest._network()

    for name in ("read a file", "list a directory", "tcp socket", "udp socket", "unix socket"):
        assert not _selftest._is_stopped(checks[name]), name


def test_the_zygote_inherits_no_descriptor(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    with secret.open() as held:
        os.set_inheritable(held.fileno(), True)  # noqa: FBT003 - the name of a system call
        with Engine() as fresh:
            links = Path(f"/proc/{fresh._children.zygote().pid}/fd").iterdir()
            targets = [str(link.readlink()) for link in links]
    assert str(secret) not in targets


def test_the_zygote_knows_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARAU_TOKEN", "canary-5f1c")
    with Engine() as fresh:
        fresh.describe()
        environment = Path(f"/proc/{fresh._children.zygote().pid}/environ").read_bytes()
    assert b"canary-5f1c" not in environment
    assert b"SARAU" not in environment


@pytest.mark.parametrize(("machine", "arch"), [("x86_64", "X86_64"), ("aarch64", "AARCH64")])
def test_system_call_numbers_are_those_of_libseccomp(machine: str, arch: str) -> None:
    known = getattr(pyseccomp.Arch, arch)
    for name, number in (ALLOWED[machine] | CHECKED[machine]).items():
        assert pyseccomp.resolve_syscall(known, name) == number, name


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_no_jump_of_the_filter_leaves_it(machine: str) -> None:
    program = list(struct.iter_unpack("=HBBI", build_program(machine)))
    for index, (code, if_true, if_false, _) in enumerate(program):
        if code & 7 == 5:
            assert index + 1 + max(if_true, if_false) < len(program)
    assert program[-1][0] == 6


def test_a_zygote_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from sarau.audio import zygote  # noqa: PLC0415 - patched below
    from sarau.errors import FailedCode, FailedError  # noqa: PLC0415 - with its only use

    monkeypatch.setattr(zygote, "_BOOT", "raise SystemExit(3)")
    broken = Zygote()
    with pytest.raises(FailedError) as caught:
        broken.wait_until_ready()
    broken.close()
    assert caught.value.code is FailedCode.ENGINE_MISSING

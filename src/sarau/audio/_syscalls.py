"""System calls by number: the few that a locked child may make.

The numbers are the kernel's and never change. A test compares them with libseccomp's.
"""

from typing import Final


def _table(text: str) -> dict[str, int]:
    pairs = (pair.split("=") for pair in text.split())
    return {name: int(number) for name, number in pairs}


_X86_64: Final = _table(
    """
    read=0 write=1 readv=19 writev=20 pread64=17 pwrite64=18 lseek=8 fstat=5 newfstatat=262
    statx=332 stat=4 lstat=6 close=3 dup=32 ftruncate=77 fsync=74 fdatasync=75 fallocate=285
    fadvise64=221
    munmap=11 mremap=25 madvise=28 brk=12 membarrier=324
    futex=202 futex_wait=455 futex_wake=454 set_robust_list=273 get_robust_list=274 rseq=334
    sched_yield=24 sched_getaffinity=204 arch_prctl=158
    clock_gettime=228 clock_nanosleep=230 clock_getres=229 nanosleep=35 gettimeofday=96
    time=201 getpid=39 gettid=186 getppid=110 getuid=102 geteuid=107 getgid=104 getegid=108
    getrandom=318 getrusage=98 times=100 sysinfo=99 uname=63 getcwd=79
    rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 sigaltstack=131 exit=60 exit_group=231
    restart_syscall=219
    poll=7 ppoll=271 select=23 pselect6=270
    open=2 openat=257 unlink=87 unlinkat=263 rename=82 renameat=264 renameat2=316 mkdir=83
    mkdirat=258 getdents64=217 access=21 faccessat=269 faccessat2=439 readlink=89
    readlinkat=267
    """
)
_X86_64_CHECKED: Final = _table("clone=56 clone3=435 mmap=9 mprotect=10 prlimit64=302 fcntl=72")

_AARCH64: Final = _table(
    """
    read=63 write=64 readv=65 writev=66 pread64=67 pwrite64=68 lseek=62 fstat=80
    newfstatat=79 statx=291 close=57 dup=23 ftruncate=46 fsync=82 fdatasync=83 fallocate=47
    fadvise64=223
    munmap=215 mremap=216 madvise=233 brk=214 membarrier=283
    futex=98 futex_wait=455 futex_wake=454 set_robust_list=99 get_robust_list=100 rseq=293
    sched_yield=124 sched_getaffinity=123
    clock_gettime=113 clock_nanosleep=115 clock_getres=114 nanosleep=101 gettimeofday=169
    getpid=172 gettid=178 getppid=173 getuid=174 geteuid=175 getgid=176 getegid=177
    getrandom=278 getrusage=165 times=153 sysinfo=179 uname=160 getcwd=17
    rt_sigaction=134 rt_sigprocmask=135 rt_sigreturn=139 sigaltstack=132 exit=93
    exit_group=94 restart_syscall=128
    ppoll=73 pselect6=72
    openat=56 unlinkat=35 renameat=38 renameat2=276 mkdirat=34 getdents64=61 faccessat=48
    faccessat2=439 readlinkat=78
    """
)
_AARCH64_CHECKED: Final = _table(
    "clone=220 clone3=435 mmap=222 mprotect=226 prlimit64=261 fcntl=25"
)

ALLOWED: Final[dict[str, dict[str, int]]] = {"x86_64": _X86_64, "aarch64": _AARCH64}
"""Allowed whatever their arguments, by machine and name."""

CHECKED: Final[dict[str, dict[str, int]]] = {
    "x86_64": _X86_64_CHECKED,
    "aarch64": _AARCH64_CHECKED,
}
"""Allowed with certain arguments only."""

AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""What the kernel calls these machines in `seccomp_data.arch`."""

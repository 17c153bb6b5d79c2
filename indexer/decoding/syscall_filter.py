"""The system calls that a decoder may make: memory, threads, clocks, and files that are open or read.

Whatever is not listed does not exist for the process any more: no socket, no program, no other process, no
change of a file's name. A seccomp filter in classic BPF, without a library; Linux on x86-64 and aarch64.
What `seccomp(2)` and `include/uapi/linux/{seccomp,filter,audit}.h` say is written out below.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from typing import NamedTuple

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column of `ALLOWED` that has a machine's numbers, and its name for the kernel."""

ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "futex": (202, 98), "read": (0, 63), "lseek": (8, 62), "write": (1, 64),
    "brk": (12, 214), "munmap": (11, 215), "madvise": (28, 233), "mremap": (25, 216),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128), "close": (3, 57), "fstat": (5, 80),
    "stat": (4, None), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "getdents64": (217, 61), "getcwd": (79, 17), "pread64": (17, 67),
    "pwrite64": (18, 68), "readv": (19, 65), "writev": (20, 66), "ftruncate": (77, 46), "fsync": (74, 82),
    "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24), "poll": (7, None), "ppoll": (271, 73),
    "select": (23, None), "pselect6": (270, 72), "nanosleep": (35, 101), "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169),
    "getrandom": (318, 278), "getpid": (39, 172), "gettid": (186, 178), "getrusage": (98, 165),
    "times": (100, 153), "uname": (63, 160), "sysinfo": (99, 179), "getcpu": (309, 168),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120), "membarrier": (324, 283), "set_robust_list": (273, 99),
    "rseq": (334, 293), "set_tid_address": (218, 96), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
"""Numbers on x86-64 and aarch64, those that are called most first; None where there is none."""

CLONE_THREAD = 0x10000
PROT_EXEC = 4
WRITE_FLAGS = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC
TCGETS, FIONCLEX, FIOCLEX = 0x5401, 0x5450, 0x5451
F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC = 0, 1, 2, 3, 1030
PR_SET_NAME = 15

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 1, 38, 22, 2
_LOAD, _IF_EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_WHOLE = 0xFFFFFFFF
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16


class Test(NamedTuple):
    """The bits of `mask` in an argument must be those of `value`: 32 bits of the two halves of 64."""

    argument: int
    mask: int
    value: int
    is_high_half: bool = False


class Condition(NamedTuple):
    """A call, by its numbers as in `ALLOWED`, is allowed where its arguments pass all tests."""

    numbers: tuple[int | None, int | None]
    tests: tuple[Test, ...]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def is_available() -> bool:
    """Return whether this machine can refuse system calls: Linux, a processor we know, seccomp in it."""
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES or sys.byteorder != "little":
        return False
    try:
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER)  # with no filter: EFAULT where one could be set
    except OSError as error:
        return error.errno == errno.EFAULT
    return False


def conditions(*, may_write: bool) -> list[Condition]:
    """Return what is allowed only with certain arguments, for this process."""
    writing = 0 if may_write else WRITE_FLAGS
    this_process = Test(0, _WHOLE, 0)
    return [
        Condition((10, 226), (Test(2, PROT_EXEC, 0),)),  # mprotect: nothing written becomes code
        Condition((9, 222), (Test(2, PROT_EXEC, 0),)),  # mmap
        Condition((56, 220), (Test(0, CLONE_THREAD, CLONE_THREAD),)),  # clone: threads, no process
        Condition((2, None), (Test(1, writing, 0),)),  # open
        Condition((257, 56), (Test(2, writing, 0),)),  # openat
        Condition((302, 261), (this_process, Test(1, _WHOLE, resource.RLIMIT_CPU))),  # prlimit64: one limit,
        Condition((302, 261), (this_process, Test(2, _WHOLE, 0), Test(2, _WHOLE, 0, True))),  # or a look
        Condition((234, 131), (Test(0, _WHOLE, os.getpid()),)),  # tgkill: nobody but itself
        Condition((157, 167), (Test(0, _WHOLE, PR_SET_NAME),)),  # prctl: names of threads
        *(
            Condition((16, 29), (Test(1, _WHOLE, request),)) for request in (TCGETS, FIONCLEX, FIOCLEX)
        ),  # ioctl
        *(
            Condition((72, 25), (Test(1, _WHOLE, command),))  # fcntl
            for command in (F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC)
        ),
    ]


def refuse_system_calls(*, may_write: bool) -> None:
    """Take every call that decoding does not need from this process and its threads, for good.

    A refused call fails as one that the kernel does not know (ENOSYS), so that libraries fall back to older
    ones. Without `may_write` no file can be opened for writing. Raises OSError when the kernel declines.
    """
    code = program_for(platform.machine(), conditions(may_write=may_write))
    program = _Program(len(code) // 8, code)
    forbid_new_privileges()
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def die_with_parent() -> None:
    """Let the kernel kill this process when the one that forked it ends; Linux only, nothing elsewhere."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def forbid_new_privileges() -> None:
    """Let this process gain no rights any more; raises OSError when the kernel declines."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def program_for(machine: str, allowed_if: Iterable[Condition]) -> bytes:
    """Return the filter for a `machine` of `ARCHITECTURES`: instructions of eight bytes each."""
    return b"".join(_instructions(*ARCHITECTURES[machine], allowed_if))


def _instructions(column: int, architecture: int, allowed_if: Iterable[Condition]) -> Iterable[bytes]:
    yield _instruction(_LOAD, _ARCHITECTURE_AT)
    yield _instruction(_IF_EQUAL, architecture, skip_if=1)
    yield _instruction(_RETURN, _KILL)
    yield _instruction(_LOAD, _NUMBER_AT)
    for numbers in ALLOWED.values():
        number = numbers[column]
        if number is not None:
            yield _instruction(_IF_EQUAL, number, skip_else=1)
            yield _instruction(_RETURN, _ALLOW)
    for condition in allowed_if:
        number = condition.numbers[column]
        if number is not None:
            yield from _conditional(number, condition.tests)
    yield _instruction(_RETURN, _REFUSE | errno.ENOSYS)


def _conditional(number: int, tests: tuple[Test, ...]) -> Iterable[bytes]:
    yield _instruction(_IF_EQUAL, number, skip_else=3 * len(tests) + 2)
    for passed, test in enumerate(tests):
        yield _instruction(_LOAD, _ARGUMENTS_AT + 8 * test.argument + 4 * test.is_high_half)
        yield _instruction(_AND, test.mask)
        yield _instruction(_IF_EQUAL, test.value, skip_else=3 * (len(tests) - passed - 1) + 1)
    yield _instruction(_RETURN, _ALLOW)
    yield _instruction(_LOAD, _NUMBER_AT)


def _instruction(operation: int, operand: int, *, skip_if: int = 0, skip_else: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, skip_if, skip_else, operand)


def _prctl(*asked: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*asked, 0, 0, 0, 0)[:5]]
    if ctypes.CDLL(None, use_errno=True).prctl(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses a filter of system calls")

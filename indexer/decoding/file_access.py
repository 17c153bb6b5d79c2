"""The files that a decoder may open: those it was started for, whatever a container asks for.

Landlock, without a library: Linux 5.13 and later, where the kernel has it switched on. From 6.7 on it also
refuses TCP, from 6.12 on signals to processes outside; `syscall_filter` refuses both anyway.
Constants: `include/uapi/linux/landlock.h`.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from indexer.decoding.syscall_filter import forbid_new_privileges

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls on every machine since."""

WRITE_FILE, READ_FILE, TRUNCATE = 1 << 1, 1 << 2, 1 << 14
RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: 1 << 13, 3: TRUNCATE, 5: 1 << 15}
"""What each version added to what can be refused of a file or folder."""

TCP_VERSION, TCP_RIGHTS = 4, 0b11
SCOPE_VERSION, SCOPES = 6, 0b11
_ASK_VERSION = 1
_RULE_OF_PATH = 1


def version() -> int:
    """Return the version of Landlock that the kernel offers; 0 for none."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return 0
    return max(0, _call(CREATE_RULESET, None, 0, _ASK_VERSION))


def allow_only(reads: Iterable[Path], writes: Iterable[Path] = ()) -> None:
    """Let this process open nothing but the files `reads`, and `writes` for writing too, for good.

    A file that is not there is passed over: opening it will say so. Raises OSError when the kernel declines.
    """
    offered = version()
    rights = sum(added for since, added in RIGHTS_BY_VERSION.items() if since <= offered)
    attributes = struct.pack(
        "=QQQ",
        rights,
        TCP_RIGHTS if offered >= TCP_VERSION else 0,
        SCOPES if offered >= SCOPE_VERSION else 0,
    )
    size = 24 if offered >= SCOPE_VERSION else 16 if offered >= TCP_VERSION else 8
    rules = _checked(_call(CREATE_RULESET, attributes, size, 0))
    try:
        for path in reads:
            _allow(rules, path, READ_FILE)
        for path in writes:
            _allow(rules, path, (READ_FILE | WRITE_FILE | TRUNCATE) & rights)
        forbid_new_privileges()
        _checked(_call(RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        _checked(_call(ADD_RULE, rules, _RULE_OF_PATH, struct.pack("=Qi", rights, file), 0))
    finally:
        os.close(file)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses rules for files")
    return result


def _call(number: int, *arguments: int | bytes | None) -> int:
    passed = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *passed))

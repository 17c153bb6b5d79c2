"""The filter as the kernel would run it, on the machine that the tests are not on as well."""

import errno
import os
import struct

import pytest

from indexer.decoding.syscall_filter import ALLOWED, ARCHITECTURES, conditions, program_for

ALLOW, KILL, NOT_THERE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.ENOSYS
LOAD, IF_EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06

NUMBERS = {
    "x86_64": {
        "socket": 41, "connect": 42, "socketpair": 53, "clone": 56, "fork": 57, "vfork": 58, "execve": 59,
        "kill": 62, "rename": 82, "unlink": 87, "ptrace": 101, "openat": 257, "unlinkat": 263,
        "prlimit64": 302, "execveat": 322, "io_uring_setup": 425, "pidfd_send_signal": 424, "clone3": 435,
        "tgkill": 234, "process_vm_writev": 311, "mmap": 9, "bpf": 321, "setsid": 112, "memfd_create": 319,
    },
    "aarch64": {
        "socket": 198, "connect": 203, "socketpair": 199, "clone": 220, "execve": 221, "kill": 129,
        "renameat": 38, "unlinkat": 35, "ptrace": 117, "openat": 56, "prlimit64": 261, "execveat": 281,
        "io_uring_setup": 425, "pidfd_send_signal": 424, "clone3": 435, "tgkill": 131,
        "process_vm_writev": 271, "mmap": 222, "bpf": 280, "setsid": 157, "memfd_create": 279,
    },
}  # fmt: skip
CONDITIONAL = {"clone", "openat", "prlimit64", "tgkill", "mmap"}


def verdict(
    machine: str, number: int, *arguments: int, architecture: int | None = None, writing: bool = False
) -> int:
    """Return what the filter answers to a call, by a small interpreter of classic BPF."""
    own = ARCHITECTURES[machine][1] if architecture is None else architecture
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    call = struct.pack("=IIQ6Q", number, own, 0, *padded)
    program = program_for(machine, conditions(may_write=writing))
    register = place = 0
    while True:
        operation, skip_if, skip_else, operand = struct.unpack_from("=HBBI", program, 8 * place)
        place += 1
        if operation == LOAD:
            register = struct.unpack_from("=I", call, operand)[0]
        elif operation == AND:
            register &= operand
        elif operation == IF_EQUAL:
            place += skip_if if register == operand else skip_else
        else:
            assert operation == RETURN
            return int(operand)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_what_is_listed_is_allowed(machine: str) -> None:
    column = ARCHITECTURES[machine][0]
    numbers = [numbers[column] for numbers in ALLOWED.values()]
    assert {verdict(machine, number) for number in numbers if number is not None} == {ALLOW}


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_network_programs_and_other_processes_are_not(machine: str) -> None:
    refused = {
        name: verdict(machine, number) for name, number in NUMBERS[machine].items() if name not in CONDITIONAL
    }
    assert set(refused.values()) == {NOT_THERE}
    listed = {number for numbers in ALLOWED.values() for number in [numbers[ARCHITECTURES[machine][0]]]}
    assert not listed & set(NUMBERS[machine].values())


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_a_thread_may_be_made_and_a_process_not(machine: str) -> None:
    clone = NUMBERS[machine]["clone"]
    assert verdict(machine, clone, 0x3D0F00) == ALLOW
    assert verdict(machine, clone, 0x1200011) == NOT_THERE


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_files_are_opened_for_reading_unless_the_plan_writes(machine: str) -> None:
    openat = NUMBERS[machine]["openat"]
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_RDONLY | os.O_TRUNC):
        assert verdict(machine, openat, 0, 0, flags | os.O_CLOEXEC) == NOT_THERE
        assert verdict(machine, openat, 0, 0, flags, writing=True) == ALLOW
    assert verdict(machine, openat, 0, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_limits_may_be_looked_at_and_only_that_of_time_changed(machine: str) -> None:
    prlimit, memory, cpu, new = NUMBERS[machine]["prlimit64"], 9, 0, 0x7FFF00000000
    assert verdict(machine, prlimit, 0, memory, 0) == ALLOW
    assert verdict(machine, prlimit, 0, cpu, new) == ALLOW
    assert verdict(machine, prlimit, 0, memory, new) == NOT_THERE
    assert verdict(machine, prlimit, 1234, cpu, new) == NOT_THERE
    assert verdict(machine, prlimit, 1234, memory, 0) == NOT_THERE


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_only_itself_may_be_signalled_and_nothing_becomes_code(machine: str) -> None:
    numbers = NUMBERS[machine]
    assert verdict(machine, numbers["tgkill"], os.getpid()) == ALLOW
    assert verdict(machine, numbers["tgkill"], os.getppid()) == NOT_THERE
    assert verdict(machine, numbers["mmap"], 0, 4096, 3) == ALLOW
    assert verdict(machine, numbers["mmap"], 0, 4096, 7) == NOT_THERE


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_calls_in_the_manner_of_another_machine_end_the_process(machine: str) -> None:
    assert verdict(machine, 0, architecture=0x40000003) == KILL

from __future__ import annotations

import pytest

from edgekit.emulate import semihosting
from edgekit.emulate.semihosting import APPLICATION_EXIT, FAILED, Semihosting

MEMORY = bytearray(256)
MEMORY[0:6] = b"hello\0"
MEMORY[16:20] = b":tt\0"
MEMORY[20:24] = b"file"


def words(at: int, *values: int) -> int:
    MEMORY[at : at + 4 * len(values)] = b"".join(value.to_bytes(4, "little") for value in values)
    return at


def read(address: int, size: int) -> bytes:
    return bytes(MEMORY[address : address + size])


def write(address: int, data: bytes) -> None:
    MEMORY[address : address + len(data)] = data


def call(host: Semihosting, operation: int, argument: int) -> int:
    return host.call(operation, argument, read, write)


def test_printing() -> None:
    host = Semihosting()
    call(host, semihosting.WRITE_TEXT, 0)
    call(host, semihosting.WRITE_CHARACTER, 1)
    assert call(host, semihosting.OPEN, words(64, 16, 4, 3)) == 1
    assert call(host, semihosting.WRITE, words(64, 1, 0, 4)) == 0
    assert bytes(host.printed) == b"helloehell"
    assert host.exit_code is None


@pytest.mark.parametrize(("argument", "code"), [(APPLICATION_EXIT, 0), (0x20023, 1)])
def test_exit(argument: int, code: int) -> None:
    host = Semihosting()
    call(host, semihosting.EXIT, argument)
    assert host.exit_code == code


def test_extended_exit() -> None:
    host = Semihosting()
    call(host, semihosting.EXIT_EXTENDED, words(64, APPLICATION_EXIT, 7))
    assert host.exit_code == 7


def test_files_and_unknown_operations_fail() -> None:
    host = Semihosting()
    assert call(host, semihosting.OPEN, words(64, 20, 4, 4)) == FAILED
    assert call(host, semihosting.WRITE, words(64, 9, 0, 4)) == FAILED
    assert call(host, 0x99, 0) == FAILED


def test_what_c_libraries_ask_at_start() -> None:
    host = Semihosting()
    words(128, 1, 2, 3, 4)
    assert call(host, semihosting.HEAP, words(64, 128)) == 0
    assert read(128, 16) == bytes(16)
    MEMORY[128] = 0xFF
    assert call(host, semihosting.COMMAND_LINE, words(64, 128, 80)) == 0
    assert read(128, 1) == b"\0"
    assert read(68, 4) == bytes(4)
    assert call(host, semihosting.READ, words(64, 1, 128, 32)) == 32
    assert call(host, semihosting.IS_TERMINAL, words(64, 1)) == 1
    assert call(host, semihosting.CLOCK, 0) == 0

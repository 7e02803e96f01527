"""The UART protocol of ``firmware/runtime/main.c``, seen from the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.emulate.errors import EmulationError

STATUS = b"EK"
INPUT = b"\xebI"
OUTPUT = b"\xebO"
SAMPLES = b"\xebR"  # of a model with a front end: answered by the output
TO_FEATURES = b"\xebF"  # the same, answered by the features


CALL, RETURNED = b"\xeb", b"\xebS"  # of an entry by number: request, and answer with its status


@dataclass(frozen=True)
class Returned:
    """What a call of one of several entries gave: an ek_status and the outputs' bytes."""

    status: int
    outputs: bytes


@dataclass(frozen=True)
class Answers:
    """What the firmware sent: its self-test's result and one output per input."""

    selftest_passed: bool
    outputs: list[bytes]


def requests(inputs: Sequence[bytes], request: bytes = INPUT) -> bytes:
    """All bytes the host sends."""
    return b"".join(request + data for data in inputs)


def answers(sent: bytes, count: int, output_bytes: int, answer: bytes = OUTPUT) -> Answers:
    """Takes the firmware's bytes apart.

    Raises:
        EmulationError: anything but a status and ``count`` complete frames.
    """
    where = "UART output of the firmware"
    if sent[:2] != STATUS or len(sent) < 3:
        raise EmulationError(f"no status after start-up: {sent[:16]!r}", where)
    frame = len(answer) + output_bytes
    body = sent[3:]
    if len(body) != count * frame:
        raise EmulationError(f"{len(body)} bytes, {count * frame} expected for {count} outputs", where)
    frames = [body[at : at + frame] for at in range(0, len(body), frame)]
    broken = [index for index, data in enumerate(frames) if data[:2] != answer]
    if broken:
        raise EmulationError(f"output {broken[0]} does not start with {answer!r}", where)
    return Answers(sent[2] == 0, [data[len(answer) :] for data in frames])


def call(entry: int) -> bytes:
    """What begins the frame that calls an entry by number."""
    return CALL + bytes([ord("0") + entry])


def returned(sent: bytes, output_bytes: Sequence[int]) -> tuple[bool, list[Returned]]:
    """Takes apart what a model with several entries sends: whether its self-test passed, and an answer to every call.

    Args:
        output_bytes: bytes of the outputs of each call.

    Raises:
        EmulationError: anything but a status and one complete answer to each call.
    """
    where = "UART output of the firmware"
    if sent[:2] != STATUS or len(sent) < 3:
        raise EmulationError(f"no status after start-up: {sent[:16]!r}", where)
    found, at = [], 3
    for number, size in enumerate(output_bytes):
        if sent[at : at + 2] != RETURNED or len(sent) < at + 3 + size:
            raise EmulationError(f"no answer to call {number}, but {sent[at : at + 16]!r}", where)
        found.append(Returned(sent[at + 2], sent[at + 3 : at + 3 + size]))
        at += 3 + size
    if at != len(sent):
        raise EmulationError(f"{len(sent) - at} bytes behind the last answer", where)
    return sent[2] == 0, found

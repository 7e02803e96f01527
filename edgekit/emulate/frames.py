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
KEPT = b"\xebN"  # behind the status of a model whose states outlive power: what it found in flash
SAVE = b"\xebW"  # saves them; answered by KEPT and an ek_nvm_status
KEPT_MEANINGS = (
    "the newest states are back",
    "nothing was saved yet",
    "one of the two slots is damaged or was cut short: the states of the other one are back",
    "both slots are damaged: the states are the initial ones",
    "the slots belong to another model: the states are the initial ones",
    "flash did not take the states",
)  # of an ek_nvm_status, by number


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
    passed, _, body = _started(sent)
    frame = len(answer) + output_bytes
    if len(body) != count * frame:
        raise EmulationError(f"{len(body)} bytes, {count * frame} expected for {count} outputs", where)
    frames = [body[at : at + frame] for at in range(0, len(body), frame)]
    broken = [index for index, data in enumerate(frames) if data[:2] != answer]
    if broken:
        raise EmulationError(f"output {broken[0]} does not start with {answer!r}", where)
    return Answers(passed, [data[len(answer) :] for data in frames])


def call(entry: int) -> bytes:
    """What begins the frame that calls an entry by number."""
    return CALL + bytes([ord("0") + entry])


def returned(sent: bytes, output_bytes: Sequence[int]) -> tuple[bool, int | None, list[Returned]]:
    """Takes apart what a model with several entries sends.

    Args:
        output_bytes: bytes of the outputs of each call.

    Returns:
        Whether its self-test passed, what it found in flash (an ek_nvm_status; None without states that outlive
        power), and an answer to every call.

    Raises:
        EmulationError: anything but that.
    """
    where, found = "UART output of the firmware", []
    passed, kept, body = _started(sent)
    for number, size in enumerate(output_bytes):
        if body[:2] != RETURNED or len(body) < 3 + size:
            raise EmulationError(f"no answer to call {number}, but {body[:16]!r}", where)
        found.append(Returned(body[2], body[3 : 3 + size]))
        body = body[3 + size :]
    if body:
        raise EmulationError(f"{len(body)} bytes behind the last answer", where)
    return passed, kept, found


def _started(sent: bytes) -> tuple[bool, int | None, bytes]:
    """Whether the self-test passed, what was found in flash, and what was sent behind that."""
    if sent[:2] != STATUS or len(sent) < 3:
        raise EmulationError(f"no status after start-up: {sent[:16]!r}", "UART output of the firmware")
    if sent[3:5] == KEPT and len(sent) > 5:
        return sent[2] == 0, sent[5], sent[6:]
    return sent[2] == 0, None, sent[3:]

from __future__ import annotations

import pytest

from edgekit.emulate.errors import EmulationError
from edgekit.emulate.frames import Answers, answers, requests


def test_requests() -> None:
    assert requests([b"ab", b"cd"]) == b"\xebIab\xebIcd"


def test_answers() -> None:
    assert answers(b"EK\0\xebOxy\xebO\xebO", 2, 2) == Answers(True, [b"xy", b"\xebO"])
    assert answers(b"EK\1", 0, 2) == Answers(False, [])


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "no status"),
        (b"EK", "no status"),
        (b"XX\0", "no status"),
        (b"EK\0\xebOx", "3 bytes, 4 expected"),
        (b"EK\0\xebPxy", "output 0 does not start"),
    ],
)
def test_broken_answers(sent: bytes, message: str) -> None:
    with pytest.raises(EmulationError, match=message):
        answers(sent, 1, 2)

"""The headline: what it says and which end of the band it believes."""

from __future__ import annotations

import pytest

from edgekit.page.decision import decide
from tests.edgekit.page.sample import sample


def headline(**changes: object) -> tuple[bool, str]:
    """The decision about the sample with some figures replaced: ``cost__latency_ms_high=...``."""
    report = sample()
    for path, value in changes.items():
        section, key = path.split("__")
        report[section][key] = value
    decision = decide(report)
    return decision.good, decision.headline.replace("\N{NO-BREAK SPACE}", " ")


def test_it_fits_and_keeps_up() -> None:
    assert headline() == (True, "ecg-tcn fits stm32l475 and keeps up with one inference every 1 s.")


def test_a_memory_that_is_exactly_full_fits() -> None:
    assert headline(memory__flash_bytes=1_048_576, memory__ram_bytes=131_072)[0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"memory__flash_bytes": 1_048_577}, "ecg-tcn does not fit stm32l475: flash is 1 byte short."),
        (
            {"memory__flash_bytes": 1_050_000, "memory__ram_bytes": 140_000},
            "ecg-tcn does not fit stm32l475: flash is 1,424 bytes short and RAM is 8,928 bytes short.",
        ),
    ],
)
def test_it_does_not_fit(changes: dict[str, object], text: str) -> None:
    assert headline(**changes) == (False, text)


def test_keeping_up_is_judged_by_the_slow_end() -> None:
    assert headline(cost__latency_ms_high=1_000.0)[0]
    late = "ecg-tcn fits stm32l475, but may take 1.05 s when an inference is due every 1 s."
    assert headline(cost__latency_ms_high=1_050.0) == (False, late)


def test_machines_that_differ_come_before_speed() -> None:
    report = sample()
    report["agreement"][1]["different"] = 3
    decision = decide(report)
    assert not decision.good
    assert decision.headline == "ecg-tcn fits stm32l475, but host C computed other bytes."

"""Numbers as text, at the borders where their look changes."""

from __future__ import annotations

import pytest

from edgekit.page import figures
from edgekit.page.figures import DAYS, MICROAMPERES, MILLIJOULES, MILLISECONDS, Units

NB = figures.SPACE


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (1.2345, "1.23"), (99.95, "100.0"), (123.4, "123"), (12_345.6, "12,346")],
)
def test_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert figures.rounded(value) == text


@pytest.mark.parametrize(
    ("value", "units", "text"),
    [
        (0.5, MILLISECONDS, "500 µs"),
        (13.94, MILLISECONDS, "13.9 ms"),
        (1_000, MILLISECONDS, "1.00 s"),
        (0.675, MILLIJOULES, "675 µJ"),
        (4_200, MILLIJOULES, "4.20 J"),
        (999, MICROAMPERES, "999 µA"),
        (12_880, MICROAMPERES, "12.9 mA"),
        (0, MICROAMPERES, "0 µA"),
        (0.5, DAYS, "12.0 hours"),
        (19.08, DAYS, "19.1 days"),
        (1_461, DAYS, "4.00 years"),
    ],
)
def test_a_quantity_takes_the_unit_that_suits_it(value: float, units: Units, text: str) -> None:
    assert str(figures.quantity(value, units)) == text.replace(" ", NB)


def test_a_band_is_in_the_unit_of_its_value() -> None:
    latency = figures.quantity(990, MILLISECONDS, 940, 1_069)
    assert (str(latency), latency.band) == (f"990{NB}ms", f"940 to 1,069{NB}ms")


def test_no_band_where_its_ends_look_the_same() -> None:
    assert figures.quantity(5, MILLISECONDS, 5.001, 5.002).band == ""
    assert figures.quantity(5, MILLISECONDS).band == ""


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0 %"), (0.0004, "< 0.1 %"), (0.0005, "0.1 %"), (0.043, "4.3 %"), (1.5, "150.0 %")]
)
def test_percent_never_calls_something_nothing(share: float, text: str) -> None:
    assert figures.percent(share) == text.replace(" ", NB)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "250 ms"), (1, "1 s"), (90, "1.5 min"), (3_600, "1 h"), (0.004, "4 ms")]
)
def test_a_period_is_said_as_it_was_asked(seconds: float, text: str) -> None:
    assert figures.period(seconds) == text.replace(" ", NB)


def test_counts_ratios_and_settings() -> None:
    assert figures.count(1_114_789) == "1,114,789"
    assert figures.amount(1, "bytes") == f"1{NB}byte"
    assert figures.amount(7_408, "bytes") == f"7,408{NB}bytes"
    assert (figures.per(3, 4), figures.per(0, 4), figures.per(3, 0)) == ("0.75", figures.NOTHING, figures.NOTHING)
    settings = {"format": 1, "seed": 0, "recipe": {"qat_epochs": 10, "decay": "cosine"}}
    assert figures.flat(settings) == [("seed", 0), ("recipe: qat epochs", 10), ("recipe: decay", "cosine")]

"""emulate, profile, calibrate and compare on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def emulated(edgekit: Any, firmware: Path, *words: str) -> dict[str, Any]:
    code, out, err = edgekit("emulate", firmware, "--json", "--quiet", *words)
    assert code == 0, err
    return json.loads(out)


def test_clock_changes_wait_states_time_and_energy(edgekit: Any, firmware: Path) -> None:
    slow, fast = emulated(edgekit, firmware, "--clock", "16MHz"), emulated(edgekit, firmware)
    assert (slow["cost"]["clock_hz"], slow["cost"]["wait_states"]) == (16_000_000, 0)
    assert (fast["cost"]["clock_hz"], fast["cost"]["wait_states"]) == (80_000_000, 4)
    assert slow["cost"]["stalls"]["fetch"] == 0
    for part in ("execute", "load_use", "branch"):
        assert slow["cost"]["stalls"][part] == fast["cost"]["stalls"][part]
    for report in (slow, fast):
        cost, power = report["cost"], report["power"]
        assert sum(cost["stalls"].values()) == cost["cycles"]
        assert sum(row["cycles"] for row in report["layers"]) == cost["cycles"]
        assert all(sum(row["stalls"].values()) == row["cycles"] for row in report["layers"])
        assert cost["latency_ms"] == pytest.approx(1e3 * cost["cycles"] / cost["clock_hz"])
        assert cost["latency_ms_low"] < cost["latency_ms"] < cost["latency_ms_high"]
        assert cost["energy_mj"] == pytest.approx(power["run_ma"] * power["supply_v"] * cost["latency_ms"] / 1e3)
        assert sum(row["energy_uj"] for row in report["layers"]) == pytest.approx(1e3 * cost["energy_mj"])


def test_best_energy_takes_the_lowest_mean_current(edgekit: Any, firmware: Path) -> None:
    report = emulated(edgekit, firmware, "--best-energy")
    best = min(report["points"], key=lambda point: point["duty"]["average_ua"])
    assert report["cost"]["clock_hz"] == best["cost"]["clock_hz"]
    assert report["duty"]["average_ua"] == pytest.approx(best["duty"]["average_ua"])
    assert {point["cost"]["wait_states"] for point in report["points"]} == {0, 1, 2, 3, 4}


def test_best_energy_meets_the_period(edgekit: Any, firmware: Path) -> None:
    latency = emulated(edgekit, firmware)["cost"]["latency_ms_high"]
    tight = emulated(edgekit, firmware, "--best-energy", "--every", f"{latency * 1.01:.6f}ms")
    assert tight["cost"]["clock_hz"] == 80_000_000
    code, _, err = edgekit("emulate", firmware, "--best-energy", "--every", "1ms", "--quiet")
    if latency > 1:
        assert code == 2
        assert "no clock ends an inference within 0.001 s" in err


def test_text_says_the_decision_first(edgekit: Any, firmware: Path) -> None:
    code, out, _ = edgekit("emulate", firmware, "--quiet", "--clock", "32MHz", "--every", "2s", "--battery", "1Ah")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("latency")
    assert "32 MHz, 1 flash wait state" in lines[0]
    assert any("1000 mAh, one inference every 2 s" in line for line in lines)
    assert "clock     the firmware sets up 80 MHz: change board/board.c to run at 32 MHz" in lines
    assert "board/board.c" not in edgekit("emulate", firmware, "--quiet")[1]
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--clock", "81MHz"), "81 MHz is not possible"),
        (("--clock", "fast"), "no positive quantity"),
        (("--range", "range 9"), "voltage range"),
        (("--every", "0"), "no positive quantity"),
        (("--battery", "-1"), "no positive quantity"),
    ],
)
def test_impossible_operating_points(words: tuple[str, ...], message: str, edgekit: Any, firmware: Path) -> None:
    code, _, err = edgekit("emulate", firmware, "--quiet", *words)
    assert code == 2
    assert message in err


def test_profile_of_our_own_image(edgekit: Any, firmware: Path) -> None:
    """Any ELF: also one of ours, which ends by waiting for input."""
    words = ("profile", firmware / "firmware.elf", "--board", "stm32l475", "--quiet")
    code, out, _ = edgekit(*words, "--json", "--within", "small_run")
    assert code == 0
    report = json.loads(out)
    assert report["ended"] == "waiting for input on the UART"
    assert report["calls"] == 1  # the self-test
    assert report["cycles"] == sum(entry["cycles"] for entry in report["functions"])
    assert report["cycles"] == sum(report["stalls"].values())
    code, out, _ = edgekit(*words)
    assert code == 0
    assert all(len(line) <= 100 for line in out.splitlines())


def test_profile_refuses(edgekit: Any, firmware: Path, tmp_path: Path) -> None:
    (tmp_path / "text.elf").write_text("no image")
    for elf, words, message in (
        (tmp_path / "none.elf", (), "no such file"),
        (tmp_path / "text.elf", (), "not a usable firmware image"),
        (firmware / "firmware.elf", ("--until", "nix"), "symbol 'nix' is missing"),
        (firmware / "firmware.elf", ("--instructions", "0"), "not at least 1"),
        (firmware / "firmware.elf", ("--clock", "1GHz"), "not possible"),
    ):
        code, _, err = edgekit("profile", elf, "--board", "stm32l475", "--quiet", *words)
        assert code == 2
        assert message.lower() in err.lower()


def test_calibrate(edgekit: Any, tmp_path: Path) -> None:
    code, out, _ = edgekit("calibrate")
    assert code == 0
    assert "supply current" in out
    rows = "id,platform,clock_mhz,voltage,power_mw\na,STM32L475,80,3.3,42.5\nb,GAP8,100,1.0,48\nc,GAP8,100,,\n"
    (tmp_path / "rows.csv").write_text(rows)
    code, out, _ = edgekit("calibrate", tmp_path / "rows.csv", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["cycles"] == []
    assert report["not_compared"] == ["c"]
    residuals = {r["id"]: r for fit in report["currents"] for r in fit["residuals"]}
    assert residuals["a"]["measured"] == pytest.approx(42.5 / 3.3)
    code, _, err = edgekit("calibrate", tmp_path / "none.csv")
    assert code == 2
    assert "cannot be read" in err


def test_boards_show_what_prices_rest_on(edgekit: Any) -> None:
    code, out, _ = edgekit("boards", "stm32l475")
    assert code == 0
    for text in ("ART instruction cache", "range 1", "error bands", "sleep"):
        assert text in out

"""Reports of a cluster, worked out by hand from made-up figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from edgekit.cluster_cost import (
    KEYS,
    ClusterCost,
    LayerCost,
    cluster_layers,
    cluster_lines,
    cluster_report,
    cluster_tables,
    cores_table,
)
from edgekit.energy import Duty
from edgekit.report import summary
from edgekit.sizes import cluster_fit_lines, cluster_memory_report, ram_bytes
from edgekit.sweep import frugal, points_table, sweep_cluster
from tests.edgekit.cluster import BOARD, CONTROLLER, CORES, LAYERS, OVERHEAD, cost, facts, report

AWAKE = 6  # categories with a clock come first


def text(*parts: object) -> list[str]:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for part in parts:
        console.print(part, markup=False, highlight=False)
    return console.export_text().splitlines()


def test_the_parts_sum_to_the_whole() -> None:
    whole = cost()
    assert whole.cycles == sum(sum(first) for _, _, _, first, *_ in LAYERS) + sum(OVERHEAD[0]) + CONTROLLER
    assert all(sum(row) == layer.cycles for layer in whole.layers.values() for row in layer.by_core)
    entry = cluster_report(BOARD, whole, Duty())
    rows = cluster_layers(facts(), BOARD, whole)
    assert sum(row["cycles"] for row in rows) + CONTROLLER == entry["cost"]["cycles"]
    assert sum(entry["cost"]["stalls"].values()) == CORES * (whole.cycles - CONTROLLER)
    for key in KEYS:
        assert sum(row["stalls"][key] for row in rows) == entry["cost"]["stalls"][key]
        assert sum(core[key] for core in entry["cluster"]["by_core"]) == entry["cost"]["stalls"][key]
    assert sum(row["dma_in_bytes"] for row in rows) == entry["cluster"]["dma_in_bytes"] == 6_152 + 8_192 + 41_287


def test_energy_follows_from_cores_that_are_awake() -> None:
    """Four of eight cores work: the others count as asleep all the time."""
    entry, whole = cluster_report(BOARD, cost(), Duty()), cost()
    rows = [row for _, _, _, first, rest, *_ in LAYERS for row in (first, rest, rest, rest)]
    rows += [OVERHEAD[0], *[OVERHEAD[1]] * 3]
    awake = sum(sum(row[:AWAKE]) for row in rows) + CONTROLLER
    share = awake / (8 * whole.cycles)
    assert entry["cluster"]["awake"] == pytest.approx(share)
    milliwatt = 19.04 + share * (48.0 - 19.04)  # GAP8 at 100 MHz and 1.0 V
    assert entry["power"]["run_mw"] == pytest.approx(milliwatt, abs=0.02)
    assert entry["cost"]["energy_mj"] == pytest.approx(milliwatt * whole.cycles / 100e6, rel=1e-3)
    assert entry["power"]["controller_mw"] == pytest.approx(19.04 + 28.96 / 8, abs=0.02)


def test_layers_and_the_rest_add_up_to_the_energy() -> None:
    entry, rows = cluster_report(BOARD, cost(), Duty()), cluster_layers(facts(), BOARD, cost())
    controller = entry["power"]["controller_mw"] * CONTROLLER / 100e6
    assert sum(row["energy_uj"] for row in rows) / 1e3 + controller == pytest.approx(entry["cost"]["energy_mj"])


def test_the_start_of_the_cluster_is_said_apart_and_counts_for_the_battery() -> None:
    entry = cluster_report(BOARD, cost(), Duty())
    assert entry["cluster"]["start_ms"] == pytest.approx(1.8)
    assert entry["cluster"]["start_mj"] == pytest.approx(1.8e-3 * 19.04, rel=1e-3)
    both = entry["cost"]["energy_mj"] + entry["cluster"]["start_mj"]
    asleep = 29.2 * (1 - 1.8e-3 - entry["cost"]["latency_ms"] / 1e3)
    assert entry["duty"]["average_ua"] == pytest.approx(1e3 * both / 3.7 + asleep)


def test_bands_are_not_symmetric() -> None:
    entry = cluster_report(BOARD, cost(), Duty())
    assert entry["cost"]["latency_ms_high"] == pytest.approx(1.35 * entry["cost"]["latency_ms"])
    assert entry["cost"]["latency_ms_low"] == pytest.approx(0.95 * entry["cost"]["latency_ms"])
    assert entry["bands"]["energy_percent"] == pytest.approx(100 * (1.35 * 1.25 - 1))
    assert entry["bands"]["energy_below_percent"] == pytest.approx(100 * (1 - 0.95 * 0.75))


def test_sums_of_layers() -> None:
    one = LayerCost(3, 4, ((1, 2, 0, 0, 0, 0, 0, 0, 0),), 5, 6)
    two = LayerCost(2, 1, ((1, 1, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0, 2)), 1, 1)
    both = ((2, 3, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0, 2))
    assert one + two == two + one == LayerCost(5, 5, both, 6, 7)
    assert LayerCost() + LayerCost() == LayerCost()
    assert LayerCost().categories == (0,) * len(KEYS)
    assert ClusterCost(BOARD.operating_point(), {}, LayerCost(), 8).awake(BOARD) == 0.0


def test_a_decision_in_words() -> None:
    lines = cluster_lines(cluster_report(BOARD, cost(), Duty()), BOARD, 139_264)
    whole = "\n".join(lines)
    for words in (
        f"{cost().cycles:,} cycles, 1,003 of them waiting for L3",
        "at 100 MHz, 1.0 V, 4 of 8 cores",
        "DMA 55,631 bytes in, 8,205 out",
        "1.80 ms and 0.0343 mJ more where the cluster is started first",
        "the firmware sets up 175 MHz: change the clock of its main file to run at 100 MHz",
    ):
        assert words in whole
    assert all(len(line) <= 100 for line in lines)
    quiet = cluster_report(BOARD, replace(cost(), l3_wait=0), Duty())
    assert "L3" not in "".join(cluster_lines(quiet, BOARD, 1))


def test_tables_fit_the_screen() -> None:
    entry, rows = cluster_report(BOARD, cost(), Duty()), cluster_layers(facts(), BOARD, cost())
    assert {(row["computed"], row["part"]) for row in rows} == {(1.0, None)}
    lines = text(*cluster_tables(rows, entry, 6_849_424))
    assert max(map(len, lines)) <= 100
    page = "\n".join(lines)
    for words in ("MAC/cycle", "(controller)", "core 3", "share of core time", "barrier", "total"):
        assert words in page
    (total, *_) = [line for line in lines if line.startswith("total")]
    assert total.split()[1] == "6,849,424"
    assert sum(line.startswith("core ") for line in text(cores_table(entry))) == CORES + 1  # and the heading


def test_memories_of_a_build() -> None:
    memory = cluster_memory_report(facts(), BOARD)
    assert (memory["l1_bytes"], memory["l1_available"]) == (40_008 + 9_216, 65_536)
    assert (memory["l2_bytes"], memory["l2_available"]) == (12_296 + 33_333 + 20_202 + 2_048, 524_288)
    assert (memory["l3_bytes"], memory["l3_available"]) == (44_448, 8 << 20)
    assert ram_bytes(memory) == memory["l1_bytes"] + memory["l2_bytes"]
    assert ram_bytes({"ram_bytes": 5}) == 5
    lines = cluster_fit_lines(facts(), BOARD)
    assert lines[0] == "fits gap8:"
    assert "L1 49,224 of 65,536 bytes (75.1 %)" in lines[1]
    assert "tiles and tensors 40,008, stacks and runtime 9,216" in lines[2]
    assert "L3 44,448" in lines[5]
    assert any(f"weights and scales: {40_008 + 12_296 + 33_333 + 44_448:,} bytes" in line for line in lines)
    assert max(map(len, lines)) <= 100
    without = {**facts(), "bytes": {**facts()["bytes"], "l3_constants": 0}}
    assert not any("L3" in line for line in cluster_fit_lines(without, BOARD))


def test_summary_of_a_run() -> None:
    lines = text(*summary(report(), facts(), BOARD))
    assert max(map(len, lines)) <= 100
    page = "\n".join(lines)
    for words in ("small fits gap8:", "L1 49,224 of 65,536 bytes", "cores awake", "balanced 70.00 %", "core 3"):
        assert words in page


def test_the_most_frugal_point_of_a_cluster() -> None:
    """Fewer cycles at a lower clock: a wait for L3 takes time, not cycles."""
    points = sweep_cluster(BOARD, lambda point: replace(cost(), point=point), Duty())
    assert [p["cost"]["clock_hz"] for p in points] == [90_000_000, 100_000_000, 175_000_000]
    best = frugal(points)
    assert best == BOARD.operating_point(best.clock_hz, best.range)
    assert best.range == "1.0 V"
    assert any(line.startswith("*") for line in text(points_table(points, best)))

"""What an inference costs on a cluster, as reports say it: cycles of every core and where they go, time, energy.

Layers run one after the other on all cores of the team, so a layer's cycles are those of core 0 from its entry to its
return; where they go is counted per core. A core that waits for the DMA (or through it for L3), at a barrier or for
work has no clock: energy follows from the share of core cycles that are awake (:mod:`edgekit.energy`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.boards import Board
from deploy.operating_point import OperatingPoint
from edgekit.cost import OVERHEAD, at_clock, bands_report, mac_per_cycle, running_lines, sleep_report
from edgekit.energy import Duty, battery, energy_mj, latency_ms
from edgekit.macs import computed_share
from edgekit.screen import table

# key in report.json, its name, whether the core has a clock; the order of the columns of `by_core`
CATEGORIES = (
    ("execute", "execute", True),
    ("load_use", "load-use", True),
    ("branch", "branch", True),
    ("conflict", "conflict", True),
    ("icache", "I$", True),
    ("l2", "L2", True),
    ("dma", "DMA", False),
    ("barrier", "barrier", False),
    ("idle", "idle", False),
)
KEYS = tuple(key for key, _, _ in CATEGORIES)
AWAKE = tuple(awake for _, _, awake in CATEGORIES)

Counts = tuple[int, ...]  # core cycles by category


@dataclass(frozen=True)
class LayerCost:
    """What a layer, or the code between layers, takes.

    Attributes:
        cycles: of the cluster's clock, on core 0 from entry to return.
        instructions: of all cores.
        by_core: cycles by core and category, one row per core of the team; each row sums to ``cycles``.
        dma_in, dma_out: bytes from L2 to L1 and back.
    """

    cycles: int = 0
    instructions: int = 0
    by_core: tuple[Counts, ...] = ()
    dma_in: int = 0
    dma_out: int = 0

    def __add__(self, other: LayerCost) -> LayerCost:
        longest = max(len(self.by_core), len(other.by_core))
        rows = zip(_padded(self.by_core, longest), _padded(other.by_core, longest), strict=True)
        return LayerCost(
            self.cycles + other.cycles,
            self.instructions + other.instructions,
            tuple(_sum(pair) for pair in rows),
            self.dma_in + other.dma_in,
            self.dma_out + other.dma_out,
        )

    @property
    def categories(self) -> Counts:
        """Cycles of all cores by category."""
        return _sum(self.by_core)

    @property
    def awake_cycles(self) -> int:
        """Cycles of all cores in which they have a clock."""
        return _awake(self.categories)


@dataclass(frozen=True)
class ClusterCost:
    """What one inference costs at an operating point, from the controller's call to its return.

    Attributes:
        layers: cost by layer, in the order given; tiles of a layer are summed.
        overhead: what the cluster spends outside of layers.
        cores: cores of the team.
        l3_wait: cycles of core 0, contained in its category ``dma``, in which it waited for L3.
        controller: cycles, at the cluster's clock, in which the controller worked and the cluster did not.
        controller_instructions: the controller's.
    """

    point: OperatingPoint
    layers: Mapping[str, LayerCost]
    overhead: LayerCost
    cores: int
    l3_wait: int = 0
    controller: int = 0
    controller_instructions: int = 0

    @property
    def cluster(self) -> LayerCost:
        """All that runs on the cluster."""
        return sum(self.layers.values(), self.overhead)

    @property
    def cycles(self) -> int:
        """Of the whole inference."""
        return self.cluster.cycles + self.controller

    @property
    def instructions(self) -> int:
        return self.cluster.instructions + self.controller_instructions

    def awake(self, board: Board) -> float:
        """Share of the core cycles of the whole inference that are awake; the controller counts as one core."""
        return _share(board, self.cluster.awake_cycles + self.controller, self.cycles)


def cluster_report(board: Board, cost: ClusterCost, duty: Duty) -> dict[str, Any]:
    """The entries ``cost``, ``cluster``, ``power``, ``duty`` and ``bands`` of a report."""
    point, cycles, awake = cost.point, cost.cycles, cost.awake(board)
    return {
        "cost": {
            "cycles": cycles,
            "instructions": cost.instructions,
            **latency_ms(board, point, cycles).as_json("latency_ms"),
            **energy_mj(board, point, cycles, awake).as_json("energy_mj"),
            "clock_hz": point.clock_hz,
            "firmware_clock_hz": board.clock_hz,
            "voltage_range": point.range,
            "overhead_cycles": cost.overhead.cycles,
            "stalls": named(cost.cluster.categories),
        },
        "cluster": _activity(board, cost, duty),
        "power": _power(board, point, awake, duty),
        "duty": battery(board, point, cycles, duty, awake),
        "bands": bands_report(board),
    }


def _activity(board: Board, cost: ClusterCost, duty: Duty) -> dict[str, Any]:
    """The entry ``cluster``: who did what, what was moved, and what starting the cluster adds."""
    assert board.power is not None and board.cluster is not None
    start_ms, total = board.power.waiting(duty.idle).start_us / 1e3, cost.cluster
    return {
        "cores": cost.cores,
        "cores_available": board.cluster.cores,
        "awake": cost.awake(board),
        "l3_wait_cycles": cost.l3_wait,
        "controller_cycles": cost.controller,
        "dma_in_bytes": total.dma_in,
        "dma_out_bytes": total.dma_out,
        "by_core": [named(row) for row in total.by_core],
        "start_ms": start_ms,
        "start_mj": start_ms * 1e-3 * board.power.supply_v * cost.point.current_ma(0.0),
    }


def _power(board: Board, point: OperatingPoint, awake: float, duty: Duty) -> dict[str, Any]:
    """Power in mW by activity at the operating point, and what it rests on."""
    assert board.power is not None and board.power.cluster is not None
    supply = board.power.supply_v
    return {
        "run_ma": point.current_ma(awake),
        "full_ma": point.run_ma,
        "asleep_ma": point.current_ma(0.0),
        "run_mw": supply * point.current_ma(awake),
        "compute_mw": supply * point.current_ma(1.0),
        "waiting_mw": supply * point.current_ma(0.0),
        "controller_mw": supply * point.current_ma(_share(board, 1, 1)),
        "supply_v": supply,
        "source": board.power.cluster.source,
        **sleep_report(board, point, duty),
    }


def cluster_layers(facts: Mapping[str, Any], board: Board, cost: ClusterCost) -> list[dict[str, Any]]:
    """One row per layer, and a last one for what the cluster does between them."""
    keys = ("name", "op", "kernel", "why", "macs", "executed_macs")
    rows = [
        {
            **{key: layer[key] for key in keys},
            "computed": computed_share(layer["output"]),
            "part": layer["output"].get("part"),
            **priced(board, cost.point, cost.layers[layer["name"]]),
        }
        for layer in facts["layers"]
    ]
    none = {"op": "-", "kernel": "-", "why": "-", "macs": 0, "executed_macs": 0, "computed": 1.0, "part": None}
    return [*rows, {"name": OVERHEAD, **none, **priced(board, cost.point, cost.overhead)}]


def priced(board: Board, point: OperatingPoint, cost: LayerCost) -> dict[str, Any]:
    """A layer's figures as a report's rows have them; ``stalls`` are cycles of all cores."""
    awake = _share(board, cost.awake_cycles, cost.cycles)
    return {
        "instructions": cost.instructions,
        "cycles": cost.cycles,
        "stalls": named(cost.categories),
        "by_core": [named(row) for row in cost.by_core],
        "awake": awake,
        "dma_in_bytes": cost.dma_in,
        "dma_out_bytes": cost.dma_out,
        "energy_uj": 1e3 * energy_mj(board, point, cost.cycles, awake).value,
    }


def named(counts: Counts) -> dict[str, int]:
    """Cycles by the name of their category."""
    return dict(zip(KEYS, counts or (0,) * len(KEYS), strict=True))


def cluster_lines(report: Mapping[str, Any], board: Board, macs: int) -> list[str]:
    """Latency, energy and battery life with their bands, as text."""
    cost, cluster, power = report["cost"], report["cluster"], report["power"]
    cores = f"{cluster['cores']} of {cluster['cores_available']} cores"
    waits = f", {cluster['l3_wait_cycles']:,} of them waiting for L3" if cluster["l3_wait_cycles"] else ""
    return [
        f"latency   {cost['latency_ms']:.3f} ms ({cost['latency_ms_low']:.3f} to {cost['latency_ms_high']:.3f})"
        f" at {at_clock(cost)}, {cores}",
        f"          {cost['cycles']:,} cycles{waits}, {mac_per_cycle(macs, cost['cycles'])}",
        f"          {cost['instructions']:,} instructions; DMA {cluster['dma_in_bytes']:,} bytes in,"
        f" {cluster['dma_out_bytes']:,} out",
        f"energy    {cost['energy_mj']:.4f} mJ ({cost['energy_mj_low']:.4f} to {cost['energy_mj_high']:.4f})"
        f" at {power['run_mw']:.1f} mW, cores awake {100 * cluster['awake']:.0f} % of the time",
        f"          {cluster['start_ms']:.2f} ms and {cluster['start_mj']:.4f} mJ more"
        " where the cluster is started first",
        *running_lines(report, board),
    ]


def cluster_tables(rows: Sequence[Mapping[str, Any]], report: Mapping[str, Any], macs: int) -> list[Any]:
    """Layers; where the time of all cores goes, by layer; the same by core.

    ``macs``: of the network's table in published order.
    """
    return [_layers_table(rows, report, macs), "", _categories_table(rows, report), "", cores_table(report)]


def _layers_table(rows: Sequence[Mapping[str, Any]], report: Mapping[str, Any], macs: int) -> Any:
    cost, cluster = report["cost"], report["cluster"]
    total = {"name": "total", "kernel": "", "macs": macs, "cycles": cost["cycles"]}
    total |= {key: cluster[key] for key in ("awake", "dma_in_bytes", "dma_out_bytes")}
    total |= {"energy_uj": 1e3 * cost["energy_mj"]}
    controller = {"name": "(controller)", "kernel": "", "macs": 0, "cycles": cluster["controller_cycles"]}
    cells = [
        (
            r["name"],
            r["kernel"],
            r["macs"],
            r["cycles"],
            f"{r['macs'] / r['cycles']:.2f}" if r["macs"] and r["cycles"] else "-",
            f"{100 * r['awake']:.0f} %" if "awake" in r else "-",
            r.get("dma_in_bytes", 0),
            r.get("dma_out_bytes", 0),
            f"{r['energy_uj']:.2f}" if "energy_uj" in r else "-",
        )
        for r in (*rows, controller, total)
    ]
    columns = ("layer", "kernel", "MACs", "cycles", "MAC/cycle", "awake", "DMA in", "DMA out", "µJ")
    return table(columns, cells, numbers="llrrrrrrr")


def _categories_table(rows: Sequence[Mapping[str, Any]], report: Mapping[str, Any]) -> Any:
    total = {"name": "total", "stalls": report["cost"]["stalls"]}
    cells = [(row["name"], *shares(row["stalls"])) for row in (*rows, total)]
    columns = ("share of core time", *(title for _, title, _ in CATEGORIES))
    return table(columns, cells, numbers="l" + "r" * len(CATEGORIES))


def cores_table(report: Mapping[str, Any]) -> Any:
    """What every core of the team did with its time."""
    cells = [(f"core {core}", *shares(row)) for core, row in enumerate(report["cluster"]["by_core"])]
    columns = ("core", *(title for _, title, _ in CATEGORIES))
    return table(columns, cells, numbers="l" + "r" * len(CATEGORIES))


def shares(stalls: Mapping[str, int]) -> list[str]:
    """Every category in percent of all."""
    whole = sum(stalls.values())
    return [f"{100 * stalls[key] / whole:.1f} %" if whole else "-" for key in KEYS]


def _share(board: Board, awake: int, cycles: int) -> float:
    assert board.cluster is not None
    return awake / (board.cluster.cores * cycles) if cycles else 0.0


def _awake(counts: Counts) -> int:
    return sum(count for count, awake in zip(counts, AWAKE, strict=True) if awake)


def _sum(rows: Iterable[Counts]) -> Counts:
    return tuple(map(sum, zip(*rows, strict=True))) or (0,) * len(KEYS)


def _padded(rows: tuple[Counts, ...], length: int) -> list[Counts]:
    return [*rows, *[(0,) * len(KEYS)] * (length - len(rows))]

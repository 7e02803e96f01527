"""A cluster of cores with a scratchpad and a DMA: sizes and latencies, as a board's file gives them.

All latencies are in cycles of the cluster's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class L1:
    """The scratchpad: ``banks`` word-interleaved banks, each of which serves one access per cycle."""

    start: int
    bytes: int
    banks: int
    source: str


@dataclass(frozen=True)
class InstructionCache:
    """The instruction cache that all cores of the cluster share.

    Attributes:
        miss_cycles: what a core waits for a line that comes from L2.
    """

    bytes: int
    line_bytes: int
    ways: int
    miss_cycles: int
    source: str


@dataclass(frozen=True)
class CoreTiming:
    """Cycles of one instruction; everything that is not named takes 1.

    Attributes:
        load_use: added where the next instruction reads what was loaded.
        branch_taken, jump: whole cost of a taken branch and of a jump.
        misaligned: added by an access that crosses a word boundary.
        divide_min, divide_max: whole cost of a division, by the number of significant quotient bits.
    """

    mul: int
    mulh: int
    divide_min: int
    divide_max: int
    load_use: int
    branch_taken: int
    jump: int
    misaligned: int
    source: str


@dataclass(frozen=True)
class Latencies:
    """Cycles of a load or store by where it goes, from a core of the cluster (``pe``) or the controller (``fc``)."""

    pe_l2: int
    pe_cluster_peripheral: int
    pe_soc_peripheral: int
    fc_l2: int
    fc_l1: int
    fc_cluster_peripheral: int
    fc_soc_peripheral: int
    barrier: int
    wake: int
    source: str


@dataclass(frozen=True)
class Dma:
    """The cluster's DMA: ``latency_in + n * 256 / rate_in`` cycles for n bytes from L2 to L1, likewise out.

    Attributes:
        rate_in, rate_out: bytes per 256 cycles.
        line_in, line_out: cycles that a line of a 2-D transfer takes at least.
        ids: transfers that may be under way at once.
    """

    latency_in: int
    latency_out: int
    rate_in: int
    rate_out: int
    line_in: int
    line_out: int
    ids: int
    source: str


@dataclass(frozen=True)
class L3:
    """Memory outside the chip, reached through L2 only: ``base_us + ns_per_byte * n`` for n bytes."""

    name: str
    bytes: int
    base_us: float
    ns_per_byte: float
    source: str


@dataclass(frozen=True)
class Cluster:
    """What the tiler and the simulator know of a cluster.

    Attributes:
        cores: cores that compute.
        controller_xpulp: whether the controller outside the cluster executes XpulpV2.
        floating_point: whether the cores have the F extension.
        l3: None where the board has no memory outside the chip.
    """

    cores: int
    controller_xpulp: bool
    floating_point: bool
    l1: L1
    icache: InstructionCache
    timing: CoreTiming
    latency: Latencies
    dma: Dma
    l3: L3 | None


def parse_cluster(data: dict[str, Any]) -> Cluster:
    """The table ``cluster`` of a board's file."""
    return Cluster(
        cores=data["cores"],
        controller_xpulp=data["controller_xpulp"],
        floating_point=data["floating_point"],
        l1=L1(**data["l1"]),
        icache=InstructionCache(**data["icache"]),
        timing=CoreTiming(**data["timing"]),
        latency=Latencies(**data["latency"]),
        dma=Dma(**data["dma"]),
        l3=L3(**data["l3"]) if "l3" in data else None,
    )

"""Layers -> plan for a cluster: groups and tiles, addresses in L1 and L2, constants as the DMA takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.boards import Board
from deploy.cluster import Cluster
from deploy.gap.constants import Chunk, make_chunks
from deploy.gap.homes import Homes, constants_in_l3, largest_constants
from deploy.gap.scratchpad import SLACK_BYTES, fit
from deploy.gap.small import fit_memory
from deploy.gap.steps import Pointer
from deploy.gap.stored import l2_arena
from deploy.gap.tiling import Tiling
from deploy.group import Group
from deploy.kernels import KERNELS
from deploy.kernels.base import Kernel
from deploy.layers import Lowered, lower
from deploy.memory import Arena, aligned
from deploy.plan import runtime_bytes
from quant.errors import Problem, UserError
from quant.graph import Graph

STACK_BYTES = 1_024  # of every core, in L1
RUNTIME_BYTES = 3_072  # of L1: step records on their way, what the SDK keeps there
CODE_BYTES = 36_864  # of L2 for code; like the next two an estimate, the linker checks what it really is
STEP_BYTES = 136  # of the table in L2, for a step with some transfers
LOW_BYTES = 32_768  # of L2: the platform's program starts behind them, the controller's stack lies there


@dataclass(frozen=True)
class ClusterPlan(Lowered):
    """Everything the C project of a board with a cluster is written from.

    Attributes:
        groups, tilings: layers that run depth-first together, and how each group is cut.
        resident: stored tensors that lie in L1.
        l1: the scratchpad, one time step per group.
        l2: the arena in L2: inputs, outputs, what does not fit L1.
        chunks: all constants.
    """

    groups: tuple[Group, ...]
    tilings: tuple[Tiling, ...]
    resident: frozenset[str]
    l1: Arena
    l2: Arena
    chunks: tuple[Chunk, ...]

    @property
    def l1_bytes(self) -> int:
        """Bytes of the L1 arena."""
        return self.l1.size + SLACK_BYTES

    @property
    def l2_constant_bytes(self) -> int:
        """Bytes of constants in L2."""
        return sum(chunk.size for chunk in self.chunks if not chunk.in_l3)

    @property
    def l3_bytes(self) -> int:
        """Bytes of constants outside the chip."""
        return sum(chunk.size for chunk in self.chunks if chunk.in_l3)

    def pointer(self, tensor: str) -> Pointer:
        """Where a whole tensor lies while it is alive."""
        base = self.storage[tensor]
        return Pointer("l1", self.l1.offsets[base]) if base in self.resident else self.outside(tensor)

    def outside(self, tensor: str) -> Pointer:
        """Where a tensor lies in L2."""
        return Pointer("arena", self.l2.offsets[self.storage[tensor]])


def l1_budget(cluster: Cluster) -> int:
    """Bytes of L1 that tensors and tiles may take."""
    return cluster.l1.bytes - cluster.cores * STACK_BYTES - RUNTIME_BYTES - SLACK_BYTES


def make_cluster_plan(
    graph: Graph, board: Board, kernels: Sequence[Kernel] = KERNELS, memory: int | None = None
) -> ClusterPlan:
    """Choose kernels, tiles and addresses.

    Args:
        memory: bytes that tensors in L2, the arena in L1 and constants may take together.

    Raises:
        UserError: as :func:`deploy.layers.lower`; a layer that does not fit L1 in its smallest tiles, tensors that do
            not fit L2, constants that fit neither L2 nor L3, or everything together ``memory``.
    """
    assert board.cluster is not None, board.name
    low = lower(graph, board, kernels)
    if memory is None:
        homes, l1 = fit(low, l1_budget(board.cluster), board.cluster)
    else:
        homes, l1 = fit_memory(low, memory, l1_budget(board.cluster), board.cluster)
    l2 = l2_arena(low, homes.groups, homes.resident)
    taken = l2.size + LOW_BYTES + CODE_BYTES + _buffer_bytes(low) + STEP_BYTES * _steps(homes)
    outside = constants_in_l3(homes.groups, homes.tilings, board.rams[0].bytes - taken)
    if outside:
        slot_bytes = max(largest_constants(homes.tilings[i]) for i in outside)
        l2 = l2_arena(low, homes.groups, homes.resident, slot_bytes)
    chunks = tuple(make_chunks(homes.groups, homes.tilings, outside))
    plan = ClusterPlan(
        low.graph,
        board,
        low.layers,
        low.layouts,
        low.storage,
        low.need,
        homes.groups,
        homes.tilings,
        homes.resident,
        l1,
        l2,
        chunks,
    )
    problems = [problem for problem in (_l2_problem(plan), _l3_problem(plan)) if problem is not None]
    if problems:
        raise UserError(problems)
    return plan


def _buffer_bytes(low: Lowered) -> int:
    """The program's own output, inputs if there are several, and the self-test's vector with both its outputs."""
    inputs, outputs = runtime_bytes(low.graph)
    return aligned(inputs * min(len(low.graph.all_inputs), 2) + 3 * outputs)


def _steps(homes: Homes) -> int:
    """About so many steps: some kernels take two calls."""
    pairs = zip(homes.groups, homes.tilings, strict=True)
    return sum(max(len(tiling.visits), 1) * len(group.layers) + 1 for group, tiling in pairs)


def _l2_problem(plan: ClusterPlan) -> Problem | None:
    ram = plan.board.rams[0]
    tensors, constants = plan.l2.size + _buffer_bytes(plan), plan.l2_constant_bytes
    excess = tensors + constants - ram.bytes
    if excess <= 0:
        return None
    if tensors > constants:
        group = plan.groups[min(max(plan.l2.peak_step - 1, 0), len(plan.groups) - 1)]
        what = f"its tensors need {tensors:,} bytes of L2 at layer '{group.first.node.name}': {excess:,} bytes too many"
        fix = "use fewer channels or shorter inputs around this layer"
    else:
        what = f"its constants need {constants:,} bytes of L2, {excess:,} too many; {_largest(plan, in_l3=False)}"
        fix = "use fewer weights, or a board with L3"
        if plan.board.cluster and plan.board.cluster.l3:
            fix = "use fewer weights: the first layer's and those of fused layers cannot come from L3"
    return Problem(what, f"board '{plan.board.name}', L2", f"{ram.bytes:,} bytes", fix)


def _l3_problem(plan: ClusterPlan) -> Problem | None:
    cluster = plan.board.cluster
    assert cluster is not None
    if plan.l3_bytes <= (cluster.l3.bytes if cluster.l3 else 0):
        return None
    what = f"{plan.l3_bytes:,} bytes of its constants do not fit L2; {_largest(plan, in_l3=True)}"
    if cluster.l3 is None:
        fix = "use fewer weights, or a board with L3"
        return Problem(what, f"board '{plan.board.name}'", "constants in L2: it has no L3", fix)
    where = f"board '{plan.board.name}', {cluster.l3.name}"
    return Problem(f"{what}; L3 is too small for them", where, f"{cluster.l3.bytes:,} bytes", "use fewer weights")


def _largest(plan: ClusterPlan, *, in_l3: bool) -> str:
    """The layer with most constants among those in L3, or among those in L2."""
    held: dict[str, int] = {}
    for chunk in plan.chunks:
        if chunk.in_l3 == in_l3:
            held[chunk.layer.node.name] = held.get(chunk.layer.node.name, 0) + chunk.size
    name = max(held, key=held.__getitem__)
    return f"layer '{name}' alone needs {held[name]:,}"

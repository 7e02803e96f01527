"""A plan within a budget of memory: tensors in L2, the arena in L1 and constants together.

What a model needs in L2 depends on what does not fit L1, and the other way round: L1 gets what L2 leaves, until both
agree.
"""

from __future__ import annotations

from deploy.cluster import Cluster
from deploy.gap.homes import Homes, l2_bytes
from deploy.gap.scratchpad import SLACK_BYTES, fit
from deploy.layers import Lowered
from deploy.memory import ALIGNMENT, Arena, aligned
from quant.errors import Problem, UserError

STEP = 7  # eighths of L1 that are left at least when a plan was too large


def fit_memory(low: Lowered, memory: int, l1_room: int, cluster: Cluster) -> tuple[Homes, Arena]:
    """Homes and addresses in L1 that need at most ``memory`` bytes altogether, of L1 at most ``l1_room``.

    Raises:
        UserError: a layer does not fit at all, or there is no such plan.
    """
    borders = {low.storage[t.name]: t.nbytes for t in (*low.graph.inputs, *low.graph.outputs)}
    room = min(l1_room, memory - SLACK_BYTES - low.constant_bytes - sum(map(aligned, borders.values())))
    least: int | None = None
    while room > 0:
        room -= room % ALIGNMENT
        try:
            homes, l1 = fit(low, room, cluster, memory - SLACK_BYTES - low.constant_bytes - room)
        except UserError:
            break
        total = SLACK_BYTES + l1.size + l2_bytes(low, homes) + sum(tiling.constant_total for tiling in homes.tilings)
        if total <= memory:
            return homes, l1
        least = total if least is None else min(least, total)
        room = min(room - ALIGNMENT, max(l1.size - (total - memory), room * STEP // 8))
    raise UserError(_too_small(low, memory, least))


def _too_small(low: Lowered, memory: int, least: int | None) -> Problem:
    """``least``: bytes of the smallest plan that was found."""
    known = "no plan is that small" if least is None else f"the smallest plan that was found needs {least:,} bytes"
    return Problem(
        f"it does not fit {memory:,} bytes of tensors, buffers and constants: {known}",
        f"model '{low.graph.name}' on board '{low.board.name}', --memory",
        fix="allow more memory" if least is None else f"allow {least:,} bytes, or use a smaller network",
    )

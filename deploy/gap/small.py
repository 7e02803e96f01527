"""A plan within a budget of memory: tensors in L2, the arena in L1 and constants together.

What a model needs in L2 depends on what does not fit L1, and the other way round: L1 gets what L2 leaves, until both
agree.
"""

from __future__ import annotations

from contextlib import suppress

from deploy.cluster import Cluster
from deploy.gap.homes import Homes, l2_bytes
from deploy.gap.scratchpad import SLACK_BYTES, fit
from deploy.layers import Lowered
from deploy.memory import ALIGNMENT, Arena, aligned
from quant.errors import Problem, UserError

LEAST = 1024  # bytes of L1 that the smallest plan is looked for from, where none fits at all
STEP = 7  # eighths of L1 that are left at least when a plan was too large


def fit_memory(low: Lowered, memory: int, l1_room: int, cluster: Cluster) -> tuple[Homes, Arena]:
    """Homes and addresses in L1 that need at most ``memory`` bytes altogether, of L1 at most ``l1_room``.

    Raises:
        UserError: a layer does not fit at all, or there is no such plan.
    """
    borders = {low.storage[t.name]: t.nbytes for t in (*low.graph.all_inputs, *low.graph.all_outputs)}
    room = min(l1_room, memory - SLACK_BYTES - low.constant_bytes - sum(map(aligned, borders.values())))
    least: int | None = None
    while room > 0:
        room -= room % ALIGNMENT
        try:
            homes, l1 = fit(low, room, cluster, memory - SLACK_BYTES - low.constant_bytes - room)
        except UserError:
            break
        total = _total(low, homes, l1)
        if total <= memory:
            return homes, l1
        least = total if least is None else min(least, total)
        room = min(room - ALIGNMENT, max(l1.size - (total - memory), room * STEP // 8))
    raise UserError(_too_small(low, memory, _smallest(low, l1_room, cluster) if least is None else least))


def _total(low: Lowered, homes: Homes, l1: Arena) -> int:
    return SLACK_BYTES + l1.size + l2_bytes(low, homes) + sum(tiling.constant_total for tiling in homes.tilings)


def _smallest(low: Lowered, l1_room: int, cluster: Cluster) -> int:
    """Bytes of the smallest of some plans: with too little L1 nothing runs depth-first and L2 holds more.

    Raises:
        UserError: a layer does not fit at all.
    """
    room, totals = LEAST, list[int]()
    while room < min([l1_room, *totals]):
        with suppress(UserError):
            totals.append(_total(low, *fit(low, room - room % ALIGNMENT, cluster, 0)))
        room = room * 3 // 2
    return min(totals) if totals else _total(low, *fit(low, l1_room, cluster, 0))


def _too_small(low: Lowered, memory: int, least: int) -> Problem:
    """``least``: bytes of the smallest plan that was found."""
    return Problem(
        f"it does not fit {memory:,} bytes of tensors, buffers and constants: the smallest plan that was found needs "
        f"{least:,} bytes",
        f"model '{low.graph.name}' on board '{low.board.name}', --memory",
        fix=f"allow {least:,} bytes, or use a smaller network",
    )

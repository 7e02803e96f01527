"""Which tensors stay in L1, which layers run depth-first, and how every group of layers is cut.

Everything starts in L1. As long as a group does not fit, the largest tensor that is alive there moves to L2; the groups
that touch it then stream it. Neighbours that would stream what only they see are fused unless that takes longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.cluster import Cluster
from deploy.gap.stored import l2_arena, sizes, spans
from deploy.gap.tiling import Streams, Tiling, choose_tiling, smallest
from deploy.group import Group, fusible, merged, single
from deploy.layers import Lowered
from deploy.memory import aligned
from quant.errors import Problem, UserError

MANY_TILES = 4  # a group that is cut into more is worth a second look
FUSED_COST = 1.05  # what fusing may cost in cycles: it always saves traffic and L2
SAVING_COST = 1.5  # the same where tensors take more of L2 than they may
AHEAD = 3  # groups that may have to join before that saves anything


@dataclass(frozen=True)
class Homes:
    """Groups with their tilings, and the stored tensors that lie in L1 from their first to their last use."""

    groups: tuple[Group, ...]
    tilings: tuple[Tiling, ...]
    resident: frozenset[str]


def choose_homes(low: Lowered, budget: int, cluster: Cluster, l2_room: int | None = None) -> Homes:
    """Residents, groups and tilings that need at most ``budget`` bytes of L1 at every group.

    ``l2_room``: bytes of L2 that tensors should not exceed; layers run depth-first for it even where that is slower.

    Raises:
        UserError: a layer does not fit, even alone and in its smallest tiles.
    """
    homes = _relieved(low, _without_fusion(low, budget, cluster), budget, cluster)
    at = 0
    while at + 1 < len(homes.groups):
        fused = _fused(low, homes, at, budget, cluster, FUSED_COST)
        if fused is None and l2_room is not None and l2_bytes(low, homes) > l2_room:
            fused = _saving(low, homes, at, budget, cluster)
        at = at + 1 if fused is None else at
        homes = fused or homes
    return homes


def l2_bytes(low: Lowered, homes: Homes) -> int:
    """Bytes of L2 that tensors take."""
    return l2_arena(low, homes.groups, homes.resident).size


def constants_once(low: Lowered) -> bool:
    """Whether constants may have to come from L3: loading them again costs far more there than loading inputs again."""
    return low.constant_bytes > low.board.rams[0].bytes // 2


def _without_fusion(low: Lowered, budget: int, cluster: Cluster) -> Homes:
    groups = single(low)
    live, size = spans(low, groups), sizes(low)
    resident = frozenset(live)
    tilings: dict[int, Tiling] = {}
    once = constants_once(low)
    waiting = {group.index for group in groups}
    while waiting:
        group = groups[min(waiting)]
        waiting.remove(group.index)
        there = [name for name in resident if live[name][0] <= group.index <= live[name][1]]
        room = budget - sum(aligned(size[name]) for name in there)
        tiling = choose_tiling(group, _streams(low, group, resident), room, cluster, once) if room >= 0 else None
        if tiling is not None:
            tilings[group.index] = tiling
            continue
        if not there:
            raise UserError(_too_large(low, group, budget, cluster))
        moved = max(there, key=lambda name: (size[name], name))
        resident -= {moved}
        waiting |= set(range(live[moved][0], live[moved][1] + 1))
    return Homes(tuple(groups), tuple(tilings[group.index] for group in groups), resident)


def _relieved(low: Lowered, homes: Homes, budget: int, cluster: Cluster) -> Homes:
    """The homes with tensors moved to L2 that cost more in L1 than they save: what they leave no room for is cut too
    small."""
    live, size = spans(low, homes.groups), sizes(low)
    for at in range(len(homes.groups)):
        while len(homes.tilings[at].visits) > MANY_TILES:
            there = [name for name in homes.resident if live[name][0] <= at <= live[name][1]]
            trials = [_moved(low, homes, name, live, size, budget, cluster) for name in sorted(there)]
            better = [trial for trial in trials if trial is not None and _cycles(trial) < _cycles(homes)]
            if not better:
                break
            homes = min(better, key=_cycles)
    return homes


def _cycles(homes: Homes) -> float:
    return sum(tiling.cycles for tiling in homes.tilings)


def _moved(
    low: Lowered,
    homes: Homes,
    name: str,
    live: Mapping[str, tuple[int, int]],
    size: Mapping[str, int],
    budget: int,
    cluster: Cluster,
) -> Homes | None:
    """The homes with one tensor less in L1, if everything still fits."""
    resident, tilings = homes.resident - {name}, list(homes.tilings)
    for index in range(live[name][0], live[name][1] + 1):
        group = homes.groups[index]
        used = sum(aligned(size[other]) for other in resident if live[other][0] <= index <= live[other][1])
        tiling = choose_tiling(group, _streams(low, group, resident), budget - used, cluster, constants_once(low))
        if tiling is None:
            return None
        tilings[index] = tiling
    return Homes(homes.groups, tuple(tilings), resident)


def _saving(low: Lowered, homes: Homes, at: int, budget: int, cluster: Cluster) -> Homes | None:
    """The homes with group ``at`` and some behind it as one, where that saves L2 and does not cost too much.

    Tiles of a fused group are seldom pieces of a resident tensor: its output may have to move to L2, too. Up to
    ``AHEAD`` groups are tried: an operator on single elements saves nothing before a pool behind it joins.
    """
    least, merged_homes = l2_bytes(low, homes), homes
    for _ in range(AHEAD):
        if at + 1 == len(merged_homes.groups):
            return None
        output = low.storage[merged_homes.groups[at + 1].last.node.output]
        ways: list[Homes | None] = [merged_homes]
        if output in merged_homes.resident:
            live, size = spans(low, merged_homes.groups), sizes(low)
            ways.append(_moved(low, merged_homes, output, live, size, budget, cluster))
        made = [_fused(low, way, at, budget, cluster, SAVING_COST) for way in ways if way is not None]
        found = [one for one in made if one is not None]
        if not found:
            return None
        merged_homes = min(found, key=lambda one: l2_bytes(low, one))
        if l2_bytes(low, merged_homes) < least:
            return merged_homes
    return None


def _streams(low: Lowered, group: Group, resident: frozenset[str]) -> Streams:
    """What the group touches that is not resident."""
    inputs = (i for i, name in enumerate(group.first.node.inputs) if low.storage[name] not in resident)
    return Streams(frozenset(inputs), low.storage[group.last.node.output] not in resident)


def _fused(low: Lowered, homes: Homes, at: int, budget: int, cluster: Cluster, cost: float) -> Homes | None:
    """The homes with groups ``at`` and ``at + 1`` as one, where that is possible and takes at most ``cost`` times as
    many cycles."""
    before, after = homes.groups[at], homes.groups[at + 1]
    if low.storage[before.last.node.output] in homes.resident or not fusible(low, before, after):
        return None
    if constants_once(low) and sum(ly.constant_bytes for ly in (*before.layers, *after.layers)) > _held(low):
        return None
    groups = merged(list(homes.groups), at)
    live, size = spans(low, groups), sizes(low)
    room = budget - sum(aligned(size[name]) for name in homes.resident if live[name][0] <= at <= live[name][1])
    tiling = choose_tiling(groups[at], _streams(low, groups[at], homes.resident), room, cluster, constants_once(low))
    if tiling is None or tiling.cycles > cost * (homes.tilings[at].cycles + homes.tilings[at + 1].cycles):
        return None
    return Homes(tuple(groups), (*homes.tilings[:at], tiling, *homes.tilings[at + 2 :]), homes.resident)


def _held(low: Lowered) -> int:
    """Bytes of constants at most that a fused group keeps in L2 where others may have to come from L3."""
    return low.board.rams[0].bytes // 16


def _too_large(low: Lowered, group: Group, budget: int, cluster: Cluster) -> Problem:
    least, layer = smallest(group, cluster), group.first
    inputs, constants = (sum(s.bytes for s in streams) for streams in (least.inputs, least.constants))
    return Problem(
        f"its smallest tile needs {least.l1_bytes:,} bytes of L1: input {inputs:,}, output {least.output.bytes:,}, "
        f"constants {constants:,}, each twice where it changes, scratch {sum(least.scratch):,}",
        f"layer '{layer.node.name}' ({layer.node.op.kind}) on board '{low.board.name}'",
        f"{budget:,} bytes of L1 for tiles",
        "use fewer input channels, a smaller kernel or less dilation in this layer, or a board with more L1",
    )


def constants_in_l3(groups: Sequence[Group], tilings: Sequence[Tiling], room: int) -> frozenset[int]:
    """Groups whose constants come from L3 because L2 has only ``room`` bytes for them; the largest ones go first.

    The first group and fused ones stay in L2: pieces arrive one at a time, while the step before computes.
    """
    held = {group.index: tilings[group.index].constant_total for group in groups}
    outside: set[int] = set()
    for index in sorted(held, key=lambda one: (-held[one], one)):
        slots = 2 * max((largest_constants(tilings[i]) for i in outside), default=0)
        if sum(size for i, size in held.items() if i not in outside) + slots <= room:
            break
        if held[index] and index > 0 and not groups[index].fused:
            outside.add(index)
    return frozenset(outside)


def largest_constants(tiling: Tiling) -> int:
    """Bytes of the largest piece of constants."""
    return max(aligned(stream.bytes) for stream in tiling.constants)

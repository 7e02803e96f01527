"""The size table of a build: what it takes of the board's memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.boards import Board
from edgekit.macs import output_words


def layer_rows(facts: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Name, operator, kernel, output shape, table and executed MACs, output and scratch bytes of every layer."""
    return [
        (
            layer["name"],
            layer["op"],
            layer["kernel"],
            output_words(layer["output"]),
            layer["macs"],
            layer["executed_macs"],
            layer["output"]["bytes"],
            layer["scratch_bytes"],
        )
        for layer in facts["layers"]
    ]


def memory_bytes(facts: Mapping[str, Any]) -> dict[str, int]:
    """What the image takes, as reports and the baseline name it."""
    sizes = facts["bytes"]
    return {
        "arena_bytes": sizes["arena"],
        "ram_bytes": sizes["ram"],
        "flash_bytes": sizes["flash"],
        "stack_bytes": sizes["stack"],
        "weight_bytes": sizes["weights"],
    }


def memory_report(facts: Mapping[str, Any], board: Board) -> dict[str, int]:
    """:func:`memory_bytes` with what the board has and what no plan could go below; on a cluster by memory."""
    if board.cluster:
        return cluster_memory_report(facts, board)
    return {
        **memory_bytes(facts),
        "ram_available": sum(memory.bytes for memory in board.rams),
        "flash_available": board.flash.bytes,
        "arena_bound_bytes": facts["arena_bound"],
    }


# What a build for a cluster takes: key in build.json and report.json, what it is
CLUSTER_MEMORY = {
    "l1": {"l1_arena": "tiles and tensors", "l1_stacks": "stacks and runtime"},
    "l2": {
        "l2_arena": "tensors",
        "l2_constants": "constants",
        "l2_code": "code",
        "l2_stack": "stack and buffers",
    },
    "l3": {"l3_constants": "constants"},
}


def cluster_memory_report(facts: Mapping[str, Any], board: Board) -> dict[str, int]:
    """What a build takes of L1, L2 and L3, part by part, and what the board has of each."""
    assert board.cluster is not None
    sizes, l3 = facts["bytes"], board.cluster.l3
    there = {"l1": board.cluster.l1.bytes, "l2": sum(m.bytes for m in board.rams), "l3": l3.bytes if l3 else 0}
    report: dict[str, int] = {}
    for memory, parts in CLUSTER_MEMORY.items():
        report |= {f"{part}_bytes": sizes[part] for part in parts}
        report |= {f"{memory}_bytes": sum(sizes[part] for part in parts), f"{memory}_available": there[memory]}
    return {**report, "planned_bytes": planned_bytes(facts), "weight_bytes": sizes["weights"]}


def ram_bytes(memory: Mapping[str, int]) -> int:
    """RAM on the chip that a report's entry ``memory`` says is used; on a cluster L1 and L2."""
    return memory["ram_bytes"] if "ram_bytes" in memory else memory["l1_bytes"] + memory["l2_bytes"]


def cluster_fit_lines(facts: Mapping[str, Any], board: Board) -> list[str]:
    """Whether a build fits the memories of a board with a cluster, and what takes them, as text."""
    memory = cluster_memory_report(facts, board)
    lines = [f"fits {board.name}:"]
    for name, parts in CLUSTER_MEMORY.items():
        if memory[f"{name}_bytes"] or name != "l3":
            words = ", ".join(f"{title} {memory[f'{part}_bytes']:,}" for part, title in parts.items())
            lines.append(f"  {name.upper()} {_share(memory[f'{name}_bytes'], memory[f'{name}_available'])}")
            lines.append(f"     {words}")
    lines.append(f"  tensors in L2, buffers in L1, weights and scales: {planned_bytes(facts):,} bytes")
    return [*lines, f"  weights {memory['weight_bytes']:,} bytes for {facts['params']:,} parameters"]


def planned_bytes(facts: Mapping[str, Any]) -> int:
    """What ``--memory`` limits on a board with a cluster: tensors in L2, the arena in L1 and all constants.

    Publications count the same. Code, the table of steps, stacks and the caller's own buffers are not in it.
    """
    parts = ("l1_arena", "l2_arena", "l2_constants", "l3_constants")
    return sum(int(facts["bytes"][part]) for part in parts)


def layer_sizes(facts: Mapping[str, Any], function_bytes: Mapping[str, int]) -> list[dict[str, Any]]:
    """Per layer: live arena bytes while it runs, and its constants and code in flash.

    Args:
        function_bytes: size by C function; what several layers share counts for the first of them.
    """
    seen: set[str] = set()
    rows = []
    for layer in facts["layers"]:
        new = [name for name in layer["functions"] if name not in seen]
        seen.update(new)
        code = sum(function_bytes.get(name, 0) for name in new)
        rows.append(
            {
                "ram_bytes": layer["live_bytes"],
                "flash_bytes": layer["constant_bytes"] + code,
                "placement": layer["constants"],
            }
        )
    return rows


def fit_lines(facts: Mapping[str, Any], board: Board) -> list[str]:
    """Whether it fits, and what takes its memory, as text; a host build has no memory to fit into."""
    lasting = nvm_lines(facts)
    if board.cluster:
        return [*cluster_fit_lines(facts, board), *lasting]
    sizes = facts["bytes"]
    arena = f"arena {sizes['arena']:,} bytes (no plan can need less than {facts['arena_bound']:,})"
    weights = f"weights {sizes['weights']:,} bytes of flash for {facts['params']:,} parameters"
    if not board.memories:
        return [arena, weights, *lasting]
    ram = sum(memory.bytes for memory in board.rams)
    return [
        f"fits {board.name}: flash {_share(sizes['flash'], board.flash.bytes)},",
        f"  RAM {_share(sizes['ram'], ram)}",
        f"  {arena}; worst-case stack {sizes['stack']:,} bytes",
        f"  {weights}",
        *lasting,
    ]


def nvm_lines(facts: Mapping[str, Any]) -> list[str]:
    """What becomes of the states that are to outlive power; nothing where there are none."""
    nvm = facts.get("nvm")
    if nvm is None:
        return []
    states = f"  states {', '.join(nvm['states'])}, {nvm['bytes']:,} bytes:"
    if nvm["kept_in"] == "flash":
        return [f"{states} outlive power in {nvm['slots']} slots of {nvm['slot_bytes']:,} bytes at the end of flash"]
    return [f"{states} in RAM, lost with power: there is no driver that writes flash for board '{facts['board']}'"]


def _share(used: int, there: int) -> str:
    return f"{used:,} of {there:,} bytes ({100 * used / there:.1f} %)"

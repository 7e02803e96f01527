"""``report.json`` of a run, and the same as a table for people: the decision first, then the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deploy.boards import Board
from deploy.operating_point import OperatingPoint
from edgekit.agreement import Agreement
from edgekit.cluster_cost import ClusterCost, cluster_layers, cluster_lines, cluster_report, cluster_tables
from edgekit.cost import cost_report, cycles_table, decision_lines, layer_costs
from edgekit.energy import Duty
from edgekit.firmware import Firmware
from edgekit.macs import macs_line
from edgekit.page.schema import FORMAT
from edgekit.placement import placement_line
from edgekit.screen import table
from edgekit.sizes import fit_lines, layer_sizes, memory_report
from edgekit.versions import versions

if TYPE_CHECKING:
    from edgekit.emulate.cortex_m import EmulationResult, Traced


def make_report(
    firmware: Firmware,
    result: EmulationResult,
    traced: Traced,
    point: OperatingPoint,
    duty: Duty,
    placement: Mapping[str, Any],
    agreements: Sequence[Agreement],
    quantized: Mapping[str, Any],
    training: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything a run found out, JSON-able.

    Args:
        quantized: what quantization found out (model.json): metrics on the test set, noise per layer, examples.
        training: what the run was asked for (seed, preset, recipe ...).
    """
    facts, board = firmware.facts, firmware.board
    cost = traced.cost(point)
    *layers, overhead = layer_costs(facts, board, cost)
    functions = {symbol.name: symbol.size for symbol in traced.code.image.functions}
    sizes = dict(zip((layer["name"] for layer in facts["layers"]), layer_sizes(facts, functions), strict=True))
    tiles = {layer["name"]: layer["tiles"] for layer in facts["layers"]}
    head, tail = _around(facts, board, agreements, quantized, training)
    return {
        **head,
        "cores": board.cores,
        **cost_report(board, cost, duty),
        "memory": {**memory_report(facts, board), "stack_used_bytes": result.stack_used},
        "placement": dict(placement),
        "layers": [{**row, **sizes[row["name"]], "tiles": tiles[row["name"]]} for row in layers],
        "overhead": overhead,
        "timeline": facts["timeline"],
        **tail,
        "image_sha256": result.sha256,
    }


def make_cluster_report(
    facts: Mapping[str, Any],
    board: Board,
    cost: ClusterCost,
    duty: Duty,
    sha256: str,
    agreements: Sequence[Agreement],
    quantized: Mapping[str, Any],
    training: Mapping[str, Any],
) -> dict[str, Any]:
    """:func:`make_report` for a board with a cluster.

    Args:
        facts: of build.json; ``bytes`` holds the parts of :data:`edgekit.sizes.CLUSTER_MEMORY`, a layer's ``tiles``
            says in how many pieces it runs and its ``constants`` where they lie; ``timeline`` is that of L2.
        sha256: of the image.
    """
    *layers, overhead = cluster_layers(facts, board, cost)
    sizes = [{key: layer[key] for key in ("tiles", "constants", "constant_bytes")} for layer in facts["layers"]]
    head, tail = _around(facts, board, agreements, quantized, training)
    return {
        **head,
        "cores": cost.cores,
        **cluster_report(board, cost, duty),
        "memory": memory_report(facts, board),
        "layers": [{**row, **size} for row, size in zip(layers, sizes, strict=True)],
        "overhead": overhead,
        "timeline": facts.get("timeline"),
        **tail,
        "image_sha256": sha256,
    }


def _around(
    facts: Mapping[str, Any],
    board: Board,
    agreements: Sequence[Agreement],
    quantized: Mapping[str, Any],
    training: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a report says before and after the price: the same for every board."""
    metrics = {name: quantized["metrics"][name] for name in ("float", "int8")}
    head = {
        "format": FORMAT,
        "model": facts["model"],
        "preset": training["preset"],
        "seed": training["seed"],
        "dataset": training["dataset"],
        "data": quantized["data"],
        "board": board.name,
        "core": board.core,
        "accuracy": {name: figures["accuracy"] for name, figures in metrics.items()},
        "balanced_accuracy": {name: figures["balanced_accuracy"] for name, figures in metrics.items()},
        "classes": list(facts["info"]["classes"]),
        "confusion": {name: figures["confusion"] for name, figures in metrics.items()},
        "params": facts["params"],
        "macs": facts["macs"],
        "executed_macs": facts["executed_macs"],
        "order": facts.get("order"),
    }
    tail = {
        "sqnr": quantized["sqnr"],
        "examples": quantized["examples"],
        "eeg": quantized["eeg"],
        "agreement": [agreement.as_json() for agreement in agreements],
        "versions": versions(),
        "training": dict(training),
    }
    return head, tail


def summary(report: Mapping[str, Any], facts: Mapping[str, Any], board: Board) -> list[Any]:
    """Text and tables of at most 100 columns: whether it fits, what it costs, how well it does, then every layer."""
    scores, balanced = report["accuracy"], report["balanced_accuracy"]
    names = report.get("methods") or {"float": "float", "int8": "int8"}
    rows = [*report["layers"], report["overhead"]]
    if board.cluster:
        fits, *details = fit_lines(facts, board)
        head = [f"{report['model']} {fits}", *details, *cluster_lines(report, board, report["macs"])]
        details, tables = [], cluster_tables(rows, report, report["macs"])
    else:
        fits, ram, *details = fit_lines(facts, board)
        head = [f"{report['model']} {fits}", ram, *decision_lines(report, board, report["macs"])]
        details, tables = (
            [*details, placement_line(report["placement"])],
            [cycles_table(rows, report["cost"], report["macs"])],
        )
    return [
        *head,
        f"accuracy  {names['int8']} {100 * scores['int8']:.2f} % ({names['float']} {100 * scores['float']:.2f} %), "
        f"balanced {100 * balanced['int8']:.2f} % ({names['float']} {100 * balanced['float']:.2f} %)",
        "",
        *details,
        *(agreement_line(agreement) for agreement in report["agreement"]),
        *(f"left out    {entry['machine']}: {entry['reason']}" for entry in report.get("left_out") or ()),
        "",
        confusion_table(report["confusion"]["int8"], report["classes"]),
        "",
        *tables,
        macs_line(report),
    ]


def confusion_table(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Any:
    """Rows are true classes, columns what the network says."""
    columns = ("true class", *(str(number) for number in range(len(classes))), "found")
    rows = [
        (f"{number} {name}", *counts, f"{100 * counts[number] / max(sum(counts), 1):.1f} %")
        for number, (name, counts) in enumerate(zip(classes, confusion, strict=True))
    ]
    return table(columns, rows, numbers="l" + "r" * (len(classes) + 1))


def agreement_line(agreement: Mapping[str, Any]) -> str:
    """One machine's verdict."""
    compared = f"{agreement['samples']:,} inputs, {agreement['layers']} layers, {agreement['values']:,} values"
    if not agreement["different"]:
        return f"same bytes  {agreement['machine']}: {compared}"
    return f"DIFFERENT   {agreement['machine']}: {agreement['different']:,} of {compared}"

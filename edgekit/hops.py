"""What a hop of a stream costs beside a whole window, and whether both say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.boards import Board
from edgekit import pipeline
from edgekit.agreement import Agreement, Difference
from edgekit.cluster_cost import cluster_report
from edgekit.cost import cost_report
from edgekit.energy import Duty
from edgekit.screen import Screen, table
from edgekit.sizes import memory_report, ram_bytes
from edgekit.streaming import MODEL
from quant.graph import Graph
from quant.interchange.write import save, to_onnx
from quant.metrics import Metrics
from quant.reference import run, run_sequence
from quant.streaming import causal, stream

FOLDER = "streaming"
BATCH = 16  # trials whose tensors are in memory at once
COLUMNS = ("name", "positions", "computed", "kept", "state_bytes", "why")


@dataclass(frozen=True, eq=False)
class Trials:
    """Test inputs (N, ..., T) as the network takes them, and their classes (N,)."""

    inputs: NDArray[np.int8]
    labels: NDArray[np.int64]
    classes: int


def price_step(
    graph: Graph,
    hop: int,
    mode: str,
    board: Board,
    out: Path,
    trials: Trials,
    beats: int,
    build: pipeline.BuildOptions,
    cores: int | None,
    window_cost: Mapping[str, Any],
    screen: Screen,
) -> tuple[dict[str, Any], list[Agreement]]:
    """The stream of ``graph`` built below ``out``, compared and priced: the entry ``streaming`` of a report.

    All comparisons are in the entry, too.

    Args:
        beats: hops that the emulated board gets; the others get as many.
        window_cost: the entry ``cost`` of the report of the window model.
    """
    step, folder = stream(graph, hop, mode), out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    save(to_onnx(step), folder / MODEL)
    hops = hops_of(trials.inputs, hop, beats)
    arguments = (folder / MODEL, step, board, folder, hops, beats, build)
    if board.cluster:
        cluster = pipeline.price_cluster(*arguments, cores, screen)
        cost = cluster_report(board, cluster.simulation.cost, Duty())["cost"]
        firmware, agreements = cluster.firmware, cluster.agreements
    else:
        priced = pipeline.price(*arguments, screen)
        cost = cost_report(board, priced.traced.cost(build.point), Duty())["cost"]
        firmware, agreements = priced.firmware, priced.agreements
    agreements = [*agreements, whole(graph, step, hops)]
    metrics = causal_metrics(graph, step, trials) if mode == "causal" else None
    return report(firmware.facts, board, cost, window_cost, agreements, metrics), agreements


def hops_of(inputs: NDArray[np.int8], hop: int, count: int) -> NDArray[np.int8]:
    """The first ``count`` hops (count, ..., hop) of a recording: ``inputs`` (N, ..., T), one behind the other.

    Fewer where it ends before.
    """
    enough = inputs[: -(-count * hop // inputs.shape[-1])]
    recording = np.concatenate(list(enough), axis=-1)
    count = min(count, recording.shape[-1] // hop)
    return np.stack(np.split(recording[..., : count * hop], count, axis=-1))


def whole(graph: Graph, step: Graph, hops: NDArray[np.int8]) -> Agreement:
    """The step model's outputs compared with what they have to be.

    In mode ``exact`` those of ``graph`` on every whole window, zero points before the recording; in mode ``causal``
    those of one run over the recording.
    """
    entry, facts = graph.inputs[0], step.info["streaming"]
    found = run_sequence(step, {entry.name: hops})[0][step.outputs[0].name]
    recording, hop = np.concatenate(list(hops), axis=-1), facts["hop"]
    if facts["mode"] == "exact":
        name, window = "whole windows", entry.shape[-1]
        before = [(0, 0)] * (recording.ndim - 1) + [(window, 0)]
        padded = np.pad(recording, before, constant_values=entry.zero_point)
        ends = [window + hop * (number + 1) for number in range(len(hops))]
        wanted = _outputs(graph, np.stack([padded[..., end - window : end] for end in ends]))
    else:
        name, once = "one run over the recording", causal(graph, recording.shape[-1], hop)
        answer = _outputs(once, recording[None])[0]
        wanted = np.stack(np.split(answer, len(hops), axis=-1)).reshape(found.shape)
    wrong = np.argwhere(found != wanted)
    agreement = Agreement(f"step by step beside {name}", len(hops), 1, wanted.size, len(wrong))
    if len(wrong):
        at = tuple(wrong[0].tolist())
        agreement.first = Difference(step.outputs[0].name, at[0], at[1:], int(wanted[at]), int(found[at]))
    return agreement


def causal_metrics(graph: Graph, step: Graph, trials: Trials) -> Metrics:
    """Figures of the causal model on trials, each one a recording with silence before and behind it.

    The answer that counts is the first one that has seen all of the trial.
    """
    entry, facts = graph.inputs[0], step.info["streaming"]
    hop, window, answer = facts["hop"], entry.shape[-1], max(facts["answer"], entry.shape[-1])
    inputs = trials.inputs
    around = [(0, 0)] * (inputs.ndim - 1) + [(-answer % hop, answer - window)]
    once = causal(graph, answer + -answer % hop, hop)
    scores = _outputs(once, np.pad(inputs, around, constant_values=entry.zero_point))[..., -1]
    return Metrics.of(scores.reshape(len(inputs), -1), trials.labels, trials.classes)


def _outputs(graph: Graph, inputs: NDArray) -> NDArray:
    """The first output for inputs (N, *shape), a few at a time."""
    name, parts = graph.outputs[0].name, [inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)]
    return np.concatenate([run(graph, {graph.inputs[0].name: part})[name] for part in parts])


def report(
    step: Mapping[str, Any],
    board: Board,
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    agreements: Sequence[Agreement],
    metrics: Metrics | None,
) -> dict[str, Any]:
    """The entry ``streaming`` of a report.

    Args:
        step: facts of the step model's build.
        now, before: the entry ``cost`` of a hop and of a whole window.
        metrics: of the causal model; an exact one answers like the window.
    """
    facts, keys = step["info"]["streaming"], ("cycles", "instructions", "latency_ms", "energy_mj")
    return {
        **{key: facts[key] for key in ("mode", "hop", "window", "delay", "layers")},
        "function": step["function"],
        "macs": step["macs"],
        "window_macs": facts["window_macs"],
        "state_bytes": step["state_bytes"],
        "memory": memory_report(step, board),
        "hop_cost": {key: now[key] for key in keys},
        "window_cost": {key: before[key] for key in keys},
        "accuracy": metrics.accuracy if metrics else None,
        "balanced_accuracy": metrics.balanced_accuracy if metrics else None,
        "agreement": [agreement.as_json() for agreement in agreements],
    }


def lines(report: Mapping[str, Any]) -> list[Any]:
    """The report's entry ``streaming`` as text and a table."""
    entry = report["streaming"]
    now, before = entry["hop_cost"], entry["window_cost"]
    ratio = before["cycles"] / now["cycles"]
    verdict = f"{ratio:.2f} times less" if ratio > 1 else "NO GAIN: compute whole windows, or hop less often"
    columns = ("tensor", "positions", "computed", "kept", "state bytes", "why")
    rows = [tuple(layer[key] for key in COLUMNS) for layer in entry["layers"]]
    text = [
        f"streaming {entry['mode']}, {entry['hop']} of {entry['window']} samples per {entry['function']}",
        f"          {now['cycles']:,} cycles, {now['latency_ms']:.2f} ms, {1e3 * now['energy_mj']:.1f} µJ per hop;"
        f" a window {before['cycles']:,}, {1e3 * before['energy_mj']:.1f} µJ",
        f"          {verdict}; {entry['macs']:,} of {entry['window_macs']:,} MACs, states {entry['state_bytes']:,} B",
        f"          {ram_bytes(entry['memory']):,} bytes of RAM; a window {ram_bytes(report['memory']):,}",
    ]
    if entry["accuracy"] is not None:
        found, windows = (f"{100 * share:.2f} %" for share in (entry["accuracy"], report["accuracy"]["int8"]))
        text.append(f"          accuracy {found} (whole windows {windows}), {entry['delay']} samples later")
    return [*text, "", table(columns, rows, numbers="lrrrrl")]

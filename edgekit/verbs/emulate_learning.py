"""``edgekit emulate --learn``: a model that learns on the emulated board, priced call by call."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgekit.screen import Screen

if TYPE_CHECKING:
    from deploy.operating_point import OperatingPoint
    from edgekit.firmware import Firmware
    from edgekit.learning import Answer, Call, Learner

SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """What asks a model with several entries."""
    group = parser.add_argument_group("models that learn")
    group.add_argument("--learn", metavar="SHOTS", help=".npy of samples (N, *shape) that the board learns")
    group.add_argument("--class", dest="label", type=int, metavar="K", help="the class that they belong to")
    group.add_argument("--forget", type=int, metavar="K", help="a class that the board forgets then")
    group.add_argument("--then-classify", metavar="QUERIES", help=".npy of samples that the board classifies then")


def asked(options: argparse.Namespace) -> bool:
    """Whether any of them was given."""
    return any(value is not None for value in (options.learn, options.label, options.forget, options.then_classify))


def run(options: argparse.Namespace, screen: Screen, firmware: Firmware, point: OperatingPoint) -> int:
    """Print decisions, cycles and energy of every kind of call."""
    from deploy.status import MEANINGS
    from edgekit.learning import Learner, first_difference
    from quant.errors import Problem, UserError

    learner = Learner(firmware)
    calls = _calls(options, learner)
    with screen.step("emulation") as step:
        session = learner.run(calls)
        step.end(f"{len(calls)} calls, {session.mips:.0f} MIPS")
    difference = first_difference(session, learner.expected(calls))
    if difference is not None:
        raise UserError(Problem(f"{difference} differs from the NumPy reference", "emulated board", fix="report it"))
    with screen.step("cost") as step:
        costs = _costs(learner, calls, point)
        step.end(f"{len(costs)} kinds of calls traced")
    rows = [
        {
            "entry": answer.entry,
            "status": MEANINGS[answer.status],
            "outputs": {name: value.tolist() for name, value in answer.outputs.items()},
        }
        for answer in session.answers
    ]
    data = {
        "board": firmware.board.name,
        "sha256": firmware.facts["sha256"],
        "selftest_passed": session.selftest_passed,
        "stack_used_bytes": session.stack_used,
        "calls": rows,
        "cost": costs,
        "states": {name: value.astype(int).tolist() for name, value in session.states.items()},
        "equal_to_reference": True,
    }
    screen.show(data, *_lines(learner, calls, session.answers, costs))
    return 0


def _calls(options: argparse.Namespace, learner: Learner) -> list[Call]:
    from pathlib import Path

    from edgekit.samples import load_samples
    from quant.errors import Problem, UserError

    if (options.learn is None) != (options.label is None):
        what = "--learn and --class belong together"
        raise UserError(Problem(what, "command line", "--learn shots.npy --class K", "give both"))
    info, calls = learner.firmware.facts["info"], []
    if options.learn is not None:
        shots = load_samples(Path(options.learn), learner.sample("learn"), info)
        calls += [learner.call("learn", shot, options.label) for shot in shots]
    if options.forget is not None:
        calls.append(learner.call("forget", label=options.forget))
    if options.then_classify is not None:
        queries = load_samples(Path(options.then_classify), learner.sample("classify"), info)
        calls += [learner.call("classify", query) for query in queries]
    return calls


def _costs(learner: Learner, calls: list[Call], point: OperatingPoint) -> dict[str, dict[str, Any]]:
    """By entry, what a call costs once the caches are warm."""
    from edgekit.cost import priced
    from edgekit.energy import energy_mj, latency_ms

    costs, board = {}, learner.firmware.board
    for call in calls:
        if call.entry in costs:
            continue
        total = learner.trace(call).cost(point)
        cycles = total.total.cycles.total
        costs[call.entry] = {
            "clock_hz": point.clock_hz,
            "cycles": cycles,
            **latency_ms(board, point, cycles).as_json("latency_ms"),
            **energy_mj(board, point, cycles).as_json("energy_mj"),
            "layers": [{"name": n, **priced(board, point, cost)} for n, cost in total.layers.items()],
        }
    return costs


def _lines(learner: Learner, calls: list[Call], answers: list[Answer], costs: dict[str, dict[str, Any]]) -> list[str]:
    from deploy.status import MEANINGS

    lines = []
    for entry, cost in costs.items():
        count = sum(call.entry == entry for call in calls)
        price = f"{cost['cycles']:,} cycles, {cost['latency_ms']:.3f} ms, {1e3 * cost['energy_mj']:.2f} uJ each"
        lines.append(f"{entry:<10}{count} call{'s' if count > 1 else ''}, {price} at {cost['clock_hz'] / 1e6:g} MHz")
    lines.append("every output and state equals the NumPy reference, bit for bit")
    for number, answer in enumerate(answers[:SHOWN]):
        label = learner.entry(answer.entry)["label"]
        given = f" class {calls[number].inputs[label['input']].item()}" if label else ""
        outputs = ", ".join(f"{name} {value.tolist()}" for name, value in answer.outputs.items())
        status = "" if answer.status == 0 else f" ({MEANINGS[answer.status]})"
        lines.append(f"  {answer.entry}{given}: {outputs}{status}")
    return lines if len(answers) <= SHOWN else [*lines, f"  ... {len(answers) - SHOWN} more: --json"]

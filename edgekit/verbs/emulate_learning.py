"""``edgekit emulate --learn``: a model that learns on the emulated board, priced call by call."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgekit import energy
from edgekit.screen import Screen

if TYPE_CHECKING:
    from deploy.operating_point import OperatingPoint
    from edgekit.energy import Duty
    from edgekit.firmware import Firmware
    from edgekit.learning import Answer, Call, Learner, Life

SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """What asks a model with several entries."""
    group = parser.add_argument_group("models that learn")
    group.add_argument("--learn", metavar="SHOTS", help=".npy of samples (N, *shape) that the board learns")
    group.add_argument("--class", dest="label", type=int, metavar="K", help="the class that they belong to")
    group.add_argument("--forget", type=int, metavar="K", help="a class that the board forgets then")
    group.add_argument("--then-classify", metavar="QUERIES", help=".npy of samples that the board classifies then")
    group.add_argument("--power-cycle", action="store_true", help="power goes before the board classifies")


def asked(options: argparse.Namespace) -> bool:
    """Whether any of them was given."""
    values = (options.learn, options.label, options.forget, options.then_classify, options.power_cycle or None)
    return any(value is not None for value in values)


def run(options: argparse.Namespace, screen: Screen, firmware: Firmware, point: OperatingPoint) -> int:
    """Print decisions, cycles and energy of every kind of call."""
    from deploy.status import MEANINGS
    from edgekit.emulate.frames import KEPT_MEANINGS
    from edgekit.learning import Learner, first_difference
    from quant.errors import Problem, UserError

    learner, on_cluster = Learner(firmware), firmware.board.cluster is not None
    planned = _lives(options, learner)
    with screen.step("emulation") as step:
        if on_cluster and not options.power_cycle:
            lives = [learner.simulate(planned[0], point, options.cores)]
        else:
            lives = learner.lives(planned)
        step.end(f"{sum(map(len, planned))} calls, {lives[-1].mips:.0f} MIPS")
    for life, expected in zip(lives, learner.expected(planned), strict=True):
        if (difference := first_difference(life, expected)) is None:
            continue
        raise UserError(Problem(f"{difference} differs from the NumPy reference", "emulated board", fix="report it"))
    with screen.step("cost") as step:
        every = [call for life in planned for call in life]
        costs = _cluster_costs(learner, every, lives[0], energy.duty(options)) if on_cluster else None
        costs = costs or _costs(learner, every, point)
        step.end(f"{len(costs)} kinds of calls")
    rows = [
        {
            "entry": answer.entry,
            "status": MEANINGS[answer.status],
            "outputs": {name: value.tolist() for name, value in answer.outputs.items()},
        }
        for life in lives
        for answer in life.answers
    ]
    data = {
        "board": firmware.board.name,
        "sha256": firmware.facts["sha256"],
        "selftest_passed": all(life.selftest_passed for life in lives),
        "stack_used_bytes": lives[-1].stack_used,
        "calls": rows,
        "cost": costs,
        "power_ups": [None if life.kept is None else KEPT_MEANINGS[life.kept] for life in lives],
        "saving": _saving(learner, lives, point),
        "states": {name: value.astype(int).tolist() for name, value in lives[-1].states.items()},
        "equal_to_reference": True,
    }
    screen.show(data, *_lines(learner, planned, lives, data))
    return 0


def _lives(options: argparse.Namespace, learner: Learner) -> list[list[Call]]:
    """What the board is to do before power goes, and behind that."""
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
        then = [learner.call("classify", query) for query in queries]
        return [calls, then] if options.power_cycle else [[*calls, *then]]
    return [calls, []] if options.power_cycle else [calls]


def _costs(learner: Learner, calls: list[Call], point: OperatingPoint) -> dict[str, dict[str, Any]]:
    """By entry, what its last call costs."""
    from edgekit.cost import priced
    from edgekit.energy import energy_mj, latency_ms

    costs, board = {}, learner.firmware.board
    for entry in dict.fromkeys(call.entry for call in calls):
        last = max(number for number, call in enumerate(calls) if call.entry == entry)
        total = learner.trace(calls[: last + 1]).cost(point)
        cycles = total.total.cycles.total
        costs[entry] = {
            "clock_hz": point.clock_hz,
            "cycles": cycles,
            **latency_ms(board, point, cycles).as_json("latency_ms"),
            **energy_mj(board, point, cycles).as_json("energy_mj"),
            "layers": [{"name": n, **priced(board, point, cost)} for n, cost in total.layers.items()],
        }
    return costs


def _cluster_costs(learner: Learner, calls: list[Call], life: Life, duty: Duty) -> dict[str, dict[str, Any]]:
    """By entry, what its last call costs on a cluster."""
    from edgekit.cluster_cost import cluster_report

    costs = {}
    for call, cost in zip(calls, life.costs, strict=True):
        layers = [{"name": name, "cycles": layer.cycles} for name, layer in cost.layers.items() if layer.instructions]
        costs[call.entry] = {**cluster_report(learner.firmware.board, cost, duty)["cost"], "layers": layers}
    return costs


def _saving(learner: Learner, lives: list[Life], point: OperatingPoint) -> dict[str, float] | None:
    """What saving states to flash takes, per save, the core's part included; None where nothing was saved."""
    from edgekit.energy import energy_mj, latency_ms

    board = learner.firmware.board
    erases, programs = (sum(getattr(life.flash, kind) for life in lives) for kind in ("erases", "programs"))
    if not erases or board.flash_timing is None or board.flash_timing.controller is None:
        return None
    saves = erases * board.flash_timing.controller.page_bytes // learner.firmware.facts["nvm"]["slot_bytes"]
    cycles = learner.trace_save().cost(point).total.cycles.total
    flash_ms = 1e3 * sum(life.flash.seconds(board.flash_timing.controller) for life in lives) / saves
    flash_mj = sum(life.flash.energy_mj(board, point) for life in lives) / saves
    return {
        "saves": saves,
        "erases": erases,
        "programs": programs,
        "core_cycles": cycles,
        "flash_ms": flash_ms,
        "ms": flash_ms + latency_ms(board, point, cycles).value,
        "mj": flash_mj + energy_mj(board, point, cycles).value,
    }


def _lines(learner: Learner, planned: list[list[Call]], lives: list[Life], data: dict[str, Any]) -> list[str]:
    """For people."""
    lines = []
    for entry, cost in data["cost"].items():
        count = sum(call.entry == entry for life in planned for call in life)
        price = f"{cost['cycles']:,} cycles, {cost['latency_ms']:.3f} ms, {1e3 * cost['energy_mj']:.2f} uJ each"
        lines.append(f"{entry:<10}{count} call{'s' if count > 1 else ''}, {price} at {cost['clock_hz'] / 1e6:g} MHz")
    if saving := data["saving"]:
        lines.append(f"saving    {saving['saves']} times to flash, {saving['ms']:.1f} ms, {saving['mj']:.3f} mJ each")
    lines.append("every output and state equals the NumPy reference, bit for bit")
    for calls, life, kept in zip(planned, lives, data["power_ups"], strict=True):
        if kept:
            lines.append(f"power-up: {kept}")
        lines += [_line(learner, *pair) for pair in zip(calls[:SHOWN], life.answers, strict=False)]
        lines += [f"  ... {len(calls) - SHOWN} more: --json"] if len(calls) > SHOWN else []
    return lines


def _line(learner: Learner, call: Call, answer: Answer) -> str:
    from deploy.status import MEANINGS

    label = learner.entry(call.entry)["label"]
    given = f" class {call.inputs[label['input']].item()}" if label else ""
    outputs = ", ".join(f"{name} {value.tolist()}" for name, value in answer.outputs.items())
    return f"  {call.entry}{given}: {outputs}" + (f" ({MEANINGS[answer.status]})" if answer.status else "")

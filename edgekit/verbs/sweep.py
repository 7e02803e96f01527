"""Search over configurations of a network, for every subject or fold and for the boards it has to run on.

Every configuration is trained on every split without the last fifth of the training part: those trials choose. Accuracy
on the test part is shown beside it. For each board every configuration is built and emulated once.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from edgekit.evaluation import options as choices
from edgekit.options import orders_of, positive, presets_of, recipe_of
from edgekit.screen import Screen
from quant.networks.order import ORDERS

JSON, PAGE, TRIALS, MODELS = "sweep.json", "sweep.html", "trials", "models"

EXAMPLES = (
    "edgekit sweep eeg-tcnet --data bci-iv-2a --subject all --grid filters=8,16 taps=32,64 tcn_filters=12,15,17",
    "edgekit sweep eeg-tcnet --data bci-iv-2a --subject all --grid config=S1,S3,S7 --board gap8,gap9 --engine ray",
    "edgekit sweep eegnet --data eegmmidb --grid elu=true,false learning_rate=1e-3,3e-3 --board stm32l475 --resume",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="network to train ('edgekit models' lists them)")
    parser.add_argument(
        "--grid", nargs="+", metavar="AXIS=A,B", help="fields of network and recipe with their values; config=S1,S2"
    )
    parser.add_argument("--board", help="boards to price each configuration on, separated by commas")
    parser.add_argument("--order", choices=ORDERS, help="of temporal and spatial convolution in the integer network")
    parser.add_argument("--seeds", type=positive, default=1, help="trainings per split (default 1)")
    choices.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.evaluation.trial import method
    from edgekit.jobs.run import run_jobs
    from edgekit.page.search import render
    from edgekit.pipeline import emulated_board
    from edgekit.search.grid import points
    from edgekit.search.plan import HELD_OUT, Plan
    from edgekit.search.results import best, report
    from edgekit.search.tables import tables
    from quant import networks
    from quant.datasets.cache import write_atomic

    command = choices.command("sweep", options, "grid", "board", "order", "seeds")
    model = networks.model(options.model)
    recipe, data = recipe_of(options, model), options.data or model.dataset
    grid = points(options.grid or [], model, recipe)
    boards = [emulated_board(name).name for name in choices.words(options.board or "")]
    preset, (order,) = presets_of(options.preset)[0], orders_of(options.order, model)
    store = choices.store(options, "sweep", command, TRIALS)
    parts = choices.parts(options, data, {}, screen)
    plan = Plan(model.name, preset, order, method(preset, order), grid, parts, options.seeds)

    where: dict[str, Any] = {"engine": options.engine, "workers": options.jobs}
    trained = plan.trained(
        run_jobs(plan.jobs(), store, screen, "trainings", describe=lambda job, result: _words(plan, result), **where)
    )
    jobs = plan.prices(trained, boards)
    run_jobs([job for by_board in jobs.values() for job in by_board.values()], store, screen, "prices", **where)
    prices = {label: {board: store.get(job) for board, job in by_board.items()} for label, by_board in jobs.items()}
    configurations = plan.configurations(trained, prices)
    found = report(configurations, plan.method, boards)

    out = store.folder.parent
    for group in configurations[0].groups():
        chosen = trained[best(configurations, plan.method, group).label]
        network = next(one for one in chosen if one.group == group).onnx(plan.method)
        write_atomic(out / MODELS / f"{group.replace(' ', '-')}.onnx", network)
    held = f"The grid goes before the recipe. The last {100 * HELD_OUT:g} % of each training part, held out, choose."
    notes = [*choices.notes(parts, recipe, options.seeds), held]
    whole = {"command": command, "notes": notes, **found}
    write_atomic(out / JSON, (json.dumps(whole, indent=1) + "\n").encode())
    write_atomic(out / PAGE, render(found, f"{model.name} on {data}", command, notes).encode())
    files = f"pictures in {out / PAGE}, the network of each row of the last table in {out / MODELS}"
    screen.show(whole, *tables(found, boards), "", *notes, files)
    return 0


def _words(plan: Any, result: Any) -> str:
    from edgekit.evaluation.statistics import Run

    held, tested = (Run.of("", None, result, held=which).accuracy(plan.method) for which in (True, False))
    return f"{plan.method}: held out {100 * held:.2f} %, test {100 * tested:.2f} %"

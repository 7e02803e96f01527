"""Accuracy of a network over a whole data set: every fold and several seeds, float and int8 on the same test trials."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from edgekit.evaluation import options as choices
from edgekit.options import orders_of, positive, presets_of, recipe_of
from edgekit.screen import Screen, table

CSP_LDA = "csp-lda"
JSON, MARKDOWN, TRIALS = "evaluation.json", "evaluation.md", "trials"
SPREAD = "Behind ±: standard deviation (n - 1) over the runs of the row."

EXAMPLES = (
    "edgekit evaluate eegnet --data eegmmidb --protocol cross-subject --folds 5 --seeds 3",
    "edgekit evaluate eegnet --data eegmmidb --preset edge-38 --orders faithful,spatial-first --floor --resume",
    "edgekit evaluate eeg-tcnet --data bci-iv-2a --subject all --seeds 10 --standardize sample",
    "edgekit evaluate csp-lda --data eegmmidb --preset edge-38",
    "edgekit evaluate hd --help                                   # hyperdimensional classifiers",
)


def instead(words: Sequence[str]) -> str | None:
    """The module for hyperdimensional classifiers, where the command line names them."""
    named = any(word == "hd" and not before.startswith("-") for before, word in pairwise(words))
    return "evaluate_hd" if named else None


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=f"network to train ('edgekit models' lists them), or {CSP_LDA}")
    parser.add_argument("--orders", help="orders of the integer network, separated by commas (default: the usual one)")
    parser.add_argument("--config", help="configuration of the network ('edgekit models' lists them)")
    parser.add_argument("--seeds", type=positive, default=3, help="trainings per split (default 3: seeds 0, 1, 2)")
    parser.add_argument("--floor", action="store_true", help="CSP + LDA on the same trials, too")
    choices.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.evaluation import tables
    from edgekit.evaluation.floor import NOTE
    from edgekit.evaluation.statistics import Run, summary
    from edgekit.evaluation.study import Study, floor_job
    from edgekit.jobs.run import run_jobs
    from quant import networks
    from quant.datasets.cache import write_atomic

    trained = () if options.model == CSP_LDA else ("orders", "config", "seeds", "floor")
    command = choices.command("evaluate", options, *trained)
    if options.model == CSP_LDA:
        study, recipe, data = None, None, options.data or "synthetic-eeg"
    else:
        model = networks.model(options.model)
        recipe, data = recipe_of(options, model), options.data or model.dataset
        study = Study(
            model.name,
            presets_of(options.preset)[0],
            orders_of(options.orders, model),
            model.config(options.config) if options.config else {},
            asdict(recipe),
        )
    store = choices.store(options, "evaluate", command, TRIALS)
    parts = choices.parts(options, data, study.config if study else {}, screen)
    floors = [(part, None, floor_job(part)) for part in parts if study is None or options.floor]
    trainings = [(part, seed, study.job(part, seed)) for part in parts for seed in range(options.seeds) if study]
    planned = [*floors, *trainings]
    results = run_jobs(
        [job for _, _, job in planned],
        store,
        screen,
        "trainings",
        engine=options.engine,
        workers=options.jobs,
        describe=_words,
    )
    found = summary([Run.of(part.group, seed, one) for (part, seed, _), one in zip(planned, results, strict=True)])
    notes = [*choices.notes(parts, recipe, options.seeds), SPREAD, *([NOTE] if floors else [])]
    report = {"command": command, "notes": notes, "study": asdict(study) if study else None, **found}
    out = store.folder.parent
    write_atomic(out / JSON, (json.dumps(report, indent=1) + "\n").encode())
    text = tables.markdown(f"{options.model} on {data}", command, notes, found)
    write_atomic(out / MARKDOWN, text.encode())
    columns, rows = tables.rows(found)
    files = f"the same as Markdown in {out / MARKDOWN}, all figures in {out / JSON}"
    screen.show(report, table(columns, rows, numbers="l" + "r" * len(columns)), "", *notes, files)
    return 0


def _words(job: Any, result: Any) -> str:
    from edgekit.evaluation.statistics import Run

    one = Run.of("", None, result)
    return ", ".join(f"{method} {100 * one.accuracy(method):.2f} %" for method in one.predictions)

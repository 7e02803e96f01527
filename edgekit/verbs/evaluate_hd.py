"""Accuracy of hyperdimensional classifiers over a whole data set, next to support vector machines on the same features.

Riemannian features of 22 electrodes over the motor cortex, in many bands. 'evaluate hd' gives one table (accuracy,
bits, time of the fit, price per board) and one picture (accuracy against dimension).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from edgekit.evaluation import options as choices
from edgekit.options import positive, words
from edgekit.screen import Screen, table
from quant.features.filter_bank import BANKS
from quant.hd.settings import MODES, Settings

COMMON = ("data", "preset", "protocol", "folds", "subject")
OWN = ("embeddings", "dims", "mode", "density", "bank", "seeds", "boards")
JSON, MARKDOWN, PICTURE, TRIALS = "evaluation.json", "evaluation.md", "accuracy.svg", "trials"
EXCERPT = "imagery-22"
BOARDS, NO_BOARDS = "stm32l475,gap8", "none"
NOTES = (
    "Spread behind ±: standard deviation (n - 1) over subjects. 'minus SVM' is against float64 weights, subject by "
    "subject. Time is processor time of the fit, the mean over splits, without the features, which all share. Vectors "
    "shorter than the longest are its first bits and have no time of their own, but codes, which are fitted at each "
    "length. 'bits learned' is what a model holds of the training trials; projections come from a seed.",
)

EXAMPLES = (
    "edgekit evaluate hd --data eegmmidb --protocol within-subject --embeddings all",
    "edgekit evaluate hd --data eegmmidb --subject 1,2,3 --embeddings thermometer,sparse-bipolar --dims 1000,10000",
    "edgekit evaluate hd --embeddings all --boards stm32f756 --resume      # made-up EEG: no download",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    from edgekit.evaluation.hd.methods import DIMENSIONS

    parser.add_argument("model", choices=("hd",), help="hyperdimensional classifiers")
    parser.add_argument("--embeddings", default="all", help="separated by commas (default: all)")
    parser.add_argument("--dims", type=dimensions, default=DIMENSIONS, help="bits of a vector, separated by commas")
    parser.add_argument("--mode", choices=MODES, default=Settings.mode, help="how bands become one vector")
    parser.add_argument("--density", type=float, default=Settings.density, help="of sparse projections")
    parser.add_argument("--bank", choices=BANKS, default="43", help="bands of the features (default 43)")
    parser.add_argument("--seeds", type=positive, default=1, help="of everything random (default 1: seed 0)")
    priced = f"boards that price the models of the first split, separated by commas, or {NO_BOARDS} (default {BOARDS})"
    parser.add_argument("--boards", default=BOARDS, help=priced)
    data = parser.add_argument_group("data")
    data.add_argument("--data", default="synthetic-eeg", help="data set ('edgekit datasets' lists them)")
    data.add_argument("--preset", default=EXCERPT, help=f"excerpt of the trials (default {EXCERPT})")
    choices.split_arguments(data)
    choices.result_arguments(parser)
    parser.set_defaults(standardize="none")  # covariances need microvolts


def dimensions(text: str) -> tuple[int, ...]:
    """An argparse type: whole numbers separated by commas."""
    return tuple(positive(word) for word in words(text))


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.evaluation.hd import methods, tables
    from edgekit.evaluation.hd.classify import job
    from edgekit.evaluation.hd.curve import picture
    from edgekit.evaluation.hd.results import collected
    from edgekit.evaluation.tables import section
    from edgekit.jobs.run import run_jobs
    from edgekit.pipeline import emulated_board
    from quant.datasets.cache import write_atomic

    base = Settings(mode=options.mode, density=options.density)
    chosen = list(methods.planned(methods.names(options.embeddings), options.dims, base, options.seeds))
    boards = [emulated_board(name).name for name in words(options.boards) if name != NO_BOARDS]
    command = choices.command("evaluate", options, *OWN, common=COMMON)
    store = choices.store(options, "evaluate", command, TRIALS)
    parts = choices.parts(options, options.data, {}, screen)
    planned = [(part, method) for part in parts for method in chosen]
    jobs = [job(part, method, options.bank, keep=bool(boards) and part is parts[0]) for part, method in planned]
    how: dict[str, Any] = {"engine": options.engine, "workers": options.jobs}
    results = run_jobs(jobs, store, screen, "classifiers", describe=_words, **how)
    found = collected([(*one, result) for one, result in zip(planned, results, strict=True)])
    found |= {"boards": boards}
    _price(found["methods"], results[: len(chosen)], boards, store, screen, how)
    notes = [*choices.notes(parts, None, 1), *NOTES]
    report = {"command": command, "notes": notes, **found}
    out = store.folder.parent
    columns, rows = tables.rows(found)
    write_atomic(out / JSON, (json.dumps(report, indent=1) + "\n").encode())
    write_atomic(out / MARKDOWN, section(f"hd on {options.data}", command, notes, columns, rows).encode())
    write_atomic(out / PICTURE, picture(found).encode())
    files = f"the same as Markdown in {out / MARKDOWN}, all figures in {out / JSON}, a picture in {out / PICTURE}"
    screen.show(report, table(columns, rows, numbers="l" + "r" * (len(columns) - 1)), "", *notes, files)
    return 0


def _price(
    found: Sequence[dict[str, Any]],
    results: Sequence[Any],
    boards: Sequence[str],
    store: Any,
    screen: Screen,
    how: dict[str, Any],
) -> None:
    """Add ``boards`` to each method: the price of its model of the first split, where there is one."""
    from edgekit.jobs.run import run_jobs
    from edgekit.search.price import job

    models = {name: one["models"][name] for one in results for name in one["models"]}
    planned = [(name, board) for name in models for board in boards]
    jobs = [job(models[name], board, name) for name, board in planned]
    prices = dict(zip(planned, run_jobs(jobs, store, screen, "prices", **how) if jobs else [], strict=True))
    for method in found:
        method["boards"] = {board: prices.get((method["name"], board)) for board in boards}


def _words(job: Any, result: Any) -> str:
    from edgekit.evaluation.statistics import Run

    one = Run.of("", None, result)
    return ", ".join(f"{100 * one.accuracy(method):.2f} %" for method in one.predictions)

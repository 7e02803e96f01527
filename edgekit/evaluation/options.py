"""Options that the verbs ``evaluate`` and ``sweep`` share, and what they mean."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.folders import RUN_FILE, check_run_folder
from edgekit.jobs import run as jobs
from edgekit.jobs.store import Store
from edgekit.options import PRESET_HELP, positive, presets_of, recipe_arguments, standardize_of, words
from edgekit.screen import Screen
from quant.datasets.cache import write_atomic
from quant.datasets.choice import FOLDS, Choice
from quant.datasets.protocols import PROTOCOLS
from quant.datasets.standardize import METHODS
from quant.networks.recipe import Recipe

if TYPE_CHECKING:
    from edgekit.evaluation.study import Part

ALL = "all"
COMMON = ("data", "preset", "protocol", "folds", "subject", "standardize", "epochs", "qat_epochs", "qat", "balance")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Data, training, folder and where the jobs run."""
    data = parser.add_argument_group("data")
    data.add_argument("--data", help="data set (default: the network's own; 'edgekit datasets' lists them)")
    data.add_argument("--preset", help=PRESET_HELP)
    split_arguments(data)
    data.add_argument("--standardize", choices=METHODS, help="of recordings (default: channel, unless --config says)")
    training = parser.add_argument_group("training")
    recipe_arguments(training)
    result_arguments(parser)


def split_arguments(data: argparse._ActionsContainer) -> None:
    """Which trials train and test."""
    data.add_argument("--protocol", choices=PROTOCOLS, help="which trials test (default: the data set's)")
    data.add_argument("--folds", type=positive, help=f"parts of cross-subject (default {FOLDS})")
    data.add_argument("--subject", type=subjects, help="train and test on these subjects, each alone: 1,2,5 or all")


def result_arguments(parser: argparse.ArgumentParser) -> None:
    """Folder and where the jobs run."""
    folder = parser.add_argument_group("results and jobs")
    folder.add_argument("--out", type=Path, help="folder to write (default: runs/VERB-MODEL)")
    folder.add_argument("--resume", action="store_true", help="take what the folder holds, compute what is missing")
    folder.add_argument(
        "--force", action="store_true", help="write into a folder that is not empty, forget its results"
    )
    jobs.arguments(parser)


def subjects(text: str) -> tuple[int, ...]:
    """An argparse type: ``all`` (empty), or whole numbers separated by commas."""
    return () if text == ALL else tuple(positive(word) for word in words(text))


def parts(options: argparse.Namespace, data: str, config: Mapping[str, Any], screen: Screen) -> list[Part]:
    """Every split of the data set that was asked for; ``config``: settings of the network."""
    from edgekit.evaluation import study

    choice = Choice(
        presets_of(options.preset)[1],
        options.protocol,
        folds=options.folds or FOLDS,
        standardize=standardize_of(options.standardize, config),
    )
    with screen.step("data set") as step:
        found = study.parts(data, choice, options.subject, screen.say)
        step.end(f"{data}: {found[0].choice.protocol}, {len(found)} splits")
    return found


def store(options: argparse.Namespace, verb: str, command: str, results: str) -> Store:
    """The results in the output folder, which is checked and marked as a run's first."""
    out: Path = options.out or Path("runs") / f"{verb}-{options.model}"
    check_run_folder(out, options.resume, options.force)
    kept = Store(out / results)
    if options.force:
        kept.clear()
    write_atomic(out / RUN_FILE, (json.dumps({"command": command}, indent=1) + "\n").encode())
    return kept


def command(verb: str, options: argparse.Namespace, *names: str, common: Sequence[str] = COMMON) -> str:
    """The command line that gives these results: what was asked for, without where and how it ran."""
    found = ["edgekit", verb, options.model]
    for name in (*common, *names):
        value, flag = getattr(options, name), f"--{name.replace('_', '-')}"
        if value is True:
            found.append(flag)
        elif isinstance(value, tuple):
            found += [flag, ",".join(map(str, value)) or ALL]
        elif isinstance(value, list):
            found += [flag, *map(str, value)]
        elif value not in (None, False):
            found += [flag, str(value)]
    return shlex.join(found)


def notes(parts: list[Part], recipe: Recipe | None, seeds: int) -> list[str]:
    """What was done, in words."""
    first, many = parts[0], "" if seeds == 1 else "s"
    where = f"{first.data}, excerpt {first.choice.excerpt}, {first.choice.protocol}: {len(parts)} splits"
    found = [f"{where}{f'; {first.note}' if first.note else ''}."]
    if recipe is not None:
        epochs = f"{recipe.epochs} epochs in float, {recipe.qat_epochs} with fake quantization ({recipe.qat})"
        found.append(
            f"{epochs}, batch {recipe.batch}, {seeds} seed{many} per split; the last epoch counts, none is chosen."
        )
    return found

"""Options that the verbs ``evaluate`` and ``sweep`` share, and what they mean."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from edgekit.folders import RUN_FILE, check_run_folder
from edgekit.jobs import run as jobs
from edgekit.jobs.store import Store
from edgekit.screen import Screen
from edgekit.training import positive
from quant import networks
from quant.datasets.cache import write_atomic
from quant.datasets.choice import FOLDS, Choice
from quant.datasets.excerpt import DESCRIPTION, EXCERPTS, is_excerpt
from quant.datasets.protocols import PROTOCOLS
from quant.errors import Problem, UserError, unknown
from quant.networks.recipe import PRESETS, Balance, Qat, Recipe

if TYPE_CHECKING:
    from edgekit.evaluation.study import Part

ALL = "all"
COMMON = ("data", "preset", "protocol", "folds", "subject", "standardize", "epochs", "qat_epochs", "qat", "balance")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Data, training, folder and where the jobs run."""
    data = parser.add_argument_group("data")
    data.add_argument("--data", help="data set (default: the network's own; 'edgekit datasets' lists them)")
    excerpts = f"excerpt ({', '.join(EXCERPTS)}, or {DESCRIPTION})"
    data.add_argument("--preset", help=f"quantization ({', '.join(PRESETS)}), {excerpts}, or both: a,b")
    data.add_argument("--protocol", choices=PROTOCOLS, help="which trials test (default: the data set's)")
    data.add_argument("--folds", type=positive, help=f"parts that cross-subject makes (default {FOLDS})")
    data.add_argument("--subject", type=subjects, help="train and test on these subjects, each alone: 1,2,5 or all")
    data.add_argument("--standardize", help="channel (default), sample, none")
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=positive, help="epochs in float")
    training.add_argument("--qat-epochs", type=positive, help="epochs with fake quantization")
    training.add_argument("--qat", choices=get_args(Qat), help="fine-tuning: ste (default), rpr")
    training.add_argument("--balance", choices=get_args(Balance), help="weigh or resample rare classes")
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


def words(text: str) -> list[str]:
    """Separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def presets(text: str | None) -> tuple[str, str | None]:
    """Quantization and excerpt (None: the data set's own) of an option ``--preset``.

    Raises:
        UserError: a word that is neither, or two of one kind.
    """
    kinds: dict[str, list[str]] = {"quantization": [], "excerpt": []}
    for word in words(text or ""):
        if word not in PRESETS and not is_excerpt(word):
            raise unknown("preset", word, (*PRESETS, *EXCERPTS))
        kinds["quantization" if word in PRESETS else "excerpt"].append(word)
    for kind, names in kinds.items():
        if len(names) > 1:
            raise UserError(Problem(f"{' and '.join(names)}: only one {kind} at a time", "--preset"))
    return next(iter(kinds["quantization"]), "int8"), next(iter(kinds["excerpt"]), None)


def orders(text: str | None, model: networks.Model) -> tuple[str, ...]:
    """Of an option ``--orders``; the model's first one where nothing is asked for.

    Raises:
        UserError: an order that the network does not have.
    """
    found = tuple(words(text)) if text else model.orders[:1]
    for order in found:
        if order not in model.orders:
            raise unknown(f"order of {model.name}", order, model.orders)
    return found


def recipe(options: argparse.Namespace, model: networks.Model) -> Recipe:
    """The model's own recipe with what the command line changes."""
    names = ("epochs", "qat_epochs", "qat", "balance")
    return replace(
        model.recipe, **{name: getattr(options, name) for name in names if getattr(options, name) is not None}
    )


def parts(options: argparse.Namespace, data: str, screen: Screen) -> list[Part]:
    """Every split of the data set that was asked for."""
    from edgekit.evaluation import study

    given = {"protocol": options.protocol, "folds": options.folds, "standardize": options.standardize}
    choice = Choice(presets(options.preset)[1], **{name: value for name, value in given.items() if value is not None})
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


def command(verb: str, options: argparse.Namespace, *names: str) -> str:
    """The command line that gives these results: what was asked for, without where and how it ran."""
    found = ["edgekit", verb, options.model]
    for name in (*COMMON, *names):
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

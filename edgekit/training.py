"""Options and progress that the verbs ``train`` and ``run`` share."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.folders import check_run_folder
from edgekit.screen import Screen
from quant import datasets, networks
from quant.datasets import Dataset
from quant.networks.recipe import Recipe

if TYPE_CHECKING:
    from quant.training.train import Run

BALANCE = ("none", "weights", "resample")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a training."""
    parser.add_argument("model", help="network to train ('edgekit models' lists them)")
    parser.add_argument("--out", type=Path, help="folder to write (default: runs/MODEL)")
    parser.add_argument("--preset", default="int8", help="quantization: int8 (default), w7a8, int8-pot")
    parser.add_argument("--seed", type=natural, default=0, help="seed of weights, order and dropout (default 0)")
    parser.add_argument("--epochs", type=positive, help="epochs in float")
    parser.add_argument("--qat-epochs", type=positive, help="epochs with fake quantization")
    parser.add_argument("--balance", choices=BALANCE, help="weigh or resample rare classes")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument("--force", action="store_true", help="write into a folder that is not empty")


def positive(text: str) -> int:
    """An argparse type: a whole number of at least one."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def natural(text: str) -> int:
    """An argparse type: a whole number of at least zero."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


def recipe(options: argparse.Namespace) -> Recipe:
    """The model's own recipe with what the command line changes."""
    given = {"epochs": options.epochs, "qat_epochs": options.qat_epochs, "balance": options.balance}
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(model(options).recipe, **chosen)


def model(options: argparse.Namespace) -> networks.Model:
    return networks.model(options.model)


def folder(options: argparse.Namespace) -> Path:
    """Where the run goes, checked; raises UserError for unknown names first."""
    model(options).preset(options.preset)
    out: Path = options.out or Path("runs") / options.model
    check_run_folder(out, options.resume, options.force)
    return out


def train(options: argparse.Namespace, data: Dataset, out: Path, screen: Screen) -> Run:
    """Train as asked for, with a bar over all epochs."""
    from quant.training.train import train

    chosen = recipe(options)
    total = chosen.epochs + chosen.qat_epochs
    with screen.step("training") as step:

        def show(progress: Any) -> None:
            before = chosen.epochs if progress.stage == "qat" else 0
            note = f"{progress.stage}: loss {progress.loss:.3f}, {100 * progress.accuracy:.1f} % correct"
            step.at(before + progress.epoch, total, note)

        run = train(
            model(options),
            data,
            out,
            preset=options.preset,
            seed=options.seed,
            recipe=chosen,
            resume=options.resume,
            force=options.force,
            on_progress=show,
        )
        step.end(", ".join(f"{name} {100 * figures['accuracy']:.2f} %" for name, figures in run.metrics.items()))
    return run


def load_data(model: networks.Model, screen: Screen) -> Dataset:
    """The data set that ``model`` is trained on; downloaded where it is not there yet."""
    with screen.step("data set") as step:
        data = datasets.load(model.dataset, screen.say)
        step.end(f"{data.name}: {len(data.x_train)} for training, {len(data.x_test)} for testing")
    return data

"""Options and progress that the verbs ``train`` and ``run`` share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.folders import check_run_folder
from edgekit.options import (
    PRESET_HELP,
    natural,
    orders_of,
    positive,
    presets_of,
    recipe_arguments,
    recipe_of,
    standardize_of,
)
from edgekit.screen import Screen
from quant import datasets, networks
from quant.datasets import Dataset
from quant.datasets.choice import FOLDS, Choice
from quant.datasets.protocols import PROTOCOLS
from quant.datasets.standardize import METHODS
from quant.networks.order import ORDERS

if TYPE_CHECKING:
    from quant.training.train import Run


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a training."""
    parser.add_argument("model", help="network to train ('edgekit models' lists them)")
    parser.add_argument("--out", type=Path, help="folder to write (default: runs/MODEL)")
    parser.add_argument("--data", help="data set (default: the model's; 'edgekit datasets' lists them)")
    parser.add_argument("--preset", default="int8", help=PRESET_HELP)
    data_arguments(parser)
    parser.add_argument("--order", choices=ORDERS, help="of temporal and spatial convolution in the integer network")
    parser.add_argument("--config", help="configuration of the network ('edgekit models' lists them)")
    parser.add_argument("--seed", type=natural, default=0, help="seed of weights, order and dropout (default 0)")
    recipe_arguments(parser)
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument("--force", action="store_true", help="write into a folder that is not empty")


def data_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of data sets that can be split in several ways."""
    parser.add_argument("--protocol", help="how trials are split: " + ", ".join(PROTOCOLS))
    parser.add_argument("--subject", type=positive, help="only this subject's trials")
    parser.add_argument("--fold", type=positive, help="which part tests (default 1)")
    parser.add_argument("--folds", type=positive, default=FOLDS, help="parts of cross-subject (default 5)")
    parser.add_argument("--standardize", choices=METHODS, help="of recordings (default: channel, unless --config says)")


def model(options: argparse.Namespace) -> networks.Model:
    return networks.model(options.model)


def selection(options: argparse.Namespace) -> dict[str, Any]:
    """Data set and :class:`Choice` that the command line asks for, as plain data."""
    chosen = model(options)
    config = chosen.config(options.config) if options.config else {}
    standardize = standardize_of(options.standardize, config)
    choice = {name: getattr(options, name) for name in ("protocol", "subject", "fold", "folds")}
    excerpt = presets_of(options.preset)[1]
    return {"data": options.data or chosen.dataset, "excerpt": excerpt, **choice, "standardize": standardize}


def folder(options: argparse.Namespace) -> Path:
    """Where the run goes, checked; raises UserError for unknown names first."""
    chosen = model(options)
    chosen.preset(presets_of(options.preset)[0])
    datasets.source(options.data or chosen.dataset)
    if options.config:
        chosen.config(options.config)
    orders_of(options.order, chosen)
    out: Path = options.out or Path("runs") / options.model
    check_run_folder(out, options.resume, options.force)
    return out


def train(options: argparse.Namespace, data: Dataset, out: Path, screen: Screen) -> Run:
    """Train as asked for, with a bar over all epochs."""
    from quant.training.train import train

    chosen_model = model(options)
    chosen = recipe_of(options, chosen_model)
    total = chosen.epochs + chosen.qat_epochs
    with screen.step("training") as step:

        def show(progress: Any) -> None:
            before = chosen.epochs if progress.stage == "qat" else 0
            note = f"{progress.stage}: loss {progress.loss:.3f}, {100 * progress.accuracy:.1f} % correct"
            step.at(before + progress.epoch, total, note)

        run = train(
            chosen_model,
            data,
            out,
            preset=presets_of(options.preset)[0],
            order=orders_of(options.order, chosen_model)[0],
            network_config=chosen_model.config(options.config) if options.config else None,
            selection=selection(options),
            seed=options.seed,
            recipe=chosen,
            resume=options.resume,
            force=options.force,
            on_progress=show,
        )
        step.end(", ".join(f"{name} {100 * figures['accuracy']:.2f} %" for name, figures in run.metrics.items()))
    return run


def load_data(selection: Mapping[str, Any], screen: Screen) -> Dataset:
    """The trials that :func:`selection` describes; downloaded where they are not there yet."""
    name, choice = selection["data"], {key: value for key, value in selection.items() if key != "data"}
    with screen.step("data set") as step:
        data = datasets.load(name, screen.say, Choice(**choice))
        split = f" ({data.split})" if data.split else ""
        step.end(f"{data.name}: {len(data.x_train)} for training, {len(data.x_test)} for testing{split}")
    if data.note:
        screen.say(f"  {data.note}")
    return data

"""Options of every verb that trains, and what they mean."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from quant import networks
from quant.datasets.excerpt import DESCRIPTION, EXCERPTS, is_excerpt
from quant.errors import Problem, UserError, unknown
from quant.networks.order import Order
from quant.networks.recipe import PRESETS, Balance, Qat, Recipe

RECIPE = ("epochs", "qat_epochs", "qat", "balance")
PRESET_HELP = (
    f"quantization ({', '.join(PRESETS)}), excerpt of the recordings ({', '.join(EXCERPTS)}, or {DESCRIPTION}), "
    "or both: w7a8,edge-m4f"
)


def recipe_arguments(parser: argparse._ActionsContainer) -> None:
    """What a command line may change of a recipe."""
    parser.add_argument("--epochs", type=positive, help="epochs in float")
    parser.add_argument("--qat-epochs", type=positive, help="epochs with fake quantization")
    parser.add_argument(
        "--qat", choices=get_args(Qat), help="fine-tuning: ste (default), rpr (random partition relaxation)"
    )
    parser.add_argument("--balance", choices=get_args(Balance), help="weigh or resample rare classes")


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


def words(text: str) -> list[str]:
    """Separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def recipe_of(options: argparse.Namespace, model: networks.Model) -> Recipe:
    """The model's own recipe with what the command line changes."""
    return replace(
        model.recipe, **{name: getattr(options, name) for name in RECIPE if getattr(options, name) is not None}
    )


def presets_of(text: str | None) -> tuple[str, str | None]:
    """``--preset`` taken apart: quantization, and excerpt (None: the data set's own).

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


def orders_of(text: str | None, model: networks.Model) -> tuple[Order, ...]:
    """Of an option ``--order`` or ``--orders``; the model's usual one where nothing is asked for.

    Raises:
        UserError: an order that the network does not have.
    """
    if not text:
        return model.orders[:1]
    known = {str(order): order for order in model.orders}
    for word in words(text):
        if word not in known:
            raise unknown(f"order of {model.name}", word, known)
    return tuple(known[word] for word in words(text))


def standardize_of(text: str | None, config: Mapping[str, Any]) -> str:
    """Of an option ``--standardize``; where nothing is asked for, as the configuration was published."""
    return text or ("channel" if config.get("standardize", True) else "none")

"""A grid of configurations, as the command line writes it: ``filters=8,16 tcn_filters=12,17 learning_rate=1e-3``.

Axes are fields of the network's configuration, fields of the training recipe, ``standardize``, and ``config``: named
configurations, of which the other axes then change what they name.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quant.datasets.standardize import METHODS
from quant.errors import Problem, UserError, unknown
from quant.networks import Model
from quant.networks.recipe import Recipe

CONFIG, STANDARDIZE = "config", "standardize"
TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Point:
    """One configuration.

    Attributes:
        label: what the grid says of it.
        config: settings of the network.
        recipe: of the training.
        standardize: None where the grid does not say.
    """

    label: str
    config: Mapping[str, Any]
    recipe: Recipe
    standardize: str | None = None


def points(words: Sequence[str], model: Model, recipe: Recipe) -> list[Point]:
    """Every combination, the last axis varying fastest; without words the model as it is.

    Args:
        recipe: what the recipe's axes change.

    Raises:
        UserError: an axis that does not exist or is named twice, a value that it cannot take, an axis without values.
    """
    axes: dict[str, list[tuple[str, Any]]] = {}
    for word in words:
        name, _, texts = word.partition("=")
        values = [text.strip() for text in texts.split(",") if text.strip()]
        if name in axes or not values:
            what = "it is named twice" if name in axes else "it has no values"
            raise UserError(Problem(what, f"--grid {word}", "name=value,value,..."))
        axes[name] = [(f"{name} {text}", _value(name, text, model)) for text in values]
    return [_point(dict(zip(axes, combination, strict=True)), model, recipe) for combination in _product(axes)]


def _product(axes: Mapping[str, list[tuple[str, Any]]]) -> list[tuple[tuple[str, Any], ...]]:
    return list(itertools.product(*axes.values()))


def network_fields(model: Model) -> dict[str, Any]:
    """Name and an example value of every setting of the network."""
    fields = {name: value for config in model.configs.values() for name, value in config.items()}
    fields.pop(STANDARDIZE, None)  # is about the data, and has an axis of its own
    return fields


def _value(name: str, text: str, model: Model) -> Any:
    if name == CONFIG and model.configs:
        return model.config(text)
    if name == STANDARDIZE:
        if text not in METHODS:
            raise unknown("standardisation", text, METHODS)
        return text
    network, training = network_fields(model), dataclasses.asdict(Recipe())
    if name not in network and name not in training:
        raise unknown(
            f"axis of {model.name}", name, (*network, *training, STANDARDIZE, *([CONFIG] if model.configs else []))
        )
    example = network[name] if name in network else training[name]
    try:
        value = TRUTH[text.lower()] if isinstance(example, bool) else type(example)(text)
    except (ValueError, KeyError):
        raise UserError(Problem(f"'{text}' is no value of {name}", "--grid", f"values like {example}")) from None
    if name in network and not isinstance(value, bool):
        # Whole numbers are sizes, all others probabilities of dropout.
        if isinstance(value, int) and value < 1:
            raise UserError(Problem(f"{name} is {value}", "--grid", "1 or more"))
        if isinstance(value, float) and not 0 <= value < 1:
            raise UserError(Problem(f"{name} is {value:g}", "--grid", "0 up to, but not, 1"))
    return value


def _point(chosen: Mapping[str, tuple[str, Any]], model: Model, recipe: Recipe) -> Point:
    label = ", ".join(text for text, _ in chosen.values()) or model.name
    values = {name: value for name, (_, value) in chosen.items()}
    config = dict(values.pop(CONFIG, {}))
    # A published configuration says whether its recordings were standardised.
    standardize = None if config.pop(STANDARDIZE, True) else "none"
    standardize = values.pop(STANDARDIZE, standardize)
    training = {name: value for name, value in values.items() if name not in network_fields(model)}
    config.update({name: value for name, value in values.items() if name not in training})
    return Point(label, config, dataclasses.replace(recipe, **training), standardize)

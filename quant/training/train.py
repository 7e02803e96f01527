"""Training a registered model into a folder: float, then quantization-aware, resumable at any moment.

config.json   what was asked for; resuming with anything else is refused
float.pt      state of the float network, written when its stage ends
qat.pt        state of the quantized network, written when training ends
history.json  one record per epoch
metrics.json  figures of the float and the fake-quantized network on the test set
state.pt      the last finished epoch of a stage; gone when training ends
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from quant import networks
from quant.datasets.dataset import Dataset
from quant.errors import Problem, UserError, unknown
from quant.metrics import Metrics
from quant.networks.network import Network
from quant.networks.order import Order
from quant.networks.recipe import Preset, Recipe
from quant.training import checkpoint
from quant.training.evaluate import predict
from quant.training.loop import Progress, reproducible
from quant.training.modules import FloatNetwork
from quant.training.quantized import QuantNetwork
from quant.training.stages import float_stage, quantized_stage, quantized_start

CONFIG, FLOAT, QAT, HISTORY, METRICS, STATE = FILES = (
    "config.json",
    "float.pt",
    "qat.pt",
    "history.json",
    "metrics.json",
    "state.pt",
)
FORMAT = 2
# One thread: these networks are too small to share out, and results then do not depend on the number of cores.
THREADS = 1


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training: what was asked for, both networks (evaluation mode) and their figures on the test set."""

    folder: Path
    config: dict[str, Any]
    floating: FloatNetwork
    quantized: QuantNetwork
    metrics: dict[str, Any]

    @property
    def model(self) -> networks.Model:
        return networks.model(self.config["model"])

    @property
    def order(self) -> Order:
        """The order of convolutions in the quantized network; the float network has the published one."""
        return self.config["network"]["order"]


def train(
    model: networks.Model,
    data: Dataset,
    folder: Path,
    *,
    preset: str = "int8",
    order: Order = "faithful",
    network_config: Mapping[str, Any] | None = None,
    selection: Mapping[str, Any] | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    resume: bool = False,
    force: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Train ``model`` on ``data`` into ``folder`` (created where absent).

    Same arguments, same machine: same bytes, also when stopped and resumed in between.

    Args:
        order: of the convolutions in the quantized network.
        network_config: settings of the network (see :attr:`quant.networks.Model.configs`).
        selection: how ``data`` was chosen (:class:`quant.datasets.selection.Selection`), kept with the run.
        recipe: the model's own by default.
        resume: continue what ``folder`` holds; starts from the beginning where it holds nothing.
        force: discard a training that ``folder`` holds.
        on_progress: called after every epoch, when its state is already safe on disk.

    Raises:
        UserError: unknown preset; a folder that holds another training; unreadable state.
    """
    chosen, recipe = model.preset(preset), recipe or model.recipe
    design = design_of(data, order, network_config)
    network = fitted(model, design)
    config = {**configuration(model, data, design, chosen, recipe, seed), "selection": dict(selection or {})}
    claim(folder, config, resume, force)
    x, y = torch.from_numpy(data.scale(data.x_train)), torch.from_numpy(data.y_train)
    options = {"classes": len(data.classes), "state_file": folder / STATE, "on_progress": on_progress}
    with reproducible(THREADS):
        floating = _float(network, folder, x, y, recipe, seed, options)
        quantized = _quantized(floating, folder, x, y, recipe, chosen, seed, {**options, "order": order})
        x_test = torch.from_numpy(data.scale(data.x_test))
        metrics = {
            name: Metrics.of(predict(network, x_test), data.y_test, len(data.classes)).as_json()
            for name, network in (("float", floating), ("fake_quant", quantized))
        }
    checkpoint.write_json(folder / METRICS, metrics)
    (folder / STATE).unlink(missing_ok=True)
    return Run(folder, config, floating, quantized, metrics)


def _float(
    network: Network, folder: Path, x: torch.Tensor, y: torch.Tensor, recipe: Recipe, seed: int, options: Any
) -> FloatNetwork:
    """The float network, trained or read back; its history is on disk afterwards."""
    if (folder / FLOAT).exists():
        floating = FloatNetwork(network)
        floating.load_state_dict(checkpoint.load(folder / FLOAT))
        return floating.eval()
    floating, history = float_stage(network, x, y, recipe, seed, **options)
    checkpoint.write_json(folder / HISTORY, history)
    checkpoint.save(folder / FLOAT, floating.state_dict())
    return floating.eval()


def _quantized(
    floating: FloatNetwork,
    folder: Path,
    x: torch.Tensor,
    y: torch.Tensor,
    recipe: Recipe,
    preset: Preset,
    seed: int,
    options: Any,
) -> QuantNetwork:
    """The quantized network, trained or read back; the history of both stages is on disk afterwards."""
    if (folder / QAT).exists():
        network = quantized_start(floating, x, preset, options["order"])
        network.load_state_dict(checkpoint.load(folder / QAT))
        return network.eval()
    network, history = quantized_stage(floating, x, y, recipe, preset, seed, **options)
    before = [record for record in checkpoint.read_json(folder / HISTORY) if record["stage"] == "float"]
    checkpoint.write_json(folder / HISTORY, [*before, *history])
    checkpoint.save(folder / QAT, network.state_dict())
    return network.eval()


def design_of(data: Dataset, order: Order, config: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the network depends on beside its name, as it is kept in the configuration."""
    return {
        "input_shape": list(data.x_train.shape[1:]),
        "classes": len(data.classes),
        "divisor": data.divisor,
        "config": dict(config or {}),
        "order": order,
    }


def fitted(model: networks.Model, design: Mapping[str, Any]) -> Network:
    """The network of a design, in the published order; raises UserError where it does not exist."""
    if design["order"] not in model.orders:
        raise unknown(f"order of {model.name}", design["order"], model.orders)
    return model.fitted(design["input_shape"], design["classes"], design["divisor"], design["config"])


def configuration(
    model: networks.Model, data: Dataset, design: dict[str, Any], preset: Preset, recipe: Recipe, seed: int
) -> dict[str, Any]:
    """Everything that the result depends on."""
    return {
        "format": FORMAT,
        "model": model.name,
        "network": design,
        "dataset": data.name,
        "data_sha256": hashlib.sha256(data.x_train.tobytes() + data.y_train.tobytes()).hexdigest(),
        "preset": preset.name,
        "seed": seed,
        "recipe": asdict(recipe),
        "threads": THREADS,
        "versions": {name: version(name) for name in ("torch", "brevitas", "numpy")},
    }


def claim(folder: Path, config: dict[str, Any], resume: bool, force: bool) -> None:
    """Make ``folder`` this training's: check what it holds, clear it with ``force``, write the configuration."""
    held = [name for name in FILES if (folder / name).exists()]
    if force:
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
    elif held and not resume:
        fix = "--resume continues it, --force starts over, or choose another folder"
        raise UserError(Problem("it already holds a training run", str(folder), fix=fix))
    elif CONFIG in held:
        check_same(checkpoint.read_json(folder / CONFIG), config, folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.write_json(folder / CONFIG, config)


def check_same(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise UserError listing every setting in which a run and its resumption differ."""
    before, now = flat(before), flat(now)
    problems = [
        Problem(f"{key} is {now.get(key)!r}, the run was started with {before.get(key)!r}", str(folder))
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    if problems:
        fix = "resume with the same settings, or start over with --force"
        raise UserError([*problems[:-1], Problem(problems[-1].what, str(folder), fix=fix)])


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        result.update(flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return result


def load(folder: Path) -> Run:
    """Read a finished training back.

    Raises:
        UserError: the folder holds none, an unfinished one, or damaged files.
    """
    if not (folder / CONFIG).is_file():
        raise UserError(Problem("it holds no training run", str(folder), fix="edgekit train MODEL --out FOLDER"))
    missing = [name for name in (FLOAT, QAT, METRICS) if not (folder / name).is_file()]
    if missing:
        what = f"its training is not finished ({', '.join(missing)} missing)"
        raise UserError(Problem(what, str(folder), fix="continue it with edgekit train MODEL --resume"))
    config = checkpoint.read_json(folder / CONFIG)
    if config["format"] != FORMAT:
        what = f"it was trained by another version (format {config['format']}, not {FORMAT})"
        raise UserError(Problem(what, str(folder), fix="train again with --force"))
    model = networks.model(config["model"])
    network = fitted(model, config["network"])
    floating = FloatNetwork(network)
    floating.load_state_dict(checkpoint.load(folder / FLOAT))
    # Any calibration data will do: the learned ranges come from the file.
    inputs, preset = torch.zeros(1, *network.input_shape), model.preset(config["preset"])
    quantized = quantized_start(floating, inputs, preset, config["network"]["order"])
    quantized.load_state_dict(checkpoint.load(folder / QAT))
    return Run(folder, config, floating.eval(), quantized.eval(), checkpoint.read_json(folder / METRICS))

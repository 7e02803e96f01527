"""The networks EdgeKit ships, as layer tables; importing this needs no training framework."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quant.errors import Problem, UserError, unknown
from quant.networks.ecg_tcn import ECG_TCN
from quant.networks.eeg_tcnet import VARIABLE, TcnetConfig, eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.network import Network
from quant.networks.order import ORDERS, Order, commutes
from quant.networks.recipe import PRESETS, Preset, Recipe

EEG_RECIPE = Recipe(batch=32, epochs=60)


@dataclass(frozen=True)
class Model:
    """A registry entry: a network with the data set it is trained on and how.

    Attributes:
        network: as published: its counts are the paper's.
        make: the same for other recordings, (electrodes, samples, classes, divisor, **config) -> Network; None where
            there is but the one.
        configs: named settings that ``make`` takes.
    """

    network: Network
    dataset: str
    description: str
    presets: tuple[str, ...] = ("int8", "w7a8", "int8-pot")
    recipe: Recipe = field(default_factory=Recipe)
    make: Callable[..., Network] | None = None
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.network.name

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders of temporal and spatial convolution that there are, the usual one first.

        Spatial-first where it exists: a fraction of the work, and no accuracy is lost (docs/results.md).
        """
        return ORDERS[::-1] if commutes(self.network) else ORDERS[:1]

    def preset(self, name: str) -> Preset:
        """The preset of that name; raises UserError naming the nearest one."""
        if name not in self.presets:
            raise unknown(f"preset of {self.name}", name, self.presets)
        return PRESETS[name]

    def config(self, name: str) -> Mapping[str, Any]:
        """The settings of that name; raises UserError naming the nearest one."""
        if name not in self.configs:
            raise unknown(f"configuration of {self.name}", name, self.configs)
        return self.configs[name]

    def fitted(
        self, input_shape: Sequence[int], classes: int, divisor: int = 1, config: Mapping[str, Any] | None = None
    ) -> Network:
        """The network for inputs of that shape.

        Args:
            divisor: by which the recording was down-sampled.
            config: settings that ``make`` takes.

        Raises:
            UserError: the network does not exist in that shape.
        """
        if self.make is None:
            wanted, offered = (self.network.input_shape, self.network.output_shape), (tuple(input_shape), (classes,))
            if offered != wanted:
                what = f"it takes inputs {wanted[0]} of {wanted[1][0]} classes, not {offered[0]} of {classes}"
                raise UserError(Problem(what, f"network '{self.name}'", fix="choose another data set"))
            return self.network
        _, electrodes, samples = input_shape
        network = self.make(electrodes, samples, classes, divisor, **(config or {}))
        assert network.steps, "an empty table"
        return network


def _tcnet(electrodes: int, samples: int, classes: int, divisor: int = 1, **config: Any) -> Network:
    """EEG-TCNet with fields of :class:`TcnetConfig` by name."""
    return eeg_tcnet(electrodes, samples, classes, divisor, TcnetConfig(**config))


TCNET_CONFIGS = {f"S{subject}": dataclasses.asdict(config) for subject, config in VARIABLE.items()}

MODELS = {
    model.name: model
    for model in (
        Model(ECG_TCN, "ecg5000", "ECG-TCN (AICAS 2021): 5 classes of heartbeat, 140 samples per beat"),
        Model(
            eegnet(64, 480, 4),
            "synthetic-eeg",
            "EEGNet for low-power edge (MeMeA 2020): motor imagery, ELU or (config relu) ReLU",
            recipe=EEG_RECIPE,
            make=eegnet,
            configs={"relu": {"elu": False}},
        ),
        Model(
            q_eegnet(22, 1125, 4),
            "synthetic-eeg",
            "Q-EEGNet (SMARTCOMP 2020): motor imagery, ReLU",
            recipe=EEG_RECIPE,
            make=q_eegnet,
        ),
        Model(
            eeg_tcnet(22, 1125, 4),
            "synthetic-eeg",
            "EEG-TCNet (SMC 2020): motor imagery; config S1 to S9: one network per subject of BCI IV-2a",
            recipe=EEG_RECIPE,
            make=_tcnet,
            configs=TCNET_CONFIGS,
        ),
    )
}


def model(name: str) -> Model:
    """The registered model of that name; raises UserError naming the nearest one."""
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]

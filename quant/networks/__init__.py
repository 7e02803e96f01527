"""The networks EdgeKit ships, as layer tables; importing this needs no training framework."""

from __future__ import annotations

from dataclasses import dataclass, field

from quant.errors import unknown
from quant.networks.ecg_tcn import ECG_TCN
from quant.networks.network import Network
from quant.networks.recipe import PRESETS, Preset, Recipe


@dataclass(frozen=True)
class Model:
    """A registry entry: a network with the data set it is trained on and how."""

    network: Network
    dataset: str
    description: str
    presets: tuple[str, ...] = ("int8", "w7a8", "int8-pot")
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def name(self) -> str:
        return self.network.name

    def preset(self, name: str) -> Preset:
        """The preset of that name; raises UserError naming the nearest one."""
        if name not in self.presets:
            raise unknown(f"preset of {self.name}", name, self.presets)
        return PRESETS[name]


MODELS = {
    model.name: model
    for model in (Model(ECG_TCN, "ecg5000", "ECG-TCN (AICAS 2021): 5 classes of heartbeat, 140 samples per beat"),)
}


def model(name: str) -> Model:
    """The registered model of that name; raises UserError naming the nearest one."""
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]

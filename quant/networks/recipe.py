"""How a network is trained and quantized: plain data, so that it can be written next to the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from quant.errors import Problem, UserError, unknown

Balance = Literal["none", "weights", "resample"]
Decay = Literal["cosine", "none"]
Qat = Literal["ste", "rpr"]
MOST_QAT_EPOCHS = 30
LEAST_RPR_EPOCHS = 20  # one epoch for every fraction of frozen weights


@dataclass(frozen=True)
class Recipe:
    """Training settings.

    Attributes:
        batch: examples per step.
        epochs, learning_rate: float training with Adam.
        qat_epochs, qat_learning_rate: the same for the quantization-aware fine-tuning.
        qat: ``ste`` quantizes everything from the start with straight-through gradients, in at most 30 epochs; ``rpr``
            activations first, then weights by random partition relaxation (:mod:`quant.training.relaxation`), in at
            least 20.
        decay: ``cosine`` lets both learning rates fall to zero along a cosine, ``none`` keeps them.
        balance: ``none``; ``weights`` weighs each class's loss by its inverse frequency; ``resample`` draws classes
            with equal probability.

    Raises:
        UserError: a value that cannot work.
    """

    batch: int = 30
    epochs: int = 30
    learning_rate: float = 1e-3
    qat_epochs: int = 10
    qat_learning_rate: float = 3e-4
    qat: Qat = "ste"
    decay: Decay = "cosine"
    balance: Balance = "none"

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{name} is {getattr(self, name)}", "training recipe", "numbers above 0")
            for name in ("batch", "epochs", "learning_rate", "qat_epochs", "qat_learning_rate")
            if not getattr(self, name) > 0
        ]
        if self.qat == "ste" and self.qat_epochs > MOST_QAT_EPOCHS:
            problems.append(Problem(f"qat_epochs is {self.qat_epochs}", "training recipe", f"1 to {MOST_QAT_EPOCHS}"))
        if self.qat == "rpr" and self.qat_epochs < LEAST_RPR_EPOCHS:
            what = f"qat_epochs is {self.qat_epochs} with random partition relaxation"
            problems.append(Problem(what, "training recipe", f"{LEAST_RPR_EPOCHS} or more"))
        if problems:
            raise UserError(problems)
        choices = (("decay", self.decay, Decay), ("balance", self.balance, Balance), ("qat", self.qat, Qat))
        for kind, value, known in choices:
            if value not in get_args(known):
                raise unknown(kind, value, get_args(known))


@dataclass(frozen=True)
class Preset:
    """A quantization scheme: bits per weight, and whether all scales are powers of two. Activations have 8 bits."""

    name: str
    description: str
    weight_bits: int = 8
    power_of_two: bool = False


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("int8", "8-bit weights per output channel, 8-bit activations"),
        Preset("w7a8", "7-bit weights per output channel, 8-bit activations (as published for ECG-TCN)", weight_bits=7),
        Preset("int8-pot", "8-bit weights and activations, every scale a power of two", power_of_two=True),
    )
}

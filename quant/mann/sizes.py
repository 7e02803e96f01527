"""Bits of a network before and after its last layer gave way to a binary memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from quant.networks.eegnet import q_eegnet
from quant.networks.layers import Dense
from quant.networks.network import Network

Memory = Literal["random", "learned"]
MEMORIES: tuple[Memory, ...] = ("random", "learned")
DIMENSIONS: dict[Memory, int] = {"random": 2048, "learned": 256}  # of the published ratios


@dataclass(frozen=True)
class Sizes:
    """Bits of the parts of a network.

    Published, for EEGNet on 22 electrodes with 16-bit parameters: 1.28 times smaller with a random projection, 28.10
    times larger with a learned one. Reproduced as 1.283 with D = 2048 where the 80 running statistics count as
    parameters (2,628), and as 28.02 with D = 256, a projection with biases and 2,548 parameters.

    Attributes:
        width: bits of a parameter.
        backbone: parameters in front of the last layer.
        classifier: parameters of the last layer.
        projection: stored parameters of the projection.
        memory: bits of the class memory.
    """

    width: int
    backbone: int
    classifier: int
    projection: int
    memory: int

    @property
    def before(self) -> int:
        return self.width * (self.backbone + self.classifier)

    @property
    def after(self) -> int:
        return self.width * (self.backbone + self.projection) + self.memory

    @property
    def smaller(self) -> float:
        """How many times smaller it became; below 1 where it grew."""
        return self.before / self.after

    def as_json(self) -> dict[str, Any]:
        parts = {"backbone": self.width * self.backbone, "classifier": self.width * self.classifier}
        parts |= {"projection": self.width * self.projection, "memory": self.memory}
        return {"width": self.width, **parts, "before": self.before, "after": self.after, "smaller": self.smaller}


def published(kind: Memory) -> Sizes:
    """Those of the published network with the memory that gives the published ratio; see :class:`Sizes`."""
    return sizes(q_eegnet(22, 1125, 4), kind, DIMENSIONS[kind], statistics=kind == "random")


def sizes(network: Network, kind: Memory, dimension: int, width: int = 16, statistics: bool = True) -> Sizes:
    """The sizes of ``network``, whose last layer is dense, with a memory of ``dimension`` bits per class.

    ``statistics``: whether running means and variances of batch normalization count, as stored without merging them.
    """
    last = network.steps[-1]
    assert isinstance(last.layer, Dense)
    (features,), (classes,) = last.in_shapes[0], last.shape
    classifier = last.layer.trainable(last.in_shapes[0])
    backbone = (network.parameters if statistics else network.trainable) - classifier
    projection = dimension * (features + 1) if kind == "learned" else 0
    return Sizes(width, backbone, classifier, projection, classes * dimension)

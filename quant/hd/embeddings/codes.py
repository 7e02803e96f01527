"""Codes: every feature by itself becomes a word of bits."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from quant.hd.embedding import Bits, Embedding, Features
from quant.hd.levels import Code, codebook, levels
from quant.hd.settings import Settings


class LevelCode(Embedding):
    """Feature i has bits i d .. i d + d - 1 of its band's vector, d being ``settings.levels``; nothing is learned."""

    code: ClassVar[Code]
    sizes = "levels"

    @classmethod
    def fit(cls, x: Features, y: NDArray[np.int64], classes: int, settings: Settings) -> Self:
        return cls(x.shape[1], x.shape[2], settings)

    @property
    def dimension(self) -> int:
        return self.features * self.settings.levels

    def encode_band(self, x: Features, band: int) -> Bits:
        bits = self.settings.levels
        return codebook(self.code, bits)[levels(self.code, bits, x)].reshape(len(x), -1)


class Thermometer(LevelCode):
    name = code = "thermometer"
    description = "as many leading ones as the feature is high; 3 standard deviations of the sample to either side"


class Gray(LevelCode):
    name = code = "gray"
    description = "two bits flip from level to level, d (d - 1) / 2 levels of d bits"

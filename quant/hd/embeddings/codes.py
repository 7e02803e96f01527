"""Codes: every feature by itself becomes a word of bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from quant.graph import GraphBuilder
from quant.hd.embedding import Bits, Embedding, Features, columns
from quant.hd.settings import Settings
from quant.ops import LevelEncode
from quant.ops.level_encode import Code


class LevelCode(Embedding):
    """Feature i has bits i d .. i d + d - 1 of its band's vector, d being ``settings.levels``; nothing is learned."""

    code: ClassVar[Code]
    sizes = "levels"

    @classmethod
    def fit(cls, x: Features, y: NDArray[np.int64], classes: int, settings: Settings) -> Self:
        return cls(x.shape[2], x.shape[1], settings)

    @property
    def dimension(self) -> int:
        return self.features * self.settings.levels

    @property
    def encoder(self) -> LevelEncode:
        return LevelEncode(self.code, self.settings.levels)

    def encode_band(self, x: Features, band: int) -> Bits:
        return self.encoder.words(self.encoder.level_of(x.astype(np.int64))).reshape(len(x), -1)

    def add(self, builder: GraphBuilder, features: str) -> str:
        return builder.add("levels", self.encoder, columns(builder, features, self.bands))


class Thermometer(LevelCode):
    name = code = "thermometer"
    description = "as many leading ones as the feature is high, levels over three standard deviations of the sample"


class Gray(LevelCode):
    name = code = "gray"
    description = (
        "two bits flip from level to level, d (d - 1) / 2 levels of d bits over one standard deviation of the sample"
    )
    usual: ClassVar[Mapping[str, int]] = {"levels": 5}  # with many, nearly all values are at one of both ends

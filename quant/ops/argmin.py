"""Index of the smallest value along an axis."""

from __future__ import annotations

import numpy as np

from quant.dtypes import DType
from quant.ops.argmax import Extreme
from quant.ops.base import IntArray


class ArgMin(Extreme):
    """s32 index of the smallest value along ``axis``, of s8 or s32."""

    kind = "argmin"
    roots = ("ArgMin",)
    dtypes = (DType.S8, DType.S32)

    @staticmethod
    def index(values: IntArray, axis: int) -> IntArray:
        return np.argmin(values, axis=axis, keepdims=True)

"""Collects ONNX nodes and initializers while the operators write themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from quant.interchange.local_function import DOMAIN
from quant.requant import Requant

ELEMENT = {"s8": TensorProto.INT8, "s16": TensorProto.INT16, "s32": TensorProto.INT32, "b1": TensorProto.BOOL}


class Writer:
    """Receives what one graph writes; ``layer`` names the node being written."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.layer = ""
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []

    def constant(self, name: str, values: NDArray | np.generic) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(np.shape(values)), name))
        return name

    def node(self, op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        """Append a node; ``edgekit.X`` selects a function. The first node of a layer carries the layer's name."""
        domain, _, short = op_type.rpartition(".")
        first = not any(n.name == self.layer for n in self.nodes)
        name = self.layer if first else f"{self.layer}/{short}"
        if domain == DOMAIN and short in ("RequantAdd", "Requant"):
            attributes.setdefault("to", TensorProto.INT8)
        self.nodes.append(helper.make_node(short, inputs, [output], name=name, domain=domain, **attributes))

    def requant(self, requant: Requant, acc: str, output: str, broadcast: tuple[int, ...]) -> None:
        """``edgekit.Requant(acc, m, a, s)``; per-channel factors get the shape ``broadcast``."""
        shape = () if requant.channels is None else broadcast
        factors = [self.constant(f"{output}.{name}", getattr(requant, name).reshape(shape)) for name in ("m", "a", "s")]
        tail = {
            "zero_point": requant.zero_point,
            "lo": requant.lo,
            "hi": requant.hi,
            "to": ELEMENT[requant.dtype.value],
        }
        self.node("edgekit.Requant", [acc, *factors], output, **tail)

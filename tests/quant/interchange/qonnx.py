"""Writing QONNX models by hand, and running them in ONNX' reference evaluator with the quantizer's definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

DOMAIN = "qonnx.custom_op.general"


class BipolarQuant(OpRun):
    op_domain = DOMAIN

    def _run(self, x: NDArray, scale: NDArray) -> tuple[NDArray]:
        return (np.where(x >= 0, scale, -scale).astype(np.float32),)


def evaluate(model: ModelProto, x: NDArray) -> list[NDArray]:
    """Outputs of one sample (1, ...)."""
    session = ReferenceEvaluator(model, new_ops=[BipolarQuant])
    return list(session.run(None, {model.graph.input[0].name: x.astype(np.float32)}))


class Sheet:
    """Collects the nodes of one model; every method returns the name of the tensor it makes."""

    def __init__(self, *shape: int | str, element: int = TensorProto.FLOAT) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray] = {}
        self.inputs = [helper.make_tensor_value_info("x", element, list(shape))]

    def constant(self, values: ArrayLike, dtype: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(values, dtype)
        return name

    def node(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op_type.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def bits(self, x: str, scale: ArrayLike = 1.0) -> str:
        return self.node("BipolarQuant", x, self.constant(scale), domain=DOMAIN)

    def weight(self, values: ArrayLike, scale: ArrayLike = 1.0) -> str:
        return self.bits(self.constant(values), scale)

    def model(self, *outputs: str) -> ModelProto:
        constants = [numpy_helper.from_array(values, name) for name, values in self.constants.items()]
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "bits", self.inputs, made, constants)
        imports = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=10)

"""Writing QCDQ models by hand, and evaluating them in float64: an oracle that knows nothing of integer graphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

F32 = np.float32
UNSIGNED = np.uint8


class Sheet:
    """Collects the nodes of one model; every method returns the name of the tensor it makes."""

    def __init__(self, *shape: int, element: int = TensorProto.FLOAT) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray] = {}
        self.inputs = [helper.make_tensor_value_info("x", element, [1, *shape])]

    def constant(self, values: ArrayLike, dtype: Any = None, name: str = "") -> str:
        name = name or f"c{len(self.constants)}"
        self.constants[name] = np.asarray(values, dtype)
        return name

    def node(self, op_type: str, *inputs: str, name: str = "", outputs: Sequence[str] = (), **attributes: Any) -> str:
        name = name or f"{op_type.lower()}{len(self.nodes)}"
        made = helper.make_node(op_type, inputs, list(outputs) or [f"{name}_out"], name=name, **attributes)
        self.nodes.append(made)
        return made.output[0]

    def qdq(
        self, x: str, scale: float, zero: int = 0, dtype: Any = UNSIGNED, clip: tuple[int, int] | None = None
    ) -> str:
        """QuantizeLinear, Clip where given, DequantizeLinear."""
        parameters = [self.constant(scale, F32), self.constant(zero, dtype)]
        y = self.node("QuantizeLinear", x, *parameters)
        if clip is not None:
            y = self.node("Clip", y, *(self.constant(bound, dtype) for bound in clip))
        return self.node("DequantizeLinear", y, *parameters)

    def weight(self, values: NDArray, scales: ArrayLike, axis: int = 0, dtype: Any = np.int8) -> str:
        """Integers behind DequantizeLinear; one scale, or one per slice along ``axis``."""
        steps = np.asarray(scales, F32)
        zeros = self.constant(np.zeros(steps.shape), dtype)
        operands = (self.constant(values, dtype), self.constant(steps), zeros)
        return self.node("DequantizeLinear", *operands, axis=axis)

    def bias(self, values: NDArray, x_scale: float, w_scales: ArrayLike) -> str:
        """int32 at input scale * weight scale, multiplied in float32."""
        steps = np.broadcast_to(F32(x_scale) * np.asarray(w_scales, F32), np.shape(values))
        return self.weight(values, steps, dtype=np.int32)

    def model(
        self, *outputs: str, name: str = "by-hand", element: int = TensorProto.FLOAT, **properties: str
    ) -> ModelProto:
        infos = [helper.make_tensor_value_info(output, element, None) for output in outputs]
        constants = [numpy_helper.from_array(values, name) for name, values in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, self.inputs, infos, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        helper.set_model_props(model, {"rounding": "half_up"} | properties)
        return model


def evaluate(model: ModelProto, x: NDArray) -> dict[str, NDArray]:
    """Every tensor of ``model`` for the real input ``x`` (N, *shape); quantizers round half up, in float64."""
    values: dict[str, Any] = {model.graph.input[0].name: x, "": None}
    values |= {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        values[node.output[0]] = OPERATORS[node.op_type](attributes, *(values[name] for name in node.input))
    return values


Attributes = Mapping[str, Any]


def _along(values: NDArray, attributes: Attributes, rank: int) -> NDArray:
    return values.reshape([-1 if i == attributes.get("axis", 1) else 1 for i in range(rank)]) if values.ndim else values


def _quantize(attributes: Attributes, x: NDArray, scale: NDArray, zero: NDArray) -> NDArray:
    limits = np.iinfo(zero.dtype)
    scale, zero = (_along(values, attributes, x.ndim) for values in (scale, zero))
    q = np.floor(x / scale.astype(float) + 0.5) + zero
    return np.clip(q, limits.min, limits.max).astype(zero.dtype)


def _dequantize(attributes: Attributes, q: NDArray, scale: NDArray, zero: NDArray) -> NDArray:
    scale, zero = (_along(v, attributes, q.ndim) for v in (scale.astype(float), zero.astype(float)))
    return (q.astype(float) - zero) * scale


def _padded(x: NDArray, pads: Sequence[int], value: float) -> NDArray:
    rank = len(pads) // 2
    widths = [(0, 0)] * (x.ndim - rank) + [(pads[i], pads[rank + i]) for i in range(rank)]
    return np.pad(x, widths, constant_values=value)


def _windows(x: NDArray, attributes: Attributes, kernel: Sequence[int], fill: float) -> list[tuple[Any, NDArray]]:
    rank = len(kernel)
    strides, dilations = (attributes.get(name, [1] * rank) for name in ("strides", "dilations"))
    x = _padded(x, attributes.get("pads", [0] * 2 * rank), fill)
    sizes = [(n - d * (k - 1) - 1) // s + 1 for n, k, d, s in zip(x.shape[2:], kernel, dilations, strides, strict=True)]
    found = []
    for tap in product(*map(range, kernel)):
        starts = [t * d for t, d in zip(tap, dilations, strict=True)]
        spans = zip(starts, sizes, strides, strict=True)
        index = tuple(slice(start, start + (n - 1) * s + 1, s) for start, n, s in spans)
        found.append((tap, x[(slice(None), slice(None), *index)]))
    return found


def _conv(attributes: Attributes, x: NDArray, w: NDArray, b: NDArray | None = None) -> NDArray:
    groups, per_group = attributes.get("group", 1), w.shape[1]
    outs = []
    for o, kernel in enumerate(w):
        first = o // (len(w) // groups) * per_group
        part = x[:, first : first + per_group]
        taps = _windows(part, attributes, w.shape[2:], 0.0)
        total = sum((seen * kernel[(slice(None), *tap)].reshape(-1, *[1] * (x.ndim - 2))).sum(1) for tap, seen in taps)
        outs.append(total + (0.0 if b is None else b[o]))
    return np.stack(outs, 1)


def _gemm(attributes: Attributes, x: NDArray, w: NDArray, b: NDArray | None = None) -> NDArray:
    return x @ (w.T if attributes.get("transB") else w) + (0.0 if b is None else b)


def _flat(attributes: Attributes, x: NDArray, shape: NDArray | None = None) -> NDArray:
    if x.dtype.kind == "i":  # sizes computed in the model
        return x.reshape(shape)
    return x.reshape(len(x), *((-1,) if shape is None else shape[1:]))


def _slice(_: Attributes, x: NDArray, starts: NDArray, stops: NDArray, axes: NDArray, steps: NDArray) -> NDArray:
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        x = x[(slice(None),) * int(axis) + (slice(start, stop, step),)]
    return x


def _mean(attributes: Attributes, x: NDArray) -> NDArray:
    return np.mean([seen for _, seen in _windows(x, attributes, attributes["kernel_shape"], 0.0)], axis=0)


def _maximum(attributes: Attributes, x: NDArray) -> NDArray:
    return np.max([seen for _, seen in _windows(x, attributes, attributes["kernel_shape"], -np.inf)], axis=0)


def _leaky(attributes: Attributes, x: NDArray) -> NDArray:
    return np.where(x < 0, attributes.get("alpha", 0.01) * x, x)


def _elu(attributes: Attributes, x: NDArray) -> NDArray:
    return np.where(x < 0, attributes.get("alpha", 1.0) * np.expm1(x), x)


OPERATORS: dict[str, Callable[..., Any]] = {
    "Add": lambda a, x, y: x + y,
    "ArgMax": lambda a, x: np.argmax(x, a["axis"], keepdims=True),
    "AveragePool": _mean,
    "Cast": lambda a, x: x,
    "Clip": lambda a, x, lo=None, hi=None: np.clip(x, lo, hi),
    "Concat": lambda a, *xs: np.concatenate(xs, a["axis"]),
    "ConstantOfShape": lambda a, shape: np.full(shape, numpy_helper.to_array(a["value"])[0]),
    "Conv": _conv,
    "DequantizeLinear": _dequantize,
    "Dropout": lambda a, x: x,
    "Elu": _elu,
    "Flatten": _flat,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda a, x: x.mean(axis=tuple(range(2, x.ndim)), keepdims=True),
    "Identity": lambda a, x: x,
    "LeakyRelu": _leaky,
    "MatMul": _gemm,
    "MaxPool": _maximum,
    "Pad": lambda a, x, pads, value=0: _padded(x, pads, 0.0),
    "QuantizeLinear": _quantize,
    "Relu": lambda a, x: np.maximum(x, 0.0),
    "Reshape": _flat,
    "Sigmoid": lambda a, x: 1 / (1 + np.exp(-x)),
    "Slice": _slice,
    "Squeeze": lambda a, x, axes: np.squeeze(x, tuple(axes)),
    "Tanh": lambda a, x: np.tanh(x),
    "Transpose": lambda a, x: np.transpose(x, a["perm"]),
    "Unsqueeze": lambda a, x, axes: np.expand_dims(x, tuple(axes)),
}

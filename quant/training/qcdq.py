"""The fake-quantized network as a QCDQ file (quantize - clip - dequantize), the form other tools read.

It carries the trained integers and float32 scales unchanged, so that importing it gives the integer graph of the
direct export. What QCDQ cannot say, how activations round, travels as metadata ``rounding: half_up``; tools that
ignore it round ties to even.
"""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import ModelProto, NodeProto, helper

from quant.interchange.functions import IR_VERSION
from quant.interchange.local_function import OPSET
from quant.networks.layers import Conv
from quant.networks.network import INPUT
from quant.training.export import onnx_pads
from quant.training.modules import module_name
from quant.training.quantized import QuantNetwork

COMPUTING = ("Conv", "MatMul", "Gemm", "Add", "AveragePool", "MaxPool", "Flatten")


def to_qcdq(model: QuantNetwork, info: Mapping[str, Any] | None = None) -> ModelProto:
    """Opset 18, IR 10. Nodes that compute are called like their layer; ``info`` becomes metadata ``info`` (JSON)."""
    network = model.network
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder, quiet():
        from brevitas.export import export_onnx_qcdq  # warns, on import, of a package that EdgeKit does not use

        path = Path(folder) / "model.onnx"
        # The exporter based on torch.export cannot handle quantized biases.
        export_onnx_qcdq(
            model,
            torch.zeros(1, *network.input_shape),
            export_path=str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=["output"],
        )
        proto = onnx.load(str(path))
    proto.ir_version = IR_VERSION  # onnx stamps its newest, which ONNX Runtime refuses
    proto.graph.name = network.name
    absorb_padding(proto, model)
    name_layers(proto, model)
    keep_used(proto)
    properties = {"rounding": "half_up", "info": json.dumps(dict(info or {}), sort_keys=True)}
    helper.set_model_props(proto, properties)
    onnx.checker.check_model(proto)
    return proto


def absorb_padding(proto: ModelProto, model: QuantNetwork) -> None:
    """Write the layer's padding into Conv's attribute, in place of the nodes that compute it."""
    producers = {node.output[0]: node for node in proto.graph.node}
    for step in model.network.steps:
        if not isinstance(step.layer, Conv):
            continue
        conv = next(n for n in proto.graph.node if n.op_type == "Conv" and belongs(n, step.name))
        pad = producers.get(conv.input[0])
        if pad is not None and pad.op_type == "Pad":
            conv.input[0] = pad.input[0]
        pads = onnx_pads(step.layer.geometry(len(step.shape) - 1)[3])
        next(a for a in conv.attribute if a.name == "pads").ints[:] = pads


def name_layers(proto: ModelProto, model: QuantNetwork) -> None:
    """Call the node that computes a layer like the layer."""
    for step in model.network.steps:
        for node in proto.graph.node:
            if node.op_type in COMPUTING and belongs(node, step.name):
                node.name = step.name


def belongs(node: NodeProto, step_name: str) -> bool:
    return node.name.startswith(f"/{module_name(step_name)}/")


def keep_used(proto: ModelProto) -> None:
    """Drop the outputs that are quantization parameters, and every node and constant that nothing reads then."""
    graph = proto.graph
    del graph.output[1:]
    needed = {graph.output[0].name}
    nodes = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    inputs = [value for value in graph.input if value.name == INPUT]
    for field, kept in ((graph.node, nodes[::-1]), (graph.initializer, constants), (graph.input, inputs)):
        del field[:]
        field.extend(kept)
    del graph.value_info[:]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporters: their warnings are about shapes and options that :func:`to_qcdq` settles itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)

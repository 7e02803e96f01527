"""Integer graph -> ``model.onnx``, executable by plain ONNX Runtime."""

from __future__ import annotations

import os
from pathlib import Path

from onnx import ModelProto, ValueInfoProto, helper

from quant.graph import Graph
from quant.interchange import metadata
from quant.interchange.functions import IR_VERSION, functions
from quant.interchange.local_function import DOMAIN, OPSET
from quant.interchange.writer import ELEMENT, Writer


def to_onnx(graph: Graph, batch: int = 1, all_tensors: bool = False) -> ModelProto:
    """The model as ONNX: opset 18, IR 10, integer operators only.

    Args:
        batch: size of the leading dimension; files hold 1.
        all_tensors: make every layer's output an output of the model, to compare machines layer by layer.
    """
    writer = Writer(batch)
    for node in graph.nodes:
        writer.layer = node.name
        node.op.write(writer, graph.inputs_of(node), graph.tensors[node.output])
    states_in = [state.input for state in graph.states]
    states_out = [name for state in graph.states for name in state.outputs]
    inputs = list(dict.fromkeys([*(n for e in graph.entries for n in e.inputs), *states_in]))
    outputs = list(dict.fromkeys([*(n for e in graph.entries for n in e.outputs), *states_out]))
    if all_tensors:
        outputs += [node.output for node in graph.nodes if node.output not in outputs]

    def info(name: str) -> ValueInfoProto:
        tensor = graph.tensors[name]
        return helper.make_tensor_value_info(name, ELEMENT[tensor.dtype.value], [batch, *tensor.shape])

    inner = [info(node.output) for node in graph.nodes if node.output not in outputs]
    body = helper.make_graph(
        writer.nodes,
        graph.name,
        [info(n) for n in inputs],
        [info(n) for n in outputs],
        writer.initializers,
        value_info=inner,
    )
    used = {node.op_type for node in writer.nodes if node.domain == DOMAIN}
    needed = used | ({"Rescale"} if used & {"Requant", "RequantAdd"} else set())
    model = helper.make_model(
        body,
        producer_name="edgekit",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
        functions=[function for function in functions() if function.name in needed],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, {metadata.KEY: metadata.dump(graph)})
    return model


def save(model: ModelProto, path: Path) -> None:
    """Write ``model`` so that ``path`` holds either the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

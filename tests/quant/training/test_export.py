"""The promise: what was trained, the integer graph and the QCDQ file are the same integers, on every layer."""

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from quant import networks, reference
from quant.graph import Graph
from quant.interchange.qcdq import from_qcdq
from quant.interchange.write import to_onnx
from quant.networks import PRESETS, Model
from quant.ops import Conv
from quant.training.check import Check, LayerCheck
from quant.training.export import to_graph
from quant.training.freeze import Frozen, freeze
from quant.training.layerwise import batches, quantize
from quant.training.modules import FloatNetwork
from quant.training.qcdq import to_qcdq
from quant.training.quantized import QuantNetwork
from quant.training.stages import quantized_start


def build(name: str, preset: str, toy: Model, inputs: int = 40) -> tuple[QuantNetwork, np.ndarray]:
    """A network with random weights, calibrated on the random inputs that come with it."""
    network = toy.network if name == "toy" else networks.model(name).network
    torch.manual_seed(3)
    x = torch.rand(inputs, *network.input_shape)
    model = FloatNetwork(network)
    model(x)  # running statistics
    return quantized_start(model, x, PRESETS[preset]), (1.4 * x - 0.2).numpy()


def checked(model: QuantNetwork, frozen: Frozen, graph: Graph, x: np.ndarray, chunk: int = 250) -> list[LayerCheck]:
    check, floating = Check(frozen), FloatNetwork(model.network)  # any float network: its values are not looked at
    for batch in batches(floating, model, graph, frozen.input, x, chunk):
        check.add(batch)
    return list(check.layers.values())


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize("name", ["toy", "ecg-tcn"])
def test_float64_evaluation_rounds_to_the_graph_s_integers(name: str, preset: str, toy: Model) -> None:
    model, x = build(name, preset, toy)
    frozen = freeze(model)
    graph = to_graph(frozen)
    records = checked(model, frozen, graph, x, chunk=16)
    assert [record.name for record in records] == list(frozen.layers)
    for record in records:
        assert record.values == len(x) * graph.tensors[record.name].elements
        assert record.different == record.unexplained == 0, record
        assert record.float32_different <= 0.01 * record.values + 1
    if preset == "int8-pot":
        assert sum(record.near_tie for record in records) > 0  # ties do occur, and round alike


def test_the_check_finds_a_wrong_bias_and_where_it_starts(toy: Model) -> None:
    model, x = build("toy", "int8", toy)
    frozen = freeze(model)
    layer = frozen.layers["depthwise"]
    wrong = dataclasses.replace(layer, bias=layer.bias + 2000)
    graph = to_graph(dataclasses.replace(frozen, layers={**frozen.layers, "depthwise": wrong}))
    records = checked(model, frozen, graph, x)
    found = {record.name: record.unexplained for record in records}
    assert found["stem"] == 0 and found["depthwise"] > 0


def test_graph_has_the_table_s_layers_and_counts(toy: Model) -> None:
    for name in ("toy", "ecg-tcn"):
        model, _ = build(name, "int8", toy, inputs=2)
        graph = to_graph(freeze(model), {"classes": ["a"]})
        network = model.network
        assert [node.name for node in graph.nodes] == [s.name for s in network.steps if "dropout" not in s.name]
        assert (graph.total_macs, graph.parameters) == (network.macs, network.weights)
        assert {n: t.shape for n, t in graph.tensors.items() if n != "input"} == {
            step.name: step.shape for step in network.steps if "dropout" not in step.name
        }
        assert graph.info == {"classes": ["a"]}


@pytest.mark.parametrize("preset", list(PRESETS))
def test_qcdq_file_carries_the_same_integers_and_scales(preset: str, toy: Model, tmp_path: Path) -> None:
    model, x = build("toy", preset, toy)
    frozen = freeze(model)
    proto = to_qcdq(model, {"seed": 7})
    assert proto.ir_version == 10 and [(o.domain, o.version) for o in proto.opset_import] == [("", 18)]
    assert {p.key: p.value for p in proto.metadata_props} == {"rounding": "half_up", "info": '{"seed": 7}'}
    assert [i.name for i in proto.graph.input] == ["input"] and len(proto.graph.output) == 1
    constants = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
    producers = {node.output[0]: node for node in proto.graph.node}
    computing = {node.name: node for node in proto.graph.node if not node.name.startswith("/")}
    assert set(computing) == {s.name for s in model.network.steps if "dropout" not in s.name}
    graph = to_graph(frozen)
    for node in graph.nodes:
        if isinstance(node.op, Conv):
            conv = computing[node.name]
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in conv.attribute}
            assert tuple(attributes["pads"]) == node.op.pads and attributes["group"] == node.op.groups
            weight, bias = producers[conv.input[1]], producers[conv.input[2]]
            integers = constants[producers[weight.input[0]].input[0]]
            assert integers.dtype == np.int8 and np.array_equal(integers, node.op.weight)
            assert np.array_equal(constants[weight.input[1]], frozen.layers[node.name].weight_steps)
            assert constants[bias.input[0]].dtype == np.int32 and np.array_equal(constants[bias.input[0]], node.op.bias)
    steps = {constants[n.input[1]].item() for n in proto.graph.node if n.op_type == "QuantizeLinear"}
    assert steps == {frozen.input.step, *(layer.output.step for layer in frozen.layers.values())}
    onnx.save(proto, tmp_path / "model.onnx")
    options = onnxruntime.SessionOptions()
    # Optimised, it multiplies u8 by s8 with saturating instructions on some processors.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", options)
    outputs = np.concatenate([session.run(None, {"input": row[None]})[0] for row in x])
    exact = reference.run(graph, {"input": quantize(x, frozen.input)})["scores"] * graph.tensors["scores"].scale
    # QCDQ runtimes compute in float32 and round ties to even, so a few values are a step or two off.
    assert np.mean(np.abs(outputs - exact) > 0.5 * graph.tensors["scores"].scale) < 0.1


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize("name", ["toy", "ecg-tcn"])
def test_importing_the_qcdq_file_gives_the_graph_of_the_direct_export(name: str, preset: str, toy: Model) -> None:
    model, _ = build(name, preset, toy)
    info = {"seed": 7}
    imported = from_qcdq(onnx.load_from_string(to_qcdq(model, info).SerializeToString()))
    direct = to_graph(freeze(model), info)
    assert to_onnx(imported).SerializeToString(deterministic=True) == to_onnx(direct).SerializeToString(
        deterministic=True
    )

"""Models that cannot be used: each kind has its message, saying what, where, what is supported and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from quant.errors import Problem, UserError
from quant.graph import GraphBuilder
from quant.interchange.read import from_proto, read_model
from quant.interchange.write import to_onnx
from quant.ops import Conv, Requantize
from quant.requant import Requant
from tests.quant.models import every_operator

NOISE = bytes(range(256)) * 4


def problems(model: ModelProto) -> list[Problem]:
    with pytest.raises(UserError) as caught:
        from_proto(model)
    return caught.value.problems


def one(model: ModelProto) -> Problem:
    (problem,) = problems(model)
    return problem


def whole(spatial: int = 1) -> ModelProto:
    return to_onnx(every_operator(spatial).build())


def node(model: ModelProto, name: str) -> NodeProto:
    return next(n for n in model.graph.node if n.name == name)


def constant(model: ModelProto, name: str) -> TensorProto:
    return next(t for t in model.graph.initializer if t.name == name)


def put(model: ModelProto, name: str, values: Any) -> None:
    """Replace an initializer."""
    constant(model, name).CopyFrom(numpy_helper.from_array(np.asarray(values), name))


def attribute(model: ModelProto, name: str, key: str, value: Any) -> None:
    found = node(model, name)
    kept = [a for a in found.attribute if a.name != key]
    del found.attribute[:]
    found.attribute.extend([*kept, helper.make_attribute(key, value)])


def float_model(*nodes: NodeProto) -> ModelProto:
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in ("x", "y")]
    graph = helper.make_graph(list(nodes) or [helper.make_node("Relu", ["x"], ["y"])], "float", info[:1], info[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


@pytest.mark.parametrize(
    "content", [b"", b"hello, this is no model", NOISE, b"\x7fELF\x02\x01\x01" + bytes(200), b"{}\n"]
)
def test_not_an_onnx_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_model(path)
    (problem,) = caught.value.problems
    assert "no ONNX graph" in problem.what or "not an ONNX model" in problem.what
    assert str(path) in problem.where and problem.supported and problem.fix


def test_truncated_file(tmp_path: Path) -> None:
    data = whole().SerializeToString()
    for length in (10, len(data) // 2, len(data) - 1):
        (tmp_path / "model.onnx").write_bytes(data[:length])
        with pytest.raises(UserError, match="cut off"):
            read_model(tmp_path / "model.onnx")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"file .*nothing.onnx: there is no such file"):
        read_model(tmp_path / "nothing.onnx")
    with pytest.raises(UserError, match="there is no such file"):
        read_model(tmp_path)


def test_float_model_without_quantization() -> None:
    problem = one(float_model())
    assert "float model" in problem.what and "edgekit quantize" in problem.fix and problem.where == "graph 'float'"


def test_unsupported_operator() -> None:
    model = whole()
    node(model, "largest").op_type = "LpPool"
    problem = one(model)
    assert problem.what == "operator LpPool is not supported" and problem.where == "node 'largest' (LpPool)"
    assert "MaxPool" in problem.supported and problem.fix


@pytest.mark.parametrize(
    ("op_type", "hint"), [("Softmax", "argmax"), ("QLinearConv", "QCDQ"), ("Sigmoid", "edgekit.Table")]
)
def test_unsupported_operator_with_a_rewrite(op_type: str, hint: str) -> None:
    model = whole()
    node(model, "largest").op_type = op_type
    assert hint in one(model).fix


@pytest.mark.parametrize(
    ("name", "key", "value", "words"),
    [
        ("stem", "auto_pad", "SAME_UPPER", "attribute auto_pad = SAME_UPPER is not supported"),
        ("largest", "ceil_mode", 1, "attribute ceil_mode = 1 is not supported"),
        ("largest", "dilations", [2], "attribute dilations = [2] is not supported"),
        ("stem", "tiles", 3, "attribute tiles = 3 is not supported"),
        ("stem", "strides", [0], "attribute strides is [0]"),
        ("stem", "strides", [1, 1], "attribute strides has 2 values [1, 1]"),
        ("stem", "strides", 1, "attribute strides = 1"),
        ("stem", "pads", [-4, 0], "attribute pads is [-4, 0]"),
        ("stem", "group", 2, "attribute group is 2 with 3 input channels"),
        ("stem", "kernel_shape", [5], "attribute kernel_shape is [5], the weight's is [3]"),
        ("flat", "allowzero", 1, "attribute allowzero = 1 is not supported"),
        ("concat", "axis", 0, "attribute axis is 0, the batch"),
        ("concat", "axis", 7, "attribute axis is 7"),
        ("class", "select_last_index", 1, "attribute select_last_index = 1 is not supported"),
        ("class", "keepdims", 0, "attribute keepdims = 0 is not supported"),
        ("pad", "mode", "reflect", "attribute mode = reflect is not supported"),
        ("widen", "to", 7, "attribute to = 7 is not supported"),
        ("widen/Requant", "to", 6, "attribute to = 6 is not supported"),
        ("mean", "group", 3, "its input 'ones' has shape (12, 1, 3)"),
    ],
)
def test_unsupported_attribute(name: str, key: str, value: Any, words: str) -> None:
    model = whole()
    attribute(model, name, key, value)
    problem = one(model)
    assert words in problem.what and f"node '{name.split('/')[0]}'" in problem.where and problem.supported


def test_long_values_are_cut_in_messages() -> None:
    model = whole()
    attribute(model, "stem", "tiles", "t" * 5000)
    attribute(model, "largest", "graph", whole().graph)
    assert all(len(problem.what) < 120 for problem in problems(model))


@pytest.mark.parametrize("shape", [[1, 3, 4, 4, 4], [1], [], [3, 20], [2, 3, 20]])
def test_wrong_rank_of_an_input(shape: list[int]) -> None:
    model = whole()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.INT8, shape))
    problem = one(model)
    assert f"shape {shape} has the wrong rank or a batch other than 1" in problem.what
    assert problem.where == "input 'x'" and "[1, C, L]" in problem.supported and problem.fix


def test_wrong_rank_inside() -> None:
    model = whole()
    put(model, "flat.shape", np.array([1, 5, -1]))
    problem = one(model)
    assert "shape (5, 8), rank 2 without batch" in problem.what and problem.where == "node 'scores' (dense)"
    assert problem.supported == "(F)" and "Reshape" in problem.fix


@pytest.mark.parametrize("size", ["N", None])
def test_dynamic_shape(size: str | None) -> None:
    for place, shown in ((0, "['?', 3, 20]"), (2, "[1, 3, '?']")):
        model, shape = whole(), [1, 3, 20]
        shape[place] = size  # type: ignore[call-overload]
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.INT8, shape))
        problem = one(model)
        assert problem.what == f"shape {shown} is dynamic" and "fixed sizes" in problem.fix


def test_no_shape_at_all() -> None:
    model = whole()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    assert one(model).what == "shape unknown is dynamic"


@pytest.mark.parametrize("scale", ["NaN", "Infinity", "-Infinity", "1e300", "0", "-0.5", '"big"', "true", "[1]"])
def test_scales_that_are_no_numbers(scale: str) -> None:
    model = whole()
    for name in ("x", "add"):
        content = json.loads(model.metadata_props[0].value)
        content["tensors"][name]["scale"] = "SCALE"
        changed = ModelProto()
        changed.CopyFrom(model)
        changed.metadata_props[0].value = json.dumps(content).replace('"SCALE"', scale)
        found = problems(changed)
        assert any("scale" in problem.what and name in problem.what for problem in found)


def test_zero_points_out_of_range() -> None:
    model = whole()
    attribute(model, "add", "zero_point", 128)
    assert "zero point 128" in problems(model)[0].what


def test_zero_points_that_contradict_each_other() -> None:
    model = whole()
    put(model, "depthwise.x_zero_point", np.int8(0))
    problem = one(model)
    assert problem.what == "it takes input 'stem' to have zero point 0, which is -128" and "depthwise" in problem.where


def test_metadata_that_contradicts_the_operators() -> None:
    model = whole()
    model.metadata_props[0].value = model.metadata_props[0].value.replace('"zero_point": -5', '"zero_point": 5')
    assert one(model).what == "the metadata gives zero point 5, its operator -5"


def test_weights_out_of_range() -> None:
    model = whole()
    weight = numpy_helper.to_array(constant(model, "stem.weight")).copy()
    weight[0, 0, 0] = -128
    put(model, "stem.weight", weight)
    problem = one(model)
    assert problem.what == "a weight is -128" and problem.supported == "-127..127" and "narrow range" in problem.fix


def test_values_outside_their_element_type() -> None:
    model = whole()
    broken = TensorProto(name="stem.weight", data_type=TensorProto.INT8, dims=[6, 3, 3], int32_data=[200] * 54)
    constant(model, "stem.weight").CopyFrom(broken)
    assert "values outside its type int8" in one(model).what


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("stem.weight", np.zeros((6, 3, 3), np.uint8), "constant 'stem.weight' (weight) has type uint8"),
        ("stem.weight", np.zeros((6, 3, 3), np.float32), "has type float32"),
        ("stem.weight", np.zeros((6,), np.int8), "weight has shape (6,)"),
        ("stem.weight", np.zeros((6, 3, 0), np.int8), "the weight's is [0]"),
        ("stem.bias", np.zeros((20,), np.int32), "bias has shape (20,)"),
        ("stem.bias", np.zeros((1, 1, 6), np.int32), "bias has shape (1, 1, 6)"),
        ("stem.m", np.zeros((6,), np.int64), "m has shape (6,)"),
        ("stem.s", np.full((6, 1), 63), "s is outside 1..62"),
        ("stem.m", np.full((6, 1), 1 << 31), "m is outside int32"),
        ("mean.ones", np.full((12, 1, 3), 2, np.int8), "its input 'ones' holds other values"),
        ("narrow.m", np.zeros(3, np.int64), "m has 3 values"),
        ("copy.steps", np.array([1, 0]), "steps are [1, 0]"),
        ("copy.axes", np.array([1, 1]), "axes is [1, 1]"),
        ("copy.starts", np.array([1]), "starts, ends, axes and steps have [1, 2, 2, 2] values"),
        ("pad.pads", np.array([1, 0, 1, 0, 0, 2]), "pad the batch"),
        ("pad.pads", np.array([0, 0, 1]), "pads has 3 values"),
        ("pad.value", np.int8(0), "it takes input 'copy' to have zero point 0, which is 5"),
        ("flat.shape", np.array([2, -1]), "shape [2, -1] changes the batch dimension"),
        ("flat.shape", np.array([1, 7, -1]), "does not fit an input of 40 elements"),
        ("table.table", np.zeros(255, np.int8), "the table has shape (255,)"),
        ("scores.weight", np.zeros((41, 5), np.int8), "weight (41, 5) does not fit an input of 40 values"),
    ],
)
def test_constants_that_do_not_fit(name: str, values: np.ndarray, words: str) -> None:
    model = whole()
    put(model, name, values)
    found = problems(model)
    assert any(words in problem.what for problem in found), [str(p) for p in found]
    assert all(name.split(".")[0] in problem.where for problem in found)


def test_constants_that_cannot_be_read() -> None:
    for change, words in (
        ({"raw_data": b"abc"}, "cannot be read"),
        ({"dims": [-1]}, "has shape [-1]"),
        ({"data_location": TensorProto.EXTERNAL}, "has its data in another file"),
        ({"data_type": 99}, "cannot be read"),
    ):
        model = whole()
        for key, value in change.items():
            constant(model, "stem.weight").ClearField(key)  # type: ignore[arg-type]
            constant(model, "stem.weight").MergeFrom(TensorProto(**{key: value}))
        assert words in one(model).what


def test_possible_overflow() -> None:
    model = whole()
    put(model, "scores.bias", np.full(5, 2**31 - 1, np.int32))
    problem = one(model)
    assert "channel 0: the accumulator can reach" in problem.what and "beyond int32" in problem.what
    assert problem.where == "node 'scores' (dense)" and problem.supported and problem.fix


def test_cyclic_graph() -> None:
    model = whole()
    node(model, "copy").input[0] = "pad"
    problem = one(model)
    assert "nodes 'copy', 'pad'" in problem.what and "form a cycle" in problem.what and "state" in problem.fix


def test_dangling_input() -> None:
    model = whole()
    node(model, "copy").input[0] = "ghost"
    problem = one(model)
    assert problem.what == "input 'ghost' is not produced by any node" and problem.where == "node 'copy' (Slice)"


def test_dangling_output() -> None:
    model = whole()
    model.graph.output.append(helper.make_tensor_value_info("ghost", TensorProto.INT8, [1, 4]))
    assert str(one(model)).startswith("output 'ghost': it is never produced")


def test_missing_inputs() -> None:
    model = whole()
    del node(model, "add").input[1:]
    del node(model, "stem").input[1:]
    assert sorted((p.what for p in problems(model)), reverse=True) == ["it has 1 inputs", "input 1 (weight) is missing"]


def test_an_accumulator_that_is_not_requantized() -> None:
    model = whole()
    model.graph.output.append(helper.make_tensor_value_info("stem.acc", TensorProto.INT32, [1, 6, 20]))
    found = problems(model)
    assert any("its int32 result" in p.what and p.where == "node 'stem' (ConvInteger)" for p in found)


def test_functions_with_another_meaning() -> None:
    model = whole()
    function = next(f for f in model.functions if f.name == "Requant")
    function.node[1].op_type = "Add"
    problem = one(model)
    assert problem.where == "function 'edgekit.Requant'" and "not the one EdgeKit defines" in problem.what


def test_outputs_that_are_stated_otherwise() -> None:
    model = whole()
    output = next(o for o in model.graph.output if o.name == "scores")
    output.CopyFrom(helper.make_tensor_value_info("scores", TensorProto.INT8, [1, 1, 5]))
    assert one(model).what == "the model states shape [1, 1, 5] and computes [1, 5]"
    output.CopyFrom(helper.make_tensor_value_info("scores", TensorProto.INT16, [1, 5]))
    assert "another element type" in one(model).what


@pytest.mark.parametrize("version", [1, 12, 99])
def test_opset(version: int) -> None:
    model = whole()
    model.opset_import[0].version = version
    problem = one(model)
    assert problem.what == f"ONNX opset {version} is not supported" and "18" in problem.fix


def test_text_that_is_not_utf8() -> None:
    data = whole().SerializeToString().replace(b"shortcut", b"short\xff\xfet")
    assert "not UTF-8" in one(ModelProto.FromString(data)).what


def test_names_used_twice() -> None:
    model = whole()
    model.graph.initializer.append(constant(model, "stem.weight"))
    assert str(one(model)).startswith("constant 'stem.weight': it is defined more than once")
    model = whole()
    node(model, "pad").output[0] = "copy"
    assert any("used 2 times" in p.what and p.where == "tensor 'copy'" for p in problems(model))


def test_nodes_without_output() -> None:
    model = whole()
    del node(model, "copy").output[:]
    assert one(model).what == "it has no output"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: "not json", "it is not JSON"),
        (lambda c: "[" * 100_000, "it is not JSON"),
        (lambda c: [], "unknown format"),
        (lambda c: c | {"format": 2}, "unknown format"),
        (lambda c: c | {"tensors": 3}, "tensors is missing or has the wrong type"),
        (lambda c: c | {"tensors": {"x": 3}}, "tensors.x is not an object"),
        (lambda c: c | {"tensors": {"x": {"zero_point": "7"}}}, "tensors.x.zero_point"),
        (lambda c: c | {"info": []}, "info is missing or has the wrong type"),
        (lambda c: c | {"entries": [{"name": "infer"}, 3]}, "entries holds other things"),
        (lambda c: c | {"entries": [{"inputs": [], "outputs": []}]}, "entries.0.name"),
        (lambda c: c | {"entries": [{"name": "a", "inputs": [3], "outputs": []}]}, "entries.0.inputs"),
        (lambda c: c | {"states": [{"input": "x"}]}, "states.0.initial"),
        (lambda c: c | {"states": [{"input": "x", "output": "y", "storage": "ram", "initial": "xyz"}]}, "hexadecimal"),
        (
            lambda c: c | {"states": [{"input": "x", "output": "y", "storage": "disk", "initial": ""}]},
            "storage is 'disk'",
        ),
        (lambda c: c | {"states": [{"input": "x", "output": "y", "storage": "ram", "initial": "00"}]}, "60 bytes"),
        (lambda c: c | {"states": [{"input": "q", "output": "y", "storage": "ram", "initial": ""}]}, "not an input"),
    ],
)
def test_metadata(change: Callable[[Any], Any], words: str) -> None:
    model = whole()
    content = change(json.loads(model.metadata_props[0].value))
    model.metadata_props[0].value = content if isinstance(content, str) else json.dumps(content)
    found = problems(model)
    assert words in found[0].what + found[0].supported and found[0].supported + found[0].fix


def test_element_type_of_an_input() -> None:
    model = whole()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    problem = one(model)
    assert problem.what == "element type UINT8 is not supported" and "int8" in problem.supported


def test_every_problem_of_a_model_in_one_run() -> None:
    model = whole()
    node(model, "largest").op_type = "LpPool"
    attribute(model, "pad", "mode", "reflect")
    put(model, "stem.weight", np.full((6, 3, 3), -128, np.int8))
    put(model, "depthwise.bias", np.full((12, 1), 2**31 - 1, np.int32))
    node(model, "shortcut").input[0] = "ghost"
    model.graph.output.append(helper.make_tensor_value_info("nowhere", TensorProto.INT8, [1, 4]))
    found = problems(model)
    assert {p.where.split("'")[1] for p in found} == {"largest", "pad", "stem", "depthwise", "shortcut", "nowhere"}
    text = str(UserError(found))
    assert text.count("\n") >= len(found) and all(str(problem) in text for problem in found)


def sizes(*layers: Conv | Requantize) -> Sequence[int]:
    b = GraphBuilder("g")
    name = b.input("x", (1, 8))
    for i, op in enumerate(layers):
        name = b.add(f"n{i}", op, name)
    b.output(name)
    return b.build().tensors[name].shape


def test_absurd_sizes() -> None:
    requant = Requant.of(1, 1, zero_point=0, lo=0, hi=0)
    wide = Conv(np.ones((1, 1, 1), np.int64), np.zeros(1, np.int64), requant, (1,), (1,), (0, 1 << 40))
    with pytest.raises(UserError, match="bytes"):
        sizes(wide)
    assert sizes(Requantize(requant)) == (1, 8)

"""``model.onnx``: integer standard operators only, the same bytes again, everything back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.inliner
import pytest
from hypothesis import HealthCheck, given, settings
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

from quant.dtypes import DType
from quant.graph import Entry, Graph, GraphBuilder, State
from quant.interchange.model import load
from quant.interchange.read import from_onnx, read_model
from quant.interchange.write import save, to_onnx
from quant.ops import Slice
from quant.reference import run
from tests.quant.machines import onnx_runtime
from tests.quant.models import every_operator
from tests.quant.strategies import graphs, inputs_of

INTEGERS = {
    TensorProto.INT8,
    TensorProto.INT16,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.UINT64,
    TensorProto.BOOL,
}
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def text(graph: Graph) -> bytes:
    return to_onnx(graph).SerializeToString(deterministic=True)


def same_graph(first: Graph, second: Graph) -> bool:
    facts = [
        (g.name, dict(g.tensors), g.entries, dict(g.info), [(n.name, n.inputs) for n in g.nodes])
        for g in (first, second)
    ]
    return facts[0] == facts[1] and text(first) == text(second)


@SETTINGS
@given(graphs())
def test_reading_and_writing_again_gives_the_same_bytes(graph: Graph) -> None:
    back = from_onnx(ModelProto.FromString(text(graph)))
    assert same_graph(graph, back)
    inputs = inputs_of(graph, batch=1)
    first, second = run(graph, inputs), run(back, inputs)
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("spatial", [1, 2])
def test_file_round_trip(spatial: int, tmp_path: Path) -> None:
    graph = every_operator(spatial).build()
    path = tmp_path / "deep" / "model.onnx"
    save(to_onnx(graph), path)
    assert same_graph(graph, read_model(path))
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"], "no temporary file stays"
    onnx.checker.check_model(str(path), full_check=True)


@pytest.mark.parametrize("spatial", [1, 2])
def test_versions(spatial: int) -> None:
    model = to_onnx(every_operator(spatial).build())
    assert model.ir_version == 10
    assert {(o.domain, o.version) for o in model.opset_import} == {("", 18), ("edgekit", 1)}
    for function in model.functions:
        assert {(o.domain, o.version) for o in function.opset_import} == {("", 18), ("edgekit", 1)}


def nodes(parts: GraphProto | FunctionProto) -> Iterator[NodeProto]:
    yield from parts.node


@pytest.mark.parametrize("spatial", [1, 2])
def test_only_standard_operators_on_integers(spatial: int) -> None:
    model = to_onnx(every_operator(spatial).build(), all_tensors=True)
    functions = {f.name for f in model.functions}
    every = [*nodes(model.graph), *(node for f in model.functions for node in nodes(f))]
    for node in every:
        assert (node.domain == "" and onnx.defs.has(node.op_type, 18)) or node.op_type in functions
        for attribute in node.attribute:
            assert attribute.type in (
                onnx.AttributeProto.INT,
                onnx.AttributeProto.INTS,
                onnx.AttributeProto.STRING,
            ) or (attribute.type == onnx.AttributeProto.TENSOR and attribute.t.data_type in INTEGERS)
    assert {tensor.data_type for tensor in model.graph.initializer} <= INTEGERS
    # With the functions opened, shape inference gives every tensor in the model a type: none is a float.
    flat = onnx.shape_inference.infer_shapes(onnx.inliner.inline_local_functions(model), strict_mode=True)
    assert not flat.functions
    typed = {
        v.name: v.type.tensor_type.elem_type for v in [*flat.graph.value_info, *flat.graph.output, *flat.graph.input]
    }
    made = {name for node in flat.graph.node for name in node.output}
    assert made <= set(typed) and set(typed.values()) <= INTEGERS


def test_only_the_functions_that_are_used_are_written() -> None:
    b = GraphBuilder("g")
    b.input("x", (4,))
    b.output(b.add("y", Slice(((0, 4, 1),)), "x"))
    assert not to_onnx(b.build()).functions


def test_nothing_depends_on_the_process() -> None:
    """The same bytes from processes with different hash seeds."""
    code = (
        "import sys; from tests.quant.models import every_operator as e; from quant.interchange.write import to_onnx; "
    )
    code += "sys.stdout.buffer.write(to_onnx(e(2).build()).SerializeToString())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {to_onnx(every_operator(2).build()).SerializeToString()}


def test_states_entries_and_bits_travel(tmp_path: Path) -> None:
    b = GraphBuilder("streaming", {"rate": 500})
    b.input("x", (2, 3), zero_point=-5, scale=0.5)
    b.input("ring", (2, 3), DType.S16, scale=0.25)
    b.input("flags", (11,), DType.B1)
    b.input("seen", (5,), DType.B1)
    y = b.add("y", Slice(((0, 2, 1), (1, 3, 1))), "x")
    b.state(
        State("ring", b.add("ring_next", Slice(((0, 2, 1), (0, 3, 1))), "ring"), np.arange(-3, 3).reshape(2, 3), "nvm")
    )
    b.state(State("flags", "flags", np.arange(11) % 3 == 0))
    b.entry(Entry("infer", ("x",), (y,)))
    b.entry(Entry("learn", ("x", "seen"), ("seen", "ring_next"), ("ring_next",)))
    graph = b.build()
    save(to_onnx(graph), tmp_path / "m.onnx")
    back = read_model(tmp_path / "m.onnx")
    assert same_graph(graph, back)
    for before, after in zip(graph.states, back.states, strict=True):
        assert (before.input, before.output, before.storage) == (after.input, after.output, after.storage)
        assert (
            np.array_equal(before.initial, after.initial)
            and after.initial.dtype == graph.tensors[after.input].dtype.numpy
        )
    assert back.tensors["flags"].dtype is DType.B1 and back.info == {"rate": 500}


def test_a_stateful_model_runs_as_input_output_pair() -> None:
    b = GraphBuilder("g")
    b.input("x", (2, 3))
    b.input("h", (2, 3))
    b.output(b.add("y", Slice(((0, 2, 1), (1, 3, 1))), "x"))
    b.state(State("h", b.add("h_next", Slice(((0, 2, 1), (0, 3, 1))), "h"), np.zeros((2, 3), np.int8)))
    graph = b.build()
    inputs = inputs_of(graph, batch=1)
    found, expected = onnx_runtime(to_onnx(graph), inputs), run(graph, inputs)
    assert set(found) == {"y", "h_next"} and all(np.array_equal(found[n], expected[n]) for n in found)


def test_metadata_is_plain_json() -> None:
    model = to_onnx(every_operator(1).build())
    (entry,) = model.metadata_props
    content = json.loads(entry.value)
    assert entry.key == "edgekit" and content["format"] == 1
    assert content["tensors"]["x"] == {"dtype": "s8", "scale": 0.0078125, "zero_point": -128}
    assert content["info"] == {"classes": ["a", "b", "c", "d", "e"]}


def test_model_without_metadata_is_read_by_its_operators() -> None:
    """Zero points of inputs then come from the operators that take them."""
    graph = every_operator(1).build()
    model = to_onnx(graph)
    del model.metadata_props[:]
    back = from_onnx(model)
    assert {n: (t.shape, t.zero_point) for n, t in back.tensors.items()} == {
        n: (t.shape, t.zero_point) for n, t in graph.tensors.items()
    }
    assert back.entry().outputs == graph.entry().outputs


def test_save_keeps_the_old_file_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    save(to_onnx(every_operator(1).build()), path)
    before = path.read_bytes()

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        save(to_onnx(every_operator(2).build()), path)
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    assert path.read_bytes() == before and load(path).graph.name == "every-operator-1d"

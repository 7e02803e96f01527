"""The NumPy reference against ONNX Runtime and plain integers on generated graphs; refusals of unfit inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from quant.errors import UserError
from quant.graph import Graph
from quant.ops import OPS
from quant.reference import run
from tests.quant import plain
from tests.quant.bit_models import all_bit_graphs
from tests.quant.machines import agree
from tests.quant.models import every_operator
from tests.quant.strategies import STEPS, graphs, inputs_of

OPS_ON_BITS = {type(node.op) for graph in all_bit_graphs() for node in graph.nodes}
SETTINGS = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@SETTINGS
@given(graphs())
def test_onnx_runtime_gives_the_same_bytes_on_every_tensor(graph: Graph) -> None:
    assert len(graph.nodes) >= 4
    agree(graph, inputs_of(graph))


@settings(SETTINGS, max_examples=15)
@given(graphs(most=5))
def test_plain_integers_give_the_same_values_on_every_tensor(graph: Graph) -> None:
    inputs = {name: value[-1:] for name, value in inputs_of(graph).items()}
    reference = run(graph, inputs)
    for node in graph.nodes:
        tensors = graph.inputs_of(node)
        found = plain.evaluate(node.op, [reference[t.name].astype(np.int64) for t in tensors], tensors)
        assert reference[node.output].reshape(1, -1).tolist() == found, node.name


@pytest.mark.parametrize("spatial", [1, 2])
def test_all_operators_in_one_graph(spatial: int) -> None:
    graph = every_operator(spatial).build()
    assert {type(node.op) for node in graph.nodes} | OPS_ON_BITS == set(OPS)
    values = agree(graph, inputs_of(graph))
    assert all(len(np.unique(values[node.output])) > 1 for node in graph.nodes), "every layer shows differences"


def test_strategies_know_every_operator() -> None:
    assert len(set(STEPS)) == len({type(node.op) for node in every_operator(1).build().nodes})


@pytest.mark.parametrize("graph", all_bit_graphs(), ids=lambda graph: graph.name)
def test_graphs_of_bits(graph: Graph) -> None:
    values = agree(graph, inputs_of(graph))
    for node in graph.nodes:
        tensors = graph.inputs_of(node)
        found = plain.evaluate(node.op, [values[t.name].astype(np.int64) for t in tensors], tensors)
        assert values[node.output].reshape(4, -1).tolist() == found, node.name


def test_samples_do_not_depend_on_their_batch() -> None:
    graph = every_operator(1).build()
    inputs = inputs_of(graph, batch=5)
    together = run(graph, inputs)
    for i in range(5):
        alone = run(graph, {"x": inputs["x"][i : i + 1]})
        assert all(np.array_equal(alone[name][0], together[name][i]) for name in together)


def test_empty_batch() -> None:
    result = run(every_operator(1).build(), {"x": np.zeros((0, 3, 20), np.int8)})
    assert result["scores"].shape == (0, 5)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "no value given for input 'x'"),
        ({"x": np.zeros((2, 3, 21), np.int8)}, "shape (2, 3, 21) does not fit"),
        ({"x": np.zeros((3, 20), np.int8)}, "shape (3, 20) does not fit"),
        ({"x": np.int8(3)}, "shape () does not fit"),
        ({"x": np.full((1, 3, 20), 128)}, "values 128..128 are outside s8"),
        ({"x": np.full((1, 3, 20), -129)}, "outside s8"),
        ({"x": np.zeros((1, 3, 20))}, "element type float64 is not an integer"),
        (
            {"x": np.zeros((1, 3, 20), np.int8), "y": np.zeros((1, 3), np.int8)},
            "input 'y': the graph has no such tensor",
        ),
        ({"x": np.zeros((1, 3, 20), np.int8), "stem": np.zeros((2, 6, 20), np.int8)}, "batches of [1, 2]"),
    ],
)
def test_unfit_inputs_are_refused(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        run(every_operator(1).build(), inputs)
    assert words in str(caught.value)

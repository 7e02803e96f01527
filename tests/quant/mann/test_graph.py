"""A network whose last layer gave way to bits and a class memory."""

from __future__ import annotations

import numpy as np
import pytest

from quant.errors import UserError
from quant.graph import Graph, GraphBuilder
from quant.hd.memory import ClassMemory
from quant.hd.seeds import stream
from quant.mann.graph import (
    DISTANCES,
    KEYS,
    LABEL,
    LearnedProjection,
    Projection,
    RandomProjection,
    features_tensor,
    keys_of,
    values,
    with_memory,
)
from quant.ops import Dense, Project, Table
from quant.requant import Requant
from tests.quant.machines import agree

RNG = np.random.default_rng(8)
LEARNED = LearnedProjection(RNG.integers(-127, 128, (40, 12)), RNG.integers(-5000, 5000, 40))
RANDOM = RandomProjection(70, 5)
INPUTS = RNG.integers(-128, 128, (9, 12)).astype(np.int8)


def network() -> Graph:
    """A layer and a last layer of three classes; its features have a zero point."""
    builder = GraphBuilder("network", {"macs": 7, "classes": ["a", "b", "c"]})
    x = builder.add("flat", Table(RNG.permutation(np.arange(-128, 128)), -100), builder.input("x", (12,), scale=0.5))
    requant = Requant.of(1 << 30, 40, zero_point=0, lo=-128, hi=127)
    builder.output(builder.add("fc", Dense(RNG.integers(-127, 128, (3, 12)), np.zeros(3, np.int64), requant), x))
    return builder.build()


@pytest.mark.parametrize("projection", [RANDOM, LEARNED])
def test_bits_are_signs_of_the_projected_features(projection: Projection) -> None:
    graph = network()
    assert features_tensor(graph) == "flat"
    features = values(graph, "flat", INPUTS) + 100
    if isinstance(projection, LearnedProjection):
        sums = features @ projection.weight.T + projection.bias
    else:
        op = Project.sparse(70, stream(5, "projection"), 1.0, 12)
        assert set(np.unique(op.rows(12, 0, 70))) == {-1, 1}
        sums = features @ op.rows(12, 0, 70).T.astype(np.int64)
    assert np.array_equal(keys_of(graph, projection, INPUTS), sums >= 0)


def test_small_sums_keep_their_sign() -> None:
    """-1 stays below 0 although sums of 27 bits go through 16."""
    weight = np.vstack([np.full(12, 127), np.zeros(12), np.zeros(12)]).astype(np.int64)
    projection = LearnedProjection(weight, np.array([0, -1, 0]))
    assert keys_of(network(), projection, INPUTS)[:, 1:].tolist() == [[False, True]] * 9


@pytest.mark.parametrize("projection", [RANDOM, LEARNED])
def test_the_nearest_prototype_answers_on_every_machine(projection: Projection) -> None:
    graph = network()
    keys = keys_of(graph, projection, INPUTS)
    memory = ClassMemory.fit(keys, np.arange(9) % 3, 3)
    augmented = with_memory(graph, projection, memory, {"dimension": 1})
    found = agree(augmented, {"x": INPUTS})
    assert found[DISTANCES].tolist() == memory.distances(keys).tolist()
    assert found[LABEL][:, 0].tolist() == memory.predict(keys).tolist()
    assert found[KEYS].shape == keys.shape
    assert augmented.info == {"classes": ["a", "b", "c"], "model": "mann-eegnet", "dimension": 1}


def test_a_network_without_a_dense_layer_at_its_end() -> None:
    builder = GraphBuilder("other")
    builder.output(builder.add("last", Table(np.arange(-128, 128)), builder.input("x", (4,))))
    with pytest.raises(UserError, match="its last layer is table"):
        features_tensor(builder.build())

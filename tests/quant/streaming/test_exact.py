"""An exact stream gives, hop by hop, the bytes of the whole window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from quant.errors import UserError
from quant.graph import Graph
from quant.networks import MODELS
from quant.networks.eeg_tcnet import eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.network import Network
from quant.networks.order import spatial_first
from quant.reference import run_sequence
from quant.streaming import stream
from quant.training.untrained import random_graph
from tests.quant.machines import agree
from tests.quant.strategies import inputs_of
from tests.quant.streaming.streams import ALONG_TIME, hops_of, looking_back, strided, windows

EDGE, LONG, TCNET = eegnet(8, 54, 4, 3), q_eegnet(4, 256, 4), eeg_tcnet(4, 512, 4)


def check(graph: Graph, hop: int, count: int) -> Graph:
    """The step model of ``graph``, after comparing ``count`` hops."""
    step = stream(graph, hop)
    hops = hops_of(graph, hop, count)
    found, _ = run_sequence(step, {graph.inputs[0].name: hops})
    for name, expected in windows(graph, hops).items():
        np.testing.assert_array_equal(found[name], expected, err_msg=name)
    assert step.inputs[0].shape[-1] == hop
    return step


@pytest.mark.parametrize("order", [lambda network: network, spatial_first])
@pytest.mark.parametrize(
    ("network", "hop", "share"), [(EDGE, 3, 1.0), (EDGE, 9, 1.0), (LONG, 16, 0.6), (LONG, 64, 0.8), (TCNET, 64, 0.4)]
)
def test_networks_of_the_eeg_family(network: Network, hop: int, share: float, order: object) -> None:
    assert callable(order)
    graph = random_graph(order(network))
    step = check(graph, hop, 2 + graph.inputs[0].shape[-1] // hop)
    assert step.total_macs < share * graph.total_macs


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(ALONG_TIME, st.data())
def test_generated_graphs(graph: Graph, data: st.DataObject) -> None:
    hop = data.draw(st.sampled_from([1, 2, 3, 4, 6, 12]))
    try:
        stream(graph, hop)
    except UserError:
        assume(False)
    step = check(graph, hop, 6)
    agree(step, inputs_of(step))


def test_nothing_is_reused_beyond_a_pool_that_the_hop_does_not_divide() -> None:
    layers = {row["name"]: row for row in check(random_graph(LONG), 20, 3).info["streaming"]["layers"]}
    behind = [row for row in layers.values() if "no multiple of its stride" in row["why"]]
    assert behind
    assert all(row["kept"] == 0 for row in behind)
    assert any(row["kept"] for row in layers.values() if row not in behind)


def test_a_field_that_exceeds_the_window_is_refused() -> None:
    with pytest.raises(UserError, match="touches the padding") as caught:
        stream(looking_back(3), 1)
    assert "causal" in str(caught.value)


def test_ecg_tcn_keeps_its_first_blocks_and_where_nothing_is_left_it_is_refused() -> None:
    graph = random_graph(MODELS["ecg-tcn"].network)
    step = check(graph, 10, 2)
    kept = {row["name"] for row in step.info["streaming"]["layers"] if row["kept"]}
    assert {"b1.conv1", "b2.add"} <= kept
    assert not kept & {"b3.conv2", "b3.add", "fc"}, "their fields exceed the window"
    assert step.total_macs < 0.7 * graph.total_macs
    with pytest.raises(UserError, match="touches the padding"):
        stream(graph, 139)


def test_a_hop_that_no_layer_moves_by_is_refused() -> None:
    with pytest.raises(UserError, match="multiple of the first layer's stride of 3"):
        stream(strided(30, 3), 4)


def test_what_costs_more_kept_than_computed_is_refused() -> None:
    with pytest.raises(UserError, match="costs more kept"):
        stream(strided(30, 1, taps=1), 4)


@pytest.mark.parametrize(
    ("hop", "mode", "message"), [(0, "exact", "hop of 0"), (54, "exact", "hop of 54"), (3, "live", "streaming mode")]
)
def test_what_cannot_be_a_stream_is_refused(hop: int, mode: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        stream(random_graph(EDGE), hop, mode)


def test_a_stream_is_no_window() -> None:
    with pytest.raises(UserError, match="states"):
        stream(stream(looking_back(40), 4), 2)

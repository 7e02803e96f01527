"""A causal stream gives, hop by hop, the bytes of one run over the whole recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from quant.errors import UserError
from quant.graph import Graph
from quant.networks.eeg_tcnet import eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.network import Network
from quant.networks.order import spatial_first
from quant.reference import run, run_sequence
from quant.streaming import causal, stream
from quant.training.untrained import random_graph
from tests.quant.machines import agree
from tests.quant.strategies import inputs_of
from tests.quant.streaming.streams import ALONG_TIME, hops_of, joined, looking_back, windows

EDGE, LONG, TCNET = eegnet(8, 54, 4, 3), q_eegnet(4, 256, 4), eeg_tcnet(4, 512, 4)


def check(graph: Graph, hop: int, count: int) -> Graph:
    """The step model of ``graph``, after comparing ``count`` hops."""
    step = stream(graph, hop, "causal")
    hops, name = hops_of(graph, hop, count), graph.inputs[0].name
    whole = causal(graph, hop * count, hop)
    found, expected = run_sequence(step, {name: hops})[0], run(whole, {name: joined(hops)[None]})
    for now, once in zip(step.outputs, whole.outputs, strict=True):
        answers = np.stack(np.split(expected[once.name][0], count, -1)).reshape(count, -1)
        np.testing.assert_array_equal(found[now.name].reshape(count, -1), answers, err_msg=now.name)
    return step


@pytest.mark.parametrize("order", [lambda network: network, spatial_first])
@pytest.mark.parametrize(("network", "hop"), [(EDGE, 24), (LONG, 64), (TCNET, 64), (TCNET, 128)])
def test_networks_of_the_eeg_family(network: Network, hop: int, order: object) -> None:
    assert callable(order)
    graph = random_graph(order(network))
    step = check(graph, hop, 2 + graph.inputs[0].shape[-1] // hop)
    assert step.total_macs < graph.total_macs


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(ALONG_TIME, st.data())
def test_generated_graphs(graph: Graph, data: st.DataObject) -> None:
    hop = data.draw(st.sampled_from([1, 2, 3, 4, 6, 12]))
    try:
        stream(graph, hop, "causal")
    except UserError:
        assume(False)
    step = check(graph, hop, 6)
    agree(step, inputs_of(step))


@pytest.mark.parametrize("hop", [1, 4])
def test_one_long_window_is_the_recording(hop: int) -> None:
    """The model looks only back: over a recording it is the same model with a longer window."""
    graph, count = looking_back(20), 9
    hops = hops_of(graph, hop, count)
    found, _ = run_sequence(stream(graph, hop, "causal"), {"x": hops})
    for number in range(1, count + 1):
        whole = run(looking_back(number * hop), {"x": joined(hops[:number])[None]})
        np.testing.assert_array_equal(found["scores"][number - 1], whole["scores"][0])


def test_without_padding_it_is_the_window() -> None:
    """Once a whole window has been seen; this model has no padding that could differ."""
    graph, hop = looking_back(20, pads=0), 5
    hops = hops_of(graph, hop, 8)
    found, _ = run_sequence(stream(graph, hop, "causal"), {"x": hops})
    np.testing.assert_array_equal(found["scores"][3:], windows(graph, hops)["scores"][3:])


def test_a_hop_of_parts_of_positions_is_refused() -> None:
    with pytest.raises(UserError, match="multiples of 24") as caught:
        stream(random_graph(EDGE), 30, "causal")
    assert "choose 24 or 48" in str(caught.value)


def test_a_recording_of_parts_of_hops_is_refused() -> None:
    with pytest.raises(UserError, match="whole number of hops"):
        causal(random_graph(EDGE), 100, 24)

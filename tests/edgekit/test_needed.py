"""Networks of the EEG family of which only a part is computed: every layer's bytes on every kind of board."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.build import BUILD_FILE, build_graph
from deploy.layers import lower
from deploy.readout import computed_parts
from edgekit.agreement import compare
from quant.networks.eeg_tcnet import TcnetConfig, eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.order import spatial_first
from quant.training.untrained import random_graph
from tests.edgekit.machines import machine

# Pools do not divide 139 or 155 steps; the second network's TCN looks back further than its two or three steps.
NETWORKS = {
    "eegnet": eegnet(5, 139, 3),
    "q-eegnet": spatial_first(q_eegnet(4, 155, 2)),
    "eeg-tcnet": eeg_tcnet(3, 1125, 4, config=TcnetConfig(taps=9)),
    "short eeg-tcnet": spatial_first(eeg_tcnet(4, 155, 4, config=TcnetConfig(taps=9, tcn_taps=3, blocks=3))),
}
PARTS = {
    "eegnet": {"spatial": (0, 136, 1), "pointwise": (0, 16, 1)},
    "q-eegnet": {"temporal": (0, 152, 1), "pointwise": (0, 16, 1)},
    "eeg-tcnet": {
        "temporal": (0, 1120, 1),
        "b1.conv1": (1, 17, 1),
        "b1.add": (4, 17, 2),
        "b2.conv1": (10, 17, 2),
        "b2.conv2": (16, 17, 1),
    },
    "short eeg-tcnet": {"pointwise": (0, 16, 1), "b3.conv2": (1, 2, 1)},
}


CASES = [*product(NETWORKS, ("host", "stm32l475", "gap8")), ("eeg-tcnet", "gap9"), ("eeg-tcnet", "mrwolf")]


@pytest.mark.parametrize(("name", "board_name"), CASES)
def test_same_bytes_of_every_part(name: str, board_name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the export needs edgekit[train]")
    graph, out = random_graph(NETWORKS[name]), tmp_path / "out"
    built = build_graph(graph, load_board(board_name), out)
    assert computed_parts(built.facts) == computed_parts(json.loads((out / BUILD_FILE).read_text(encoding="utf-8")))
    steps = {tensor: index[-1] for tensor, index in computed_parts(built.facts).items()}
    parts = {tensor: (along.start, along.stop, along.step or 1) for tensor, along in steps.items()}
    assert PARTS[name].items() <= parts.items()
    inputs = np.random.default_rng(2).integers(-128, 128, (2, *graph.inputs[0].shape)).astype(np.int8)
    agreement = compare(graph, board_name, machine(out, board_name), inputs)
    assert agreement.different == 0, str(agreement.first)
    computed = sum(np.prod(layer["output"]["shape"]) for layer in built.facts["layers"])
    assert agreement.values <= len(inputs) * computed


def test_what_is_not_needed_is_not_executed() -> None:
    """One of 17 time steps of the last convolution, and none of the pointwise outputs that the pool drops."""
    pytest.importorskip("torch", reason="the export needs edgekit[train]")
    low = lower(random_graph(NETWORKS["eeg-tcnet"]), load_board("host"))
    macs = {layer.node.name: (low.graph.macs(layer.node), layer.executed_macs) for layer in low.layers}
    assert macs["b2.conv1"] == (17 * 12 * 12 * 4, 4 * 12 * 12 * 4)
    assert macs["b2.conv2"] == (17 * 12 * 12 * 4, 12 * 12 * 4)
    assert macs["pointwise"] == (140 * 16 * 16, 136 * 16 * 16)

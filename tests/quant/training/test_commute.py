"""Spatial-first is the same function in real numbers."""

import pytest
import torch

from quant.networks.eeg_tcnet import VARIABLE, eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.network import Network
from quant.training.commute import commuted
from quant.training.modules import FloatNetwork

NETWORKS = [
    eegnet(38, 54, 4, 3),
    eegnet(6, 90, 2, elu=False),
    q_eegnet(22, 200, 4),
    eeg_tcnet(22, 200, 4),
    eeg_tcnet(7, 130, 4, 2, VARIABLE[5]),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: f"{network.name}-{network.input_shape[1]}")
def test_both_orders_agree_in_float64(network: Network) -> None:
    torch.manual_seed(0)
    model = FloatNetwork(network).double()
    for name, value in model.state_dict().items():  # a batch norm that has learned something
        if "running" in name or (".bn." in name and value.is_floating_point()):
            value.uniform_(0.5, 2.0)
    x = torch.randn(5, *network.input_shape, dtype=torch.float64)
    other = commuted(model)
    assert "electrodes" in [step.name for step in other.network.steps]
    with torch.no_grad():
        expected, computed = model.eval()(x), other(x)
    assert (computed - expected).abs().max() <= 1e-9 * expected.abs().max()

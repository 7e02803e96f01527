"""The short cut through the front end is the same function: values, gradients and running statistics."""

import pytest
import torch
from torch.nn import functional as F

from quant.networks.eeg_tcnet import eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.network import Network
from quant.training.loop import seed_everything
from quant.training.modules import FloatNetwork

NETWORKS = [eegnet(5, 96, 3, 3), q_eegnet(3, 70, 2), eeg_tcnet(4, 80, 4)]


def one_step(network: Network, short: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Scores, gradients and state after one pass in training mode, float64."""
    seed_everything(0, "float", 0)
    model = FloatNetwork(network).double().train()
    x = torch.randn(6, *network.input_shape, dtype=torch.float64) + 0.3
    y = torch.arange(6) % network.output_shape[0]
    moments = model.moments(x)
    assert moments is not None
    scores = model(x, moments) if short else model(x)
    F.cross_entropy(scores, y).backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return scores.detach(), gradients, model.state_dict()


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_values_gradients_and_statistics_are_those_of_the_published_order(network: Network) -> None:
    (long, long_grads, long_state), (short, short_grads, short_state) = (one_step(network, s) for s in (False, True))
    torch.testing.assert_close(short, long, rtol=1e-10, atol=1e-12)
    assert set(short_grads) == set(long_grads)
    for name, gradient in long_grads.items():
        torch.testing.assert_close(short_grads[name], gradient, rtol=1e-8, atol=1e-10, msg=name)
    for name, value in long_state.items():
        torch.testing.assert_close(short_state[name], value, rtol=1e-10, atol=1e-12, msg=name)


def test_weights_are_held_within_their_norms() -> None:
    model = FloatNetwork(eegnet(5, 96, 3, 3))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(10)
    before = model.get_parameter("temporal.conv.weight").clone()
    model.constrain()
    assert model.get_parameter("spatial.conv.weight").flatten(1).norm(dim=1).max() <= 1.0001
    assert model.get_parameter("fc.dense.weight").norm(dim=1).max() <= 0.2501
    assert torch.equal(model.get_parameter("temporal.conv.weight"), before)

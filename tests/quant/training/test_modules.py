"""Torch networks built from layer tables: the same counts and shapes as the tables; batch norm merged exactly."""

import pytest
import torch
from torch import nn

from quant import networks
from quant.networks import Model
from quant.training.fold import fold_batch_norm
from quant.training.modules import FloatNetwork


@pytest.mark.parametrize("name", ["ecg-tcn", "toy"])
def test_parameters_and_shapes_are_the_table_s(name: str, toy: Model) -> None:
    network = toy.network if name == "toy" else networks.model(name).network
    model = FloatNetwork(network).eval()
    trainable = sum(p.numel() for p in model.parameters())
    running = sum(m.running_mean.numel() * 2 for m in model.modules() if hasattr(m, "running_mean"))
    assert (trainable, trainable + running) == (network.trainable, network.parameters)
    values = model.values(torch.rand(2, *network.input_shape))
    assert {step.name: tuple(values[step.name].shape[1:]) for step in network.steps} == {
        step.name: step.shape for step in network.steps
    }


def test_padding_is_causal_in_ecg_tcn() -> None:
    torch.manual_seed(0)
    model = FloatNetwork(networks.model("ecg-tcn").network).eval()
    x = torch.rand(1, 1, 140)
    later = x.clone()
    later[..., 100:] += 1
    before, after = model.values(x)["b3.add"], model.values(later)["b3.add"]
    assert torch.equal(before[..., :100], after[..., :100])
    assert not torch.equal(before[..., 100:], after[..., 100:])


def test_merging_batch_norm_changes_nothing_but_rounding(toy: Model) -> None:
    torch.manual_seed(1)
    model = FloatNetwork(toy.network)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, -2, 2)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.1, 3)
    folded = fold_batch_norm(model.eval())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    x = torch.rand(5, *toy.network.input_shape)
    with torch.no_grad():
        for name, value in model.values(x).items():
            torch.testing.assert_close(folded.values(x)[name], value, rtol=1e-4, atol=1e-5)

"""Random partition relaxation: which weights are frozen when, and to what."""

from pathlib import Path

import numpy as np
import pytest
import torch

from quant.datasets.dataset import Dataset
from quant.networks import PRESETS, Model
from quant.networks.recipe import LEAST_RPR_EPOCHS, Recipe
from quant.training.loop import Progress
from quant.training.modules import FloatNetwork
from quant.training.quantized import QuantNetwork
from quant.training.relaxation import FRACTIONS, fractions, relaxed
from quant.training.stages import quantized_start
from quant.training.train import train
from tests.quant.training.conftest import TOY

RECIPE = Recipe(batch=66, epochs=1, qat_epochs=LEAST_RPR_EPOCHS, qat="rpr")


@pytest.mark.parametrize("epochs", [LEAST_RPR_EPOCHS, 27, 100])
def test_every_fraction_gets_its_turn(epochs: int) -> None:
    plan = fractions(epochs)
    assert plan == sorted(plan) and len(plan) == epochs
    assert tuple(dict.fromkeys(plan)) == (0.0, *FRACTIONS)
    assert plan.count(0.0) == epochs // 2 and plan[-1] == 1.0


def start() -> QuantNetwork:
    torch.manual_seed(0)
    return quantized_start(FloatNetwork(TOY).eval(), torch.randn(20, *TOY.input_shape), PRESETS["int8"])


def test_the_frozen_part_is_quantized_and_the_rest_is_not() -> None:
    model = start()
    layer = model.step("stem").conv
    whole = layer.weight_quant(layer.weight).value
    optimizer = torch.optim.Adam(model.parameters())
    seen = []
    with relaxed(model, 3, LEAST_RPR_EPOCHS) as begin:
        for epoch in range(LEAST_RPR_EPOCHS):
            begin(epoch, optimizer)
            value = layer.weight_quant(layer.weight).value
            frozen = layer.weight_quant.tensor_quant.frozen
            assert torch.equal(value[frozen], whole[frozen]) and torch.equal(value[~frozen], layer.weight[~frozen])
            seen.append(int(frozen.sum()))
    assert seen == [round(fraction * layer.weight.numel()) for fraction in fractions(LEAST_RPR_EPOCHS)]
    assert torch.equal(layer.weight_quant(layer.weight).value, whole), "the quantizer is the plain one again"


def test_frozen_weights_get_no_gradient() -> None:
    model = start()
    layer = model.step("stem").conv
    with relaxed(model, 3, LEAST_RPR_EPOCHS) as begin:
        begin(LEAST_RPR_EPOCHS // 2, torch.optim.Adam(model.parameters()))
        layer.weight_quant(layer.weight).value.sum().backward()
        frozen = layer.weight_quant.tensor_quant.frozen
    assert np.all(layer.weight.grad[frozen].numpy() == 0) and np.all(layer.weight.grad[~frozen].numpy() == 1)


def test_interrupted_relaxation_goes_on_as_if_nothing_had_happened(toy: Model, blobs: Dataset, tmp_path: Path) -> None:
    train(toy, blobs, tmp_path / "whole", recipe=RECIPE)

    def stop(progress: Progress) -> None:
        if (progress.stage, progress.epoch) == ("qat", LEAST_RPR_EPOCHS * 3 // 4):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(toy, blobs, tmp_path / "cut", recipe=RECIPE, on_progress=stop)
    train(toy, blobs, tmp_path / "cut", recipe=RECIPE, resume=True)
    for name in ("qat.pt", "metrics.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name

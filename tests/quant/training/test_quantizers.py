"""Fake quantization: ranges, rounding, scales; what freezing reads from Brevitas."""

import numpy as np
import pytest
import torch
from brevitas.nn import QuantIdentity

from quant.datasets.dataset import Dataset
from quant.networks import PRESETS, Model
from quant.training.calibrate import activation_limits
from quant.training.fold import fold_batch_norm
from quant.training.freeze import freeze
from quant.training.modules import FloatNetwork
from quant.training.quantized import QuantNetwork, signed_steps
from quant.training.quantizers import activation_quantizer
from quant.training.stages import quantized_start


def quantizer(limit: float, signed: bool, preset: str = "int8") -> QuantIdentity:
    act_quant = activation_quantizer(PRESETS[preset], limit, signed)
    return QuantIdentity(act_quant=act_quant, return_quant_tensor=True).eval()


def test_activations_round_half_up() -> None:
    x = torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.49])
    assert quantizer(128.0, signed=True)(x).int().tolist() == [-2, -1, 0, 1, 2, 3, 2]


def test_activation_ranges() -> None:
    x = torch.tensor([-1e9, -1.0, 0.0, 1.0, 1e9])
    assert quantizer(255.0, signed=False)(x).int().tolist() == [0, 0, 0, 1, 255]
    assert quantizer(128.0, signed=True)(x).int().tolist() == [-128, -1, 0, 1, 127]


def test_rounding_passes_gradients_inside_the_range_only() -> None:
    x = torch.tensor([-5.0, 3.3, 400.0], requires_grad=True)
    quantizer(255.0, signed=False)(x).value.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 1.0, 0.0]


@pytest.fixture(params=list(PRESETS))
def quantized(request: pytest.FixtureRequest, toy: Model, blobs: Dataset) -> QuantNetwork:
    torch.manual_seed(0)
    x = torch.from_numpy(blobs.scale(blobs.x_train))
    return quantized_start(FloatNetwork(toy.network), x, PRESETS[request.param])


def test_frozen_integers_and_scales_fit_the_preset(quantized: QuantNetwork) -> None:
    frozen = freeze(quantized)
    largest = 2 ** (quantized.preset.weight_bits - 1) - 1
    for name, layer in frozen.layers.items():
        steps = [layer.output.step]
        if layer.weight is not None and layer.weight_steps is not None:
            rows = np.abs(layer.weight.reshape(len(layer.weight), -1)).max(axis=1)
            # The largest weight of an output channel uses the whole range; the nearest power of two misses by 2^0.5.
            expected = largest / 2**0.5 if quantized.preset.power_of_two else largest
            assert expected <= rows.min() and rows.max() <= largest, name
            assert layer.weight_steps.shape == (len(layer.weight),)
            steps += layer.weight_steps.tolist()
        assert all(step == np.float32(step) > 0 for step in steps)
        if quantized.preset.power_of_two:
            assert all(np.log2(step).is_integer() for step in steps)
        assert layer.output.signed == signed_steps(quantized.network)[name]
    assert frozen.input.step == (2**-8 if quantized.preset.power_of_two else np.float32(1) / np.float32(255))
    assert not frozen.input.signed


def test_biases_are_int32_at_the_product_of_scales(quantized: QuantNetwork) -> None:
    frozen = freeze(quantized)
    layer = frozen.layers["stem"]
    bias = quantized.step("stem").conv.bias.detach().double().numpy()
    exact = bias / (frozen.input.step * layer.weight_steps.astype(np.float64))
    assert np.abs(layer.bias - exact).max() <= 0.5 + 1e-6 * np.abs(exact).max()
    assert frozen.layers["scores"].bias is None


def test_a_dead_channel_keeps_a_usable_scale(toy: Model) -> None:
    torch.manual_seed(0)
    model = FloatNetwork(toy.network)
    with torch.no_grad():
        model.step("stem").conv.weight[2] = 0
        model.step("stem").bn.bias[2] = 3.0
    frozen = freeze(quantized_start(model, torch.rand(4, *toy.network.input_shape), PRESETS["int8"]))
    layer = frozen.layers["stem"]
    assert not layer.weight[2].any() and 0 < layer.bias[2] < 2**31 - 1
    assert layer.bias[2] * float(layer.weight_steps[2]) * frozen.input.step == pytest.approx(3.0, rel=1e-3)


def test_calibration_sees_the_largest_magnitude(toy: Model) -> None:
    torch.manual_seed(0)
    folded = fold_batch_norm(FloatNetwork(toy.network).eval())
    x = torch.rand(8, *toy.network.input_shape)
    with torch.no_grad():
        values = folded.values(x)
    limits = activation_limits(folded, x)
    assert limits["depthwise"] == values["depthwise"].abs().max().item()
    assert set(limits) == {
        "stem", "depthwise", "mean", "block.conv1", "block.conv2", "block.shortcut", "block.add", "hidden", "scores"
    }  # fmt: skip

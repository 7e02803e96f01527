"""All forms of a network, in batches: the same inputs, every layer, nothing left out."""

import numpy as np
import torch

from quant import reference
from quant.lowering import Scale
from quant.networks import PRESETS, Model
from quant.training.export import to_graph
from quant.training.freeze import freeze
from quant.training.layerwise import batches, quantize
from quant.training.modules import FloatNetwork
from quant.training.stages import quantized_start


def test_batches_together_are_one_evaluation_of_everything(toy: Model) -> None:
    torch.manual_seed(3)
    x = torch.rand(40, *toy.network.input_shape)
    floating = FloatNetwork(toy.network)
    floating(x)  # running statistics
    quantized = quantized_start(floating, x, PRESETS["int8"])
    frozen = freeze(quantized)
    graph = to_graph(frozen)
    parts = list(batches(floating.train(), quantized.train(), graph, frozen.input, x.numpy(), chunk=16))
    assert [len(part.inputs) for part in parts] == [16, 16, 8]
    expected = reference.run(graph, {"input": quantize(x.numpy(), frozen.input)})
    with torch.no_grad():  # both are in evaluation mode by now
        values, fake = floating.values(x), quantized.values(x)
    for name in frozen.layers:
        assert np.array_equal(np.concatenate([part.integer[name] for part in parts]), expected[name])
        assert torch.allclose(torch.cat([part.floating[name] for part in parts]), values[name], atol=1e-5)
        close = torch.isclose(torch.cat([part.fake[name].value for part in parts]), fake[name].value, atol=1e-5)
        assert close.float().mean() > 0.99  # another batch size may round a tie otherwise


def test_quantize_rounds_half_up_and_clips() -> None:
    unsigned = quantize(np.array([-1.0, 0.0, 0.5, 1.5, 254.4, 1e6]), Scale(1.0))
    assert unsigned.tolist() == [-128, -128, -127, -126, 126, 127]
    signed = quantize(np.array([-1e6, -0.5, 0.5, 1e6]), Scale(1.0, signed=True))
    assert signed.tolist() == [-128, 0, 1, 127]

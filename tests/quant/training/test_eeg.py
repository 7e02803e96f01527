"""Filters as the page draws them, against what the quantized network computes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from quant.datasets.dataset import Dataset
from quant.networks import MODELS
from quant.networks.eegnet import eegnet
from quant.networks.network import Network
from quant.networks.order import ORDERS, Order
from quant.networks.recipe import PRESETS
from quant.training.eeg import by_subject, eeg
from quant.training.freeze import Frozen, freeze
from quant.training.modules import FloatNetwork
from quant.training.stages import quantized_start

NETWORK = eegnet(3, 80, 2, 4)
ANSWERS = np.array([0, 1, 1, 0])


@pytest.fixture(scope="module")
def data() -> Dataset:
    x = np.random.default_rng(0).normal(size=(4, *NETWORK.input_shape)).astype(np.float32)
    y, nothing = np.array([0, 1, 0, 0]), np.float32(0)
    channels = ("C3", "Cz", "C4")
    return Dataset(
        "noise", ("left", "right"), x, y, x, y, nothing, np.float32(1), np.array([7, 7, 3, 3]), channels, 40.0
    )


def frozen(network: Network, order: Order, data: Dataset) -> Frozen:
    torch.manual_seed(0)
    return freeze(quantized_start(FloatNetwork(network).eval(), torch.from_numpy(data.x_train), PRESETS["int8"], order))


@pytest.mark.parametrize("order", ORDERS)
def test_filters_are_the_integer_network_s_in_the_published_order(order: Order, data: Dataset) -> None:
    integers = frozen(NETWORK, order, data)
    found = eeg(NETWORK, order, integers, data, ANSWERS, ANSWERS)
    assert found is not None
    assert (found["order"], found["channels"], found["fs"], found["depth"]) == (order, ["C3", "Cz", "C4"], 40.0, 2)
    assert np.shape(found["spatial"]) == (16, 3)
    assert np.shape(found["temporal"]) == (16 if order == "spatial-first" else 8, 32)
    taps, weights = np.array(found["temporal"]), np.array(found["spatial"])
    copies = 16 // len(taps)
    x = np.random.default_rng(1).normal(size=(3, 32))  # one window, as wide as the filters are long
    expected = [(x @ taps[number // copies]) @ weights[number] for number in range(16)]
    layers = [integers.layers[name] for name in ("temporal", "spatial")]
    real = [layer.weight * layer.weight_steps.reshape(-1, 1, 1, 1).astype(float) for layer in layers]
    if order == "faithful":
        maps = np.einsum("et,ft->fe", x, real[0][:, 0, 0])
        outputs = np.einsum("ce,ce->c", real[1][:, 0, :, 0], maps.repeat(2, 0))
    else:
        outputs = np.einsum("ce,et,ct->c", real[1][:, :, 0, 0], x, real[0][:, 0, 0])
    assert np.allclose(expected, outputs, rtol=1e-4, atol=1e-6)


def test_both_orders_show_the_same_filters_before_they_are_fine_tuned(data: Dataset) -> None:
    one, other = (eeg(NETWORK, order, frozen(NETWORK, order, data), data, ANSWERS, ANSWERS) for order in ORDERS)
    assert one is not None and other is not None
    for number in range(16):
        pairs = (
            (one["temporal"][number // 2], other["temporal"][number]),
            (one["spatial"][number], other["spatial"][number]),
        )
        for left, right in pairs:
            assert np.corrcoef(left, right)[0, 1] > 0.999


def test_networks_without_such_filters_and_data_without_subjects(data: Dataset) -> None:
    assert eeg(MODELS["ecg-tcn"].network, "faithful", Frozen(NETWORK, None, {}), data, ANSWERS, ANSWERS) is None
    plain = dataclasses.replace(data, subject_test=None, channels=(), fs=None)
    found = eeg(NETWORK, "faithful", frozen(NETWORK, "faithful", data), plain, ANSWERS, ANSWERS)
    assert found is not None
    assert (found["subjects"], found["channels"], found["fs"]) == ([], [], None)


def test_accuracy_by_subject() -> None:
    subjects, true = np.array([3, 7, 3, 3, 7]), np.array([0, 0, 1, 1, 1])
    floating, integer = np.array([0, 1, 1, 0, 1]), np.array([0, 0, 1, 1, 1])
    assert by_subject(subjects, true, floating, integer) == [
        {"subject": 3, "trials": 3, "float": pytest.approx(2 / 3), "int8": 1.0},
        {"subject": 7, "trials": 2, "float": 0.5, "int8": 1.0},
    ]
    assert by_subject(None, true, floating, integer) == []

"""Parameters and MACs of the EEG networks against the published tables.

A MAC is one use of a weight for one output element, padding included. Parameters include the running statistics of
batch norm (four numbers per channel), trainable ones do not (two).
"""

from __future__ import annotations

import math

import pytest

from quant.networks.eeg_tcnet import VARIABLE, eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.network import Network
from quant.networks.order import spatial_first

SAMPLES_PER_SECOND = 160  # of the recordings that EEGNet for low-power edge is reduced on


def counts(network: Network) -> dict[str, tuple[int, int]]:
    """Weights and MACs of every layer that has weights."""
    return {step.name: (step.weights, step.macs) for step in network.steps if step.weights}


def edge(channels: int, divisor: int, seconds: int, classes: int = 4) -> Network:
    """EEGNet on so many channels, down-sampled by ``divisor``."""
    return eegnet(channels, -(-SAMPLES_PER_SECOND * seconds // divisor), classes, divisor)


# EEG-TCNet: Ingolfsson et al., SMC 2020, abstract (4,272 parameters, 6.8 M MACs) and layer table.


def test_eeg_tcnet() -> None:
    network = eeg_tcnet(22, 1125, 4)
    assert network.parameters == 4_272
    assert network.trainable == 4_096
    assert network.macs == 6_849_424
    assert counts(network) == {
        "temporal": (256, 6_336_000),
        "spatial": (352, 396_000),
        "depthwise": (256, 35_840),
        "pointwise": (256, 35_840),
        "b1.conv1": (768, 13_056),
        "b1.conv2": (576, 9_792),
        "b1.shortcut": (192, 3_264),
        "b2.conv1": (576, 9_792),
        "b2.conv2": (576, 9_792),
        "fc": (48, 48),
    }


def test_eeg_tcnet_shapes_and_pads() -> None:
    shapes = {step.name: step.shape for step in eeg_tcnet(22, 1125, 4).steps}
    assert shapes["temporal"] == (8, 22, 1125)
    assert shapes["spatial"] == (16, 1, 1125)
    assert shapes["pool1"] == (16, 1, 140)
    assert shapes["pool2"] == (16, 1, 17)
    assert shapes["b2.add"] == (12, 1, 17)
    pads = {step.name: step.layer.pads for step in eeg_tcnet(22, 1125, 4).steps if hasattr(step.layer, "pads")}
    assert pads["temporal"] == ((0, 0), (15, 16))
    assert pads["depthwise"] == ((0, 0), (7, 8))
    assert pads["b1.conv1"] == ((0, 0), (3, 0))
    assert pads["b2.conv1"] == ((0, 0), (6, 0))


# The settings are those of the trained networks that were released with the paper; counts follow from its layer table.
@pytest.mark.parametrize(
    (
        "subject",
        "filters",
        "taps",
        "tcn_filters",
        "tcn_taps",
        "blocks",
        "dropout",
        "tcn_dropout",
        "parameters",
        "mmacs",
    ),
    [
        (1, 8, 32, 15, 3, 3, 0.2, 0.3, 6_144, 6.877),
        (2, 8, 64, 17, 4, 2, 0.2, 0.2, 6_793, 13.222),
        (3, 8, 64, 15, 4, 2, 0.2, 0.3, 5_815, 13.206),
        (4, 16, 32, 17, 4, 3, 0.1, 0.2, 12_171, 13.824),
        (5, 16, 32, 25, 3, 4, 0.2, 0.2, 20_526, 13.957),
        (6, 16, 32, 17, 4, 3, 0.1, 0.3, 12_171, 13.824),
        (7, 8, 32, 20, 4, 2, 0.1, 0.3, 8_184, 6.913),
        (8, 16, 32, 25, 3, 3, 0.2, 0.3, 16_526, 13.893),
        (9, 16, 32, 12, 3, 4, 0.2, 0.2, 8_176, 13.757),
    ],
)
def test_eeg_tcnet_per_subject(
    subject: int,
    filters: int,
    taps: int,
    tcn_filters: int,
    tcn_taps: int,
    blocks: int,
    dropout: float,
    tcn_dropout: float,
    parameters: int,
    mmacs: float,
) -> None:
    config = VARIABLE[subject]
    assert (config.filters, config.taps, config.tcn_filters) == (filters, taps, tcn_filters)
    assert (config.tcn_taps, config.blocks) == (tcn_taps, blocks)
    assert (config.dropout, config.tcn_dropout) == (dropout, tcn_dropout)
    network = eeg_tcnet(22, 1125, 4, config=config)
    assert network.parameters == parameters
    assert round(network.macs / 1e6, 3) == mmacs


def test_only_the_network_of_subject_2_saw_recordings_as_they_are() -> None:
    assert [subject for subject, config in VARIABLE.items() if not config.standardize] == [2]


# Q-EEGNet: Schneider et al., SMARTCOMP 2020, section II-B (2,548 trainable parameters, 13.14 M MACs) and figure 1.


def test_q_eegnet() -> None:
    network = q_eegnet(22, 1125, 4)
    assert network.parameters == 2_628
    assert network.trainable == 2_548
    assert network.macs == 13_140_768
    assert counts(network) == {
        "temporal": (512, 12_672_000),
        "spatial": (352, 396_000),
        "depthwise": (256, 35_840),
        "pointwise": (256, 35_840),
        "fc": (1_088, 1_088),
    }
    pads = {step.name: step.layer.pads for step in network.steps if hasattr(step.layer, "pads")}
    assert (pads["temporal"], pads["depthwise"]) == (((0, 0), (31, 32)), ((0, 0), (7, 8)))


# EEGNet for low-power edge: Wang et al., MeMeA 2020 (3.17 k parameters, 31.98 M MACs for 64 channels and 3 s).


def test_eegnet_64_channels_3_seconds() -> None:
    network = edge(64, 1, 3)
    assert network.input_shape == (1, 64, 480)
    assert network.parameters == 3_172
    assert network.macs == 31_979_968
    assert counts(network) == {
        "temporal": (1_024, 31_457_280),
        "spatial": (1_024, 491_520),
        "depthwise": (256, 15_360),
        "pointwise": (256, 15_360),
        "fc": (448, 448),
    }
    # The network's features as the paper counts them: the temporal filters' output and the input.
    assert features(network) == 276_480


@pytest.mark.parametrize(
    ("channels", "divisor", "seconds", "parameters", "mmacs"),
    [
        (64, 1, 3, 3_172, 31.980),
        (38, 1, 3, 2_756, 19.001),
        (19, 1, 3, 2_452, 9.516),
        (8, 1, 3, 2_276, 4.025),
        (38, 3, 2, 1_884, 1.482),
        (38, 3, 1, 1_756, 0.748),
    ],
)
def test_eegnet_reductions(channels: int, divisor: int, seconds: int, parameters: int, mmacs: float) -> None:
    network = edge(channels, divisor, seconds)
    assert network.parameters == parameters
    assert round(network.macs / 1e6, 3) == mmacs


@pytest.mark.parametrize(("seconds", "samples", "macs"), [(2, 107, 1_481_936), (1, 54, 748_064)])
def test_eegnet_for_cortex_m7_and_m4f(seconds: int, samples: int, macs: int) -> None:
    network = edge(38, 3, seconds)
    steps = {step.name: step for step in network.steps}
    assert network.input_shape == (1, 38, samples)
    assert network.macs == macs
    assert steps["temporal"].weights == 8 * 43
    assert steps["pool1"].shape[-1] == samples // 3


# Memory in KiB by channels, divisor and seconds, as published: floats of the input and of eight maps of its size.
@pytest.mark.parametrize(
    ("divisor", "channels", "kibibytes"),
    [
        (3, 19, (36.1, 71.5, 106.9)),
        (3, 27, (51.3, 101.6, 151.9)),
        (3, 38, (72.1, 143.0, 213.8)),
        (3, 64, (121.5, 240.8, 360)),
        (2, 19, (53.4, 106.9, 160.3)),
        (2, 27, (75.9, 151.9, 227.8)),
        (2, 38, (106.9, 213.8, 320.6)),
        (2, 64, (180, 360, 540)),
        (1, 19, (106.9, 213.8, 320.6)),
        (1, 27, (151.9, 303.8, 455.6)),
        (1, 38, (213.8, 427.5, 641.3)),
        (1, 64, (360, 720, 1080)),
    ],
)
def test_eegnet_memory_of_every_reduction(divisor: int, channels: int, kibibytes: tuple[float, ...]) -> None:
    computed = [4 * features(edge(channels, divisor, seconds)) / 1024 for seconds in (1, 2, 3)]
    assert computed == pytest.approx(kibibytes, abs=0.06)


def features(network: Network) -> int:
    """Elements of the input and of the temporal convolution's output."""
    return math.prod(network.input_shape) + math.prod(network.steps[0].shape)


@pytest.mark.parametrize(("classes", "parameters"), [(2, 2_946), (3, 3_059), (4, 3_172)])
def test_eegnet_classes_cost_a_row_of_the_classifier_each(classes: int, parameters: int) -> None:
    assert edge(64, 1, 3, classes).parameters == parameters


# Spatial-first, by hand: 16 sums over the electrodes, then 16 filters along time; the rest as published.
@pytest.mark.parametrize(
    ("network", "spatial", "temporal", "rest"),
    [
        (q_eegnet(22, 1125, 4), 22 * 16 * 1125, 16 * 64 * 1125, 35_840 + 35_840 + 1_088),
        (eeg_tcnet(22, 1125, 4), 22 * 16 * 1125, 16 * 32 * 1125, 6_849_424 - 6_336_000 - 396_000),
        (eegnet(38, 54, 4, 3), 38 * 16 * 54, 16 * 43 * 54, 748_064 - 38 * 8 * 43 * 54 - 38 * 16 * 54),
    ],
)
def test_spatial_first(network: Network, spatial: int, temporal: int, rest: int) -> None:
    table = spatial_first(network)
    assert counts(table)["spatial"][1] == spatial
    assert counts(table)["temporal"][1] == temporal
    assert table.macs == spatial + temporal + rest
    assert [step.shape for step in table.steps[3:]] == [step.shape for step in network.steps[2:]]

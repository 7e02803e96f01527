"""EEGNet and Q-EEGNet: temporal filters, spatial filters, a separable convolution, a classifier.

Sources: Lawhern et al., "EEGNet: a compact convolutional neural network for EEG-based brain-computer interfaces",
J. Neural Eng. 15, 2018; Wang et al., "An accurate EEGNet-based motor-imagery brain-computer interface for low-power
edge computing", IEEE MeMeA 2020 (down-sampling and channel subsets); Schneider, Wang, Hersche, Cavigelli, Benini,
"Q-EEGNet: an energy-efficient 8-bit quantized parallel EEGNet implementation for edge motor-imagery brain-machine
interfaces", IEEE SMARTCOMP 2020.
"""

from __future__ import annotations

from quant.networks.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Elu,
    Flatten,
    Initial,
    Layer,
    Pool,
)
from quant.networks.network import Network

BN = BatchNorm(eps=1e-3, momentum=0.01)  # Keras' defaults for eps and, as 1 - 0.99, for momentum
FILTERS, DEPTH = 8, 2  # temporal filters F1, spatial filters D of each


def same(taps: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pads that keep the number of time steps; of an even kernel the larger half lies behind (TensorFlow's rule)."""
    return (0, 0), ((taps - 1) // 2, taps // 2)


def time_pool(name: str, size: int) -> Pool:
    """Average over ``size`` time steps."""
    return Pool(name, kernel=(1, size), stride=(1, size))


def temporal(filters: int, taps: int, initial: Initial = "glorot") -> Conv:
    """``filters`` convolutions along time, the same for every electrode."""
    return Conv("temporal", channels=filters, kernel=(1, taps), pads=same(taps), bn=BN, initial=initial)


def spatial(
    filters: int, electrodes: int, activation: Activation = "none", max_norm: float | None = None, depth: int = DEPTH
) -> Conv:
    """``depth`` weighted sums over all electrodes of every temporal filter's output."""
    return Conv(
        "spatial",
        channels=filters * depth,
        kernel=(electrodes, 1),
        groups=filters,
        bn=BN,
        activation=activation,
        max_norm=max_norm,
        initial="glorot",
    )


def separable(channels: int, taps: int, activation: Activation = "none") -> tuple[Conv, Conv]:
    """A depthwise convolution along time and a pointwise one, with nothing in between."""
    return (
        Conv("depthwise", channels=channels, kernel=(1, taps), pads=same(taps), groups=channels, initial="glorot"),
        Conv("pointwise", channels=channels, kernel=(1, 1), bn=BN, activation=activation, initial="glorot"),
    )


def eegnet(electrodes: int, samples: int, classes: int, divisor: int = 1, *, elu: bool = True) -> Network:
    """EEGNet for low-power edge: 128 taps at 160 Hz, fewer where the signal is down-sampled.

    Args:
        divisor: by which the recording was down-sampled; taps and the first pool shrink with it.
        elu: ELU as published; otherwise ReLU.
    """
    activation: Activation = "none" if elu else "relu"

    def act(number: int) -> tuple[Layer, ...]:
        return (Elu(f"elu{number}"),) if elu else ()

    channels = FILTERS * DEPTH
    return Network(
        "eegnet",
        input_shape=(1, electrodes, samples),
        signed_input=True,
        table=(
            temporal(FILTERS, -(-128 // divisor)),
            spatial(FILTERS, electrodes, activation, max_norm=1.0),
            *act(1),
            time_pool("pool1", -(-8 // divisor)),
            Dropout("dropout1", p=0.2),
            *separable(channels, 16, activation),
            *act(2),
            time_pool("pool2", 8),
            Dropout("dropout2", p=0.2),
            Flatten("flatten"),
            Dense("fc", features=classes, bias=True, max_norm=0.25, initial="glorot"),
        ),
    )


def q_eegnet(electrodes: int, samples: int, classes: int, divisor: int = 1) -> Network:
    """Q-EEGNet: ReLU, 64 taps at 250 Hz, no weight constraints; the second dropout takes whole time steps."""
    channels = FILTERS * DEPTH
    return Network(
        "q-eegnet",
        input_shape=(1, electrodes, samples),
        signed_input=True,
        table=(
            temporal(FILTERS, -(-64 // divisor)),
            spatial(FILTERS, electrodes, "relu"),
            time_pool("pool1", -(-8 // divisor)),
            Dropout("dropout1", p=0.5),
            *separable(channels, 16, "relu"),
            time_pool("pool2", 8),
            Dropout("dropout2", p=0.5, kind="time"),
            Flatten("flatten"),
            Dense("fc", features=classes, bias=True, initial="glorot"),
        ),
    )

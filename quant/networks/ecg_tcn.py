"""ECG-TCN, the PyTorch variant: a temporal convolutional network over one heartbeat of 140 samples.

All convolutions are causal (padded on the left only) with 11 taps and without bias; the receptive field is 141 samples.
Source: Ingolfsson, Wang, Hersche, Burrello, Cavigelli, Benini, "ECG-TCN: Wearable Cardiac Arrhythmia Detection with a
Temporal Convolutional Network", IEEE AICAS 2021.
"""

from __future__ import annotations

from quant.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, Residual
from quant.networks.network import Network

TAPS = 11


def conv(name: str, channels: int, dilation: int = 1, taps: int = TAPS) -> Conv:
    """Causal convolution -> batch norm -> ReLU."""
    return Conv(
        name,
        channels=channels,
        kernel=taps,
        dilation=dilation,
        pads=((taps - 1) * dilation, 0),
        bn=BatchNorm(),
        activation="relu",
    )


def block(name: str, dilation: int, shortcut: tuple[Conv, ...] = ()) -> Residual:
    body = (
        conv("conv1", 11, dilation),
        Dropout("dropout1", p=0.3),
        conv("conv2", 11, dilation),
        Dropout("dropout2", p=0.3),
    )
    return Residual(name, body, shortcut, activation="relu")


ECG_TCN = Network(
    "ecg-tcn",
    input_shape=(1, 140),
    table=(
        conv("conv0", 2),
        block("b1", dilation=1, shortcut=(conv("shortcut", 11, taps=1),)),
        block("b2", dilation=2),
        block("b3", dilation=4),
        Flatten("flatten"),
        Dense("fc", features=5),
    ),
)

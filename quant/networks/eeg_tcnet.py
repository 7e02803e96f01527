"""EEG-TCNet: EEGNet's front end and a temporal convolutional network on what it finds.

Source: Ingolfsson, Hersche, Wang, Kobayashi, Cavigelli, Benini, "EEG-TCNet: an accurate temporal convolutional network
for embedded motor-imagery brain-machine interfaces", IEEE SMC 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

from quant.networks.eegnet import BN, DEPTH, separable, spatial, temporal, time_pool
from quant.networks.layers import Conv, Dense, Dropout, Elu, LastStep, Layer, Residual
from quant.networks.network import Network


@dataclass(frozen=True)
class TcnetConfig:
    """What the per-subject search varies; the defaults are the fixed network.

    Attributes:
        filters, taps: temporal filters F1 and their length K_E at 250 Hz.
        tcn_filters, tcn_taps, blocks: of the temporal convolutional network: F_T, K_T, L.
        dropout, tcn_dropout: probabilities p_e and p_t.
        standardize: whether the published network was trained on standardised recordings.
    """

    filters: int = 8
    taps: int = 32
    tcn_filters: int = 12
    tcn_taps: int = 4
    blocks: int = 2
    dropout: float = 0.2
    tcn_dropout: float = 0.3
    standardize: bool = True


VARIABLE = {
    1: TcnetConfig(8, 32, 15, 3, 3),
    2: TcnetConfig(8, 64, 17, 4, 2, tcn_dropout=0.2, standardize=False),
    3: TcnetConfig(8, 64, 15, 4, 2),
    4: TcnetConfig(16, 32, 17, 4, 3, dropout=0.1, tcn_dropout=0.2),
    5: TcnetConfig(16, 32, 25, 3, 4, tcn_dropout=0.2),
    6: TcnetConfig(16, 32, 17, 4, 3, dropout=0.1),
    7: TcnetConfig(8, 32, 20, 4, 2, dropout=0.1),
    8: TcnetConfig(16, 32, 25, 3, 3),
    9: TcnetConfig(16, 32, 12, 3, 4, tcn_dropout=0.2),
}
"""The nine "variable" networks, one per subject of BCI Competition IV-2a."""


def eeg_tcnet(
    electrodes: int, samples: int, classes: int, divisor: int = 1, config: TcnetConfig | None = None
) -> Network:
    """EEG-TCNet on (1, electrodes, samples); ``divisor`` as in :func:`quant.networks.eegnet.eegnet`."""
    c = config or TcnetConfig()
    channels = c.filters * DEPTH
    rows: tuple[Layer | Residual, ...] = (
        temporal(c.filters, -(-c.taps // divisor)),
        spatial(c.filters, electrodes, max_norm=1.0),
        Elu("elu1"),
        time_pool("pool1", -(-8 // divisor)),
        Dropout("dropout1", p=c.dropout),
        *separable(channels, 16),
        Elu("elu2"),
        time_pool("pool2", 8),
        Dropout("dropout2", p=c.dropout),
    )
    for number in range(c.blocks):
        rows += block(number + 1, channels if number == 0 else c.tcn_filters, c)
    rows += (LastStep("last"), Dense("fc", features=classes, bias=True, max_norm=0.25, initial="glorot"))
    return Network("eeg-tcnet", (1, electrodes, samples), rows, signed_input=True)


def block(number: int, channels: int, c: TcnetConfig) -> tuple[Residual, Elu]:
    """Two causal convolutions and a shortcut; the dilation doubles from block to block."""
    dilation = 2 ** (number - 1)

    def conv(name: str) -> tuple[Layer, ...]:
        pads = ((0, 0), ((c.tcn_taps - 1) * dilation, 0))
        return (
            Conv(
                name,
                channels=c.tcn_filters,
                kernel=(1, c.tcn_taps),
                dilation=(1, dilation),
                pads=pads,
                bias=True,
                bn=BN,
                initial="he",
            ),
            Elu(f"{name}.elu"),
            Dropout(f"{name}.dropout", p=c.tcn_dropout),
        )

    match = Conv("shortcut", channels=c.tcn_filters, kernel=(1, 1), bias=True, initial="glorot")
    shortcut = () if channels == c.tcn_filters else (match,)
    return Residual(f"b{number}", (*conv("conv1"), *conv("conv2")), shortcut), Elu(f"b{number}.elu")

"""The order of temporal and spatial convolution.

Nothing lies between the two, so in real numbers they commute. In the published order every temporal filter runs over
every electrode; spatial-first, every spatial filter sums the electrodes once and its temporal filter runs over that.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from quant.errors import Problem, UserError
from quant.networks.layers import Conv, Reshape
from quant.networks.network import Network

Order = Literal["faithful", "spatial-first"]
ORDERS: tuple[Order, ...] = ("faithful", "spatial-first")


def commutes(network: Network) -> bool:
    """Whether ``network`` starts with a temporal and a spatial convolution and nothing between them."""
    try:
        front_end(network)
    except UserError:
        return False
    return True


def front_end(network: Network) -> tuple[Conv, Conv]:
    """The temporal and the spatial convolution that ``network`` starts with; raises UserError where it does not."""
    first, second, *_ = network.table
    if isinstance(first, Conv) and isinstance(second, Conv):
        kernels = first.geometry(2)[0], second.geometry(2)[0]
        plain = first.activation == "none" and first.groups == 1
        commute = second.groups == first.channels and second.geometry(2)[0] == (network.input_shape[1], 1)
        if plain and commute and kernels[0][0] == 1 and network.input_shape[0] == 1:
            return first, second
    what = "it does not start with a temporal and a spatial depthwise convolution"
    raise UserError(Problem(what, f"network '{network.name}'", "spatial-first order of EEGNet, Q-EEGNet and EEG-TCNet"))


def spatial_first(network: Network) -> Network:
    """The table with the spatial filters in front; what lies behind the two stays as it is."""
    temporal, spatial = front_end(network)
    _, electrodes, samples = network.input_shape
    rows = (
        Reshape("electrodes", (electrodes, 1, samples)),
        Conv("spatial", channels=spatial.channels, kernel=(1, 1), initial=spatial.initial),
        dataclasses.replace(
            temporal,
            channels=spatial.channels,
            groups=spatial.channels,
            bias=temporal.bias or spatial.bias,
            bn=spatial.bn,
            activation=spatial.activation,
        ),
    )
    return dataclasses.replace(network, table=(*rows, *network.table[2:]))


def in_order(network: Network, order: Order | None) -> Network:
    """``network``, a table in the published order, in the one asked for."""
    return spatial_first(network) if order == "spatial-first" else network

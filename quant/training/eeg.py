"""What a network on EEG has learned to look at, and for whom it works: for people to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quant.datasets.dataset import Dataset
from quant.networks.network import Network
from quant.networks.order import Order, commutes, front_end
from quant.training.freeze import Frozen

DIGITS = 6  # of a weight: int8 has fewer


def eeg(
    network: Network,
    order: Order,
    frozen: Frozen,
    data: Dataset,
    floating: NDArray[np.int64],
    integer: NDArray[np.int64],
) -> dict[str, Any] | None:
    """Filters and accuracy by subject of a network that starts with temporal and spatial filters; else None.

    Args:
        network: in the published order.
        order: that of ``frozen``.
        floating, integer: classes (N,) that the networks see in the test set of ``data``.

    Returns:
        ``order``, ``channels`` (empty where unknown), ``fs`` in Hz or None, ``subjects`` (see :func:`by_subject`), and
        of the integer network, in real numbers, batch norm merged: ``temporal``, rows of taps; ``spatial``, rows of
        one weight per electrode; ``depth``, spatial filters per temporal one of the published order. Rows are in the
        published order of filters. Spatial-first, every spatial filter has its own row of taps.
    """
    if not commutes(network):
        return None
    temporal, spatial = front_end(network)
    return {
        "order": order,
        "channels": list(data.channels),
        "fs": data.fs,
        "depth": spatial.channels // temporal.channels,
        "temporal": _filters(frozen, temporal.name),
        "spatial": _filters(frozen, spatial.name),
        "subjects": by_subject(data.subject_test, data.y_test, floating, integer),
    }


def by_subject(
    subjects: NDArray[np.int64] | None,
    true: NDArray[np.int64],
    floating: NDArray[np.int64],
    integer: NDArray[np.int64],
) -> list[dict[str, Any]]:
    """Of every subject its number, its ``trials``, and the shares of them that ``float`` and ``int8`` get right.

    Args:
        subjects: who each trial is from (N,); None where nobody is named, which gives an empty list.
        true, floating, integer: classes (N,).
    """
    if subjects is None:
        return []
    return [
        {
            "subject": number,
            "trials": int(own.sum()),
            "float": float((floating == true)[own].mean()),
            "int8": float((integer == true)[own].mean()),
        }
        for number in np.unique(subjects).tolist()
        for own in [subjects == number]
    ]


def _filters(frozen: Frozen, name: str) -> list[list[float]]:
    """Real weights of a convolution, one row per output channel; all axes but one have length 1."""
    layer = frozen.layers[name]
    assert layer.weight is not None and layer.weight_steps is not None
    rows = layer.weight.reshape(len(layer.weight), -1) * layer.weight_steps.astype(float)[:, None]
    return [[float(f"{weight:.{DIGITS}g}") for weight in row] for row in rows.tolist()]

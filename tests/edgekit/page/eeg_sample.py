"""The part of a report that networks on EEG have. TEST DATA: filters and accuracies are invented, none was trained."""

from __future__ import annotations

import math
from typing import Any

from edgekit.page.head import flat, place
from tests.edgekit.page.sample import sample

CHANNELS = [
    "FC5", "FC1", "FC2", "FC6", "C3", "Cz", "C4", "CP5", "CP1", "CP2", "CP6", "Fp1", "Fp2", "AF7", "AF8", "F7", "F3",
    "Fz", "F4", "F8", "FT7", "FT8", "T7", "T8", "TP7", "TP8", "P7", "P3", "Pz", "P4", "P8", "PO7", "POz", "PO8", "O1",
    "Oz", "O2", "Iz",
]  # fmt: skip
FS, TAPS, DEPTH = 160 / 3, 43, 2
CENTRES = (4.0, 9.0, 10.5, 12.0, 16.0, 19.0, 22.0, 25.0)  # of the temporal filters, Hz
SUBJECTS = ((3, 90, 0.8222, 0.8111), (1, 88, 0.7045, 0.7159), (12, 45, 0.5333, 0.5111), (2, 90, 0.9556, 0.9444))


def eeg(order: str = "faithful") -> dict[str, Any]:
    """Filters for eight frequencies, each with two spatial filters; a copy of its taps for both if spatial-first."""
    copies = DEPTH if order == "spatial-first" else 1
    return {
        "order": order,
        "channels": list(CHANNELS),
        "fs": FS,
        "depth": DEPTH,
        "temporal": [_taps(centre + copy) for centre in CENTRES for copy in range(copies)],
        "spatial": [_weights(number) for number in range(DEPTH * len(CENTRES))],
        "subjects": [
            {"subject": subject, "trials": trials, "float": floating, "int8": integer}
            for subject, trials, floating, integer in SUBJECTS
        ],
    }


def eeg_report(order: str = "faithful") -> dict[str, Any]:
    """A whole report with it."""
    return {**sample(), "eeg": eeg(order)}


def _taps(centre: float) -> list[float]:
    times = [(index - TAPS // 2) / FS for index in range(TAPS)]
    return [math.exp(-((time / 0.18) ** 2)) * math.cos(2 * math.pi * centre * time) for time in times]


def _weights(number: int) -> list[float]:
    """Two bumps of opposite sign, elsewhere for every filter."""
    angle = 2.4 * number
    bumps = ((0.45, angle, 1.0), (0.5, angle + 2.6, -0.7))
    result = []
    for name in CHANNELS:
        ((right, front),) = flat(place(name)[None])
        distances = [
            (right - radius * math.sin(at)) ** 2 + (front - radius * math.cos(at)) ** 2 for radius, at, _ in bumps
        ]
        near = zip(distances, bumps, strict=True)
        result.append(sum(height * math.exp(-distance / 0.08) for distance, (_, _, height) in near))
    return result

"""Electrodes of the 10-10 system: names as recordings spell them, where they sit, and the subsets that papers use."""

from __future__ import annotations

import re

_PHYSIONET = """
    FC5 FC3 FC1 FCz FC2 FC4 FC6 C5 C3 C1 Cz C2 C4 C6 CP5 CP3 CP1 CPz CP2 CP4 CP6 Fp1 Fpz Fp2 AF7 AF3 AFz AF4 AF8
    F7 F5 F3 F1 Fz F2 F4 F6 F8 FT7 FT8 T7 T8 T9 T10 TP7 TP8 P7 P5 P3 P1 Pz P2 P4 P6 P8 PO7 PO3 POz PO4 PO8 O1 Oz O2 Iz
"""
_BCI_IV_2A = "Fz FC3 FC1 FCz FC2 FC4 C5 C3 C1 Cz C2 C4 C6 CP3 CP1 CPz CP2 CP4 P1 Pz P2 POz"

PHYSIONET = tuple(_PHYSIONET.split())
"""The 64 electrodes of PhysioNet's EEGMMIDB, in file order."""

BCI_IV_2A = tuple(_BCI_IV_2A.split())
"""The 22 electrodes of BCI Competition IV-2a, in file order; all are among PhysioNet's 64."""

# Wang et al., "An accurate EEGNet-based motor-imagery brain-computer interface for low-power edge computing", 2020.
_INDICES: dict[int, tuple[int, ...]] = {
    38: (
        *(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 21, 22, 23, 24, 26, 28, 29, 31, 33, 35, 37, 40, 41, 42, 43, 46),
        *(48, 50, 52, 54, 55, 57, 59, 60, 61, 62, 63),
    ),
    27: (*range(21), 38, 39, 40, 41, 44, 45),
    19: (8, 10, 12, 21, 23, 29, 31, 33, 35, 37, 40, 41, 46, 48, 50, 52, 54, 60, 62),
    8: (8, 10, 12, 25, 27, 48, 52, 57),
}

SUBSETS = {
    64: PHYSIONET,
    **{count: tuple(PHYSIONET[index] for index in indices) for count, indices in _INDICES.items()},
    22: BCI_IV_2A,
}
"""Number of electrodes -> their names, in the order in which they are taken."""

ROWS = {"FP": 4, "AF": 3, "F": 2, "FC": 1, "FT": 1, "C": 0, "T": 0, "CP": -1, "TP": -1, "P": -2, "PO": -3, "O": -4}
ROWS["I"] = -5


def electrode(name: str) -> str:
    """A channel label in the usual spelling: ``Fc5.`` -> FC5, ``CZ`` -> Cz, ``FP1`` -> Fp1; others unchanged but
    for dots and blanks around them."""
    name = name.strip(" .")
    parts = re.fullmatch(r"([A-Za-z]+?)(z|Z|\d+)", name)
    if parts is None or (letters := parts[1].upper()) not in ROWS:
        return name
    return ("Fp" if letters == "FP" else letters) + parts[2].lower()


def position(name: str) -> tuple[float, float]:
    """Where an electrode sits, seen from above, in steps of the 10-10 grid: (to the right of Cz, in front of Cz).

    Raises:
        ValueError: the name is not of the 10-10 system.
    """
    parts = re.fullmatch(r"([A-Za-z]+?)(z|[1-9]\d*)", name)
    if parts is None or parts[1].upper() not in ROWS:
        raise ValueError(f"'{name}' is no electrode of the 10-10 system")
    number = 0 if parts[2] == "z" else int(parts[2])
    side = (number + 1) // 2
    return float(-side if number % 2 else side), float(ROWS[parts[1].upper()])

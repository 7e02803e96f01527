"""Front end -> C text: the tables of its bands and ``PREFIX_features``, from samples to the model's input."""

from __future__ import annotations

import numpy as np

from deploy.raw_input import c_float
from quant.front_end import FrontEnd

HEADER = "features/riemann.h"
FLAGS = ("-fno-math-errno",)  # a square root is one instruction
PER_LINE = 6


def prototype(prefix: str) -> str:
    """The C function's declaration, without semicolon."""
    return f"void {prefix}_features(const int16_t *samples, int16_t *features)"


def shared_parameters(front: FrontEnd) -> tuple[int, np.float32, np.float32]:
    """samples, ridge and steps per unit of ``ek_window_features``."""
    return front.samples, np.float32(front.rho / front.channels), np.float32(1.0 / front.scale)


def covariance_gain(front: FrontEnd) -> np.ndarray:
    """(bands,) float32: what sums of products of samples filtered without gain are multiplied by."""
    return np.asarray((front.gains * front.unit) ** 2 / (front.samples - 1), np.float32)


def source(front: FrontEnd, prefix: str, heading: str) -> str:
    """``features.c``; compile it with -ffp-contract=off."""
    samples, ridge, per_unit = shared_parameters(front)
    upper = np.triu_indices(front.channels)
    lines = [heading, f"#define EK_CHANNELS {front.channels}", "", f'#include "{HEADER}"', ""]
    lines += [f"{prototype(prefix)};", ""]
    lines += [
        f"static const ek_window_features shared = {{{samples}, {c_float(float(ridge))}, {c_float(float(per_unit))}}};"
    ]
    lines += ["", f"static const ek_band bands[{front.bands}] = {{"]
    for denominators, gain, whitening in zip(front.denominators, covariance_gain(front), front.whitening, strict=True):
        sections = ", ".join(c_float(value) for value in denominators.tolist())
        lines += [f"    {{{{{{{sections}}}}}, {c_float(float(gain))},", "     {"]
        words = [c_float(value) for value in whitening[upper].tolist()]
        lines += [f"         {', '.join(words[at : at + PER_LINE])}," for at in range(0, len(words), PER_LINE)]
        lines += ["     }},"]
    lines += ["};", "", "static ek_scratch scratch;", "", prototype(prefix), "{"]
    lines += [f"    for (int32_t band = 0; band < {front.bands}; band++) {{"]
    lines += ["        ek_features_band(&shared, &bands[band], samples, &scratch, features + band * EK_TRIANGLE);"]
    return "\n".join([*lines, "    }", "}", ""])

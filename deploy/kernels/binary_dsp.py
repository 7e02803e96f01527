"""Layers on bits with carry-save adders (Armv7E-M)."""

from __future__ import annotations

from deploy.kernels.binary import PortableBinaryConv, PortableBinaryDense


class DspBinaryDense(PortableBinaryDense):
    """``ek_binary_dense_dsp``: carry-save adders."""

    name = "binary_dense_dsp"
    isa = "dsp"
    header = "armv7em/binary_dense.h"
    mnemonics = ("usada8",)
    function = "ek_binary_dense_dsp"
    per_word = 9.5


class DspBinaryConv(PortableBinaryConv):
    """``ek_binary_conv_dsp``: carry-save adders, windows as one run of words."""

    name = "binary_conv_dsp"
    isa = "dsp"
    header = "armv7em/binary_conv.h"
    mnemonics = ("usada8",)
    function = "ek_binary_conv_dsp"
    per_word = 12.0
    copies = 1

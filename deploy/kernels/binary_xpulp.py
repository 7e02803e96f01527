"""Layers on bits with XpulpV2's counting of ones."""

from __future__ import annotations

from deploy.kernels.binary import PortableBinaryConv, PortableBinaryDense
from deploy.kernels.xpulp import TEAM


class XpulpBinaryDense(PortableBinaryDense):
    """``ek_binary_dense_xpulp``: four outputs at a time."""

    name = "binary_dense_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/binary.h"
    mnemonics = ("lp.setup", "p.lw", "p.cnt")
    team = True
    function = "ek_binary_dense_xpulp"
    per_word = 4.5


class XpulpBinaryConv(PortableBinaryConv):
    """``ek_binary_conv_xpulp``: windows as one run of words, four outputs at a time."""

    name = "binary_conv_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/binary.h"
    mnemonics = ("lp.setup", "p.lw", "p.cnt")
    team = True
    function = "ek_binary_conv_xpulp"
    per_word = 6.0
    copies = TEAM

"""How reals become integers in a quantizer, and whether two rules can differ in a layer.

EdgeKit's requantization rounds ties up; ONNX' QuantizeLinear rounds them to even. With most scales a layer never meets
an exact tie and the rules agree; all arithmetic here is exact.
"""

from __future__ import annotations

from enum import Enum
from fractions import Fraction
from math import floor


class Rounding(Enum):
    """What happens to a value halfway between two integers."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"

    def __call__(self, value: Fraction) -> int:
        """The integer nearest to ``value``."""
        return floor(value + Fraction(1, 2)) if self is Rounding.HALF_UP else round(value)


def meets_tie(factor: Fraction, bound: int) -> bool:
    """Whether acc * factor is halfway between two integers for some integer |acc| <= bound.

    With factor = p/q in lowest terms it is when q = 2h and acc is an odd multiple of h.
    """
    return factor.denominator % 2 == 0 and factor.denominator // 2 <= bound


def sum_meets_tie(first: Fraction, second: Fraction, xs: range, ys: range) -> bool:
    """Whether x * first + y * second is halfway between two integers for some x in xs, y in ys."""
    q = first.denominator * second.denominator
    p, r = int(first * q), int(second * q)
    if q % 2:
        return False
    residues = {y * r % q for y in ys}
    return any((q // 2 - x * p) % q in residues for x in xs)

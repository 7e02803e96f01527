"""What can be chosen about a hyperdimensional classifier."""

from __future__ import annotations

from dataclasses import dataclass

from quant.errors import Problem, UserError, unknown
from quant.splitmix import SEEDS

MODES = ("single", "spatial", "bind")


@dataclass(frozen=True)
class Settings:
    """Choices that all embeddings share; each reads what it needs.

    Attributes:
        mode: how bands become one vector. ``single``: all features are one band; ``spatial``: each band's vector XOR
            the band's random key, then the majority over bands (a tie of an even number of bands is 0); ``bind``: XOR
            of the bands' vectors.
        dimension: bits of a vector, for projections and learned embeddings.
        levels: bits of one feature, for thermometer and Gray codes: the vector has features x levels bits.
        density: share of nonzero entries of a sparse projection.
        centroids: rows of the class memory that each class has, 1 or 2.
        seed: of everything random, 0 to 2**64 - 1.
    """

    mode: str = "spatial"
    dimension: int = 2048
    levels: int = 21
    density: float = 0.1
    centroids: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown("combination mode", self.mode, MODES)
        found = []
        for name, good, supported in (
            ("dimension", self.dimension >= 1, "1 and above"),
            ("levels", self.levels >= 2, "2 and above"),
            ("density", 0.0 < self.density <= 1.0, "above 0, at most 1"),
            ("centroids", self.centroids in (1, 2), "1 or 2"),
            ("seed", 0 <= self.seed < SEEDS, "0 to 2**64 - 1"),
        ):
            if not good:
                found.append(Problem(f"{name} is {getattr(self, name)}", "hyperdimensional classifier", supported))
        if found:
            raise UserError(found)

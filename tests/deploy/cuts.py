"""Groups and tiles by chance, so that generated graphs see every way of cutting."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from deploy.group import Group, fusible, spatial
from deploy.layers import Layer, Lowered
from deploy.pieces import Tiled, in_tiles, sizes, uncut

LONGEST = 4  # layers of a group


class RandomCuts:
    """For the argument ``cut`` of :func:`deploy.plan.make_plan`: as many layers in tiles as can be.

    Attributes:
        tiled, fused: layers so far that ran in tiles, and those of them that were not the last of their group.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tiled = self.fused = 0

    def __call__(self, low: Lowered, room: int | None) -> tuple[Tiled, ...]:
        runs, at = [], 0
        while at < len(low.layers):
            run = self._run(self._group(low, at))
            runs.append(run)
            at += len(run.group.layers)
            if run.cut:
                self.tiled += len(run.group.layers)
                self.fused += len(run.group.layers) - 1
        return tuple(runs)

    def _group(self, low: Lowered, first: int) -> tuple[Layer, ...]:
        """As many layers as chance and the graph allow."""
        layers = low.layers[first : first + int(self.rng.integers(2, LONGEST + 1))]
        alone = [Group(layer.index, (layer,)) for layer in layers]
        joined = [fusible(low, a, b) for a, b in pairwise(alone)]
        return layers[: 1 + joined.index(False)] if False in joined else layers

    def _run(self, layers: tuple[Layer, ...]) -> Tiled:
        group = Group(layers[0].index, layers)
        choices = [in_tiles(group, size) for size in sizes(group)] if spatial(layers[-1]) else []
        choices = [run for run in choices if run.runnable]
        return choices[int(self.rng.integers(len(choices)))] if choices else uncut(layers[0])

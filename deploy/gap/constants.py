"""Constants as the DMA takes them: one piece per layer and range of output channels, in L2 or outside the chip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deploy.box import Range
from deploy.gap.tiling import Tiling
from deploy.group import Group
from deploy.kernels.base import Array, Call
from deploy.layers import Layer
from deploy.memory import aligned


@dataclass(frozen=True)
class Chunk:
    """Constants of one output-channel range of a layer: what one transfer brings.

    Attributes:
        channels: None where the layer works on whole tensors.
        offset, size: bytes in the constants in L2, or in the L3 image.
        arrays: with their offsets in the chunk, call by call.
    """

    layer: Layer
    channels: Range | None
    offset: int
    size: int
    arrays: tuple[tuple[tuple[int, Array], ...], ...]
    in_l3: bool

    @property
    def image(self) -> bytes:
        """Its bytes, little-endian, arrays aligned as the kernels expect them."""
        image = bytearray(self.size)
        for at, array in (entry for call in self.arrays for entry in call):
            item = array.nbytes // array.values.size
            image[at : at + array.nbytes] = np.asarray(array.values).astype(np.int64).astype(f"<i{item}").tobytes()
        return bytes(image)


def make_chunks(groups: Sequence[Group], tilings: Sequence[Tiling], outside: frozenset[int]) -> Iterator[Chunk]:
    """The constants of all layers; ``outside``: groups whose constants lie in L3."""
    at = {False: 0, True: 0}
    for group, tiling in zip(groups, tilings, strict=True):
        works = [work for visit in tiling.visits for work in visit]
        pieces = {(work.layer.index, work.channels): (work.layer, work.channels, work.calls) for work in works}
        parts: list[tuple[Layer, Range | None, tuple[Call, ...]]] = list(pieces.values())
        if not tiling.visits:
            parts = [(layer, None, layer.calls) for layer in group.layers]
        for layer, channels, calls in parts:
            arrays, size = [], 0
            for call in calls:
                places = []
                for array in call.arrays:
                    places.append((size, array))
                    size += aligned(array.nbytes)
                arrays.append(tuple(places))
            if size:
                in_l3 = group.index in outside
                yield Chunk(layer, channels, at[in_l3], size, tuple(arrays), in_l3)
                at[in_l3] += size

"""Which layers of a board with one core run depth-first in tiles, and how large the tiles are.

The rule: if the arena of one layer after the other does not fit, the cheapest cuts by estimated cycles that make it
fit; then whatever needs less memory as long as the network takes at most ``SLOWER`` times the cycles of the first plan
that fits. Cuts that save less than a tenth of the arena are left alone, and so are those that need more code than one
geometry for the first tile, one for the last and one for all between.

The search works on the fullest step. Only groups around it can relieve it: what lies there is an input, the output or
the scratch memory of its layer, or spans it and cannot be helped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from deploy.group import Group, fusible, spatial
from deploy.layers import Lowered
from deploy.lifetimes import buffers, place, shared
from deploy.pieces import Piece, Tiled, in_tiles, sizes, uncut

SLOWER = 1.05
SAVED = 0.1
LONGEST = 6  # layers of a group
GEOMETRIES = 3  # of a layer's tiles, where they are not needed to fit
CALL_CYCLES = 60.0  # of a layer's function and its loop, once per tile


@dataclass(frozen=True)
class Option:
    """A group in tiles, its estimated cycles, and the most geometries that one of its layers has."""

    run: Tiled
    cycles: float
    geometries: int


State = tuple[Option, ...]  # all groups, in the order of execution


def choose_tiles(low: Lowered, room: int | None) -> tuple[Tiled, ...]:
    """The groups of all layers by the rule; those of least memory where nothing fits.

    Args:
        room: bytes that the arena may have; None where there is no limit.
    """
    search = _Search(low)
    state = search.start()
    if room is not None:
        state = search.fitted(state, room)
        if search.arena_bytes(state) > room:
            return _runs(state)
    slim = search.slimmed(state)
    saved = search.arena_bytes(slim) <= (1 - SAVED) * search.arena_bytes(state)
    return _runs(slim if saved else state)


def _runs(state: State) -> tuple[Tiled, ...]:
    return tuple(option.run for option in state)


class _Search:
    """Greedy improvement of one step after the other; sites of equal geometry are estimated once."""

    def __init__(self, low: Lowered) -> None:
        self.low = low
        self.estimates: dict[tuple[object, ...], float] = {}
        self.options: dict[tuple[int, int], list[Option]] = {}

    def start(self) -> State:
        """One layer after the other."""
        return tuple(self._option(uncut(layer)) for layer in self.low.layers)

    def fitted(self, state: State, room: int) -> State:
        """The state with the cheapest cuts that bring every step below ``room``, or as low as possible."""
        while (size := self.arena_bytes(state)) > room:
            live = self._live(state)
            target = room - (size - max(live))  # what first fit wastes has to be saved as well
            step = live.index(max(live))
            trials = [(self._live(trial), trial) for trial in self._around(state, step)]
            better = [(now, trial) for now, trial in trials if _peak(now) < _peak(live)]
            if not better:
                break
            state = min(better, key=lambda one: (max(one[0][step], target), _cycles(one[1]), max(one[0])))[1]
        return state

    def slimmed(self, state: State) -> State:
        """The state with less memory, as long as it takes few more cycles."""
        budget = SLOWER * _cycles(state)
        while True:
            live = self._live(state)
            trials = [
                (_peak(self._live(trial)), _cycles(trial), trial)
                for trial in self._around(state, live.index(max(live)))
                if _cycles(trial) <= budget and max(option.geometries for option in trial) <= GEOMETRIES
            ]
            least = min(trials, key=lambda one: one[:2], default=None)
            if least is None or least[0] >= _peak(live):
                return state
            state = least[2]

    def arena_bytes(self, state: State) -> int:
        """What the arena really takes."""
        return place(self.low, _runs(state))[0].size

    def _live(self, state: State) -> list[int]:
        """Live bytes at every step."""
        runs = _runs(state)
        live = [0] * (len(self.low.layers) + 2)
        for buffer in buffers(self.low, runs, shared(self.low, runs)):
            for step in range(buffer.first, buffer.last + 1):
                live[step] += buffer.size
        return live

    def _around(self, state: State, step: int) -> Iterator[State]:
        """The state with another group at a step."""
        layers = self.low.layers
        at = step - 1
        if not 0 <= at < len(layers):
            return
        for first in range(max(0, at - LONGEST + 1), at + 1):
            for last in range(at, min(first + LONGEST, len(layers))):
                for option in self._options(first, last):
                    yield self._with(state, option)

    def _with(self, state: State, option: Option) -> State:
        """The option in place of what it overlaps; layers that then belong to no group are on their own."""
        inside = {layer.index for layer in option.run.group.layers}
        result: list[Option] = []
        for old in state:
            layers = old.run.group.layers
            if inside.isdisjoint(layer.index for layer in layers):
                result.append(old)
                continue
            result += [self._option(uncut(layer)) for layer in layers if layer.index not in inside]
            if layers[0].index <= option.run.group.first.index <= layers[-1].index:
                result.append(option)
        return tuple(sorted(result, key=lambda one: one.run.group.first.index))

    def _options(self, first: int, last: int) -> list[Option]:
        """Every way to run these layers as one group in tiles."""
        key = (first, last)
        if key not in self.options:
            group = self._group(first, last)
            tilings = [] if group is None else [in_tiles(group, size) for size in sizes(group)]
            self.options[key] = [self._option(run) for run in tilings if run.runnable]
        return self.options[key]

    def _group(self, first: int, last: int) -> Group | None:
        layers = self.low.layers[first : last + 1]
        alone = [Group(layer.index, (layer,)) for layer in layers]
        joined = all(fusible(self.low, a, b) for a, b in pairwise(alone))
        if joined and (len(alone) > 1 or spatial(layers[0])):
            return Group(first, tuple(layers))
        return None

    def _option(self, run: Tiled) -> Option:
        layers = [run.pieces(position) for position in range(len(run.group.layers))]
        cycles = sum(self._estimate(piece) for pieces in layers for piece in pieces)
        return Option(run, cycles, max(len(set(map(_geometry, pieces))) for pieces in layers))

    def _estimate(self, piece: Piece) -> float:
        """Cycles of one call of a layer's function."""
        key = (piece.layer.index, *_geometry(piece))
        if key not in self.estimates:
            self.estimates[key] = piece.layer.kernel.cycles(piece.site) + CALL_CYCLES
        return self.estimates[key]


def _geometry(piece: Piece) -> tuple[object, ...]:
    """What tiles of a layer have in common that share their code."""
    site = piece.site
    return site.inputs[0].shape, site.output.shape, getattr(site.op, "pads", ())


def _cycles(state: Sequence[Option]) -> float:
    return sum(option.cycles for option in state)


def _peak(live: Sequence[int]) -> tuple[int, int]:
    """Most live bytes, and at how many steps."""
    return max(live), live.count(max(live))

"""A build for a cluster under the simulator: outputs, every layer's bytes, and what one inference costs.

The simulator is used as a debugger is: the program runs to ``ek_exchange``, where inputs are written and outputs read,
and goes on from there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.boards import Board
from deploy.elf import read_elf
from deploy.operating_point import OperatingPoint
from deploy.readout import assembled, reads
from edgekit.cluster_cost import ClusterCost, LayerCost
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp import native
from edgekit.emulate.pulp.machine import CONTROLLER, Context, Machine, Misaligned
from edgekit.emulate.pulp.stacks import CoreStacks
from quant.dtypes import DType, from_bytes, to_bytes

# Cycles that one inference may take: several times what one core needs without SIMD, and no more than minutes.
BUDGET, BUDGET_BASE, BUDGET_PER_MAC = 20_000_000_000, 100_000_000, 300
EXCHANGE, L3_WAIT = "ek_exchange", "hyper_wait"
IDLE, DMA = native.CYCLES.index("idle"), native.CYCLES.index("dma_wait")


@dataclass(frozen=True, eq=False)
class Simulation:
    """What the simulated board did.

    Attributes:
        outputs: (N, *shape).
        layers: tensor name -> (N, *shape), copied when the layer has ended; empty unless asked for.
        cost: of the last inference.
        misaligned: accesses of the last inference that the hardware had to split.
        stack_used: bytes of the core whose stack got deepest.
        mips: simulated instructions of all cores per second of this run, in millions.
    """

    outputs: NDArray
    layers: dict[str, NDArray]
    cost: ClusterCost
    misaligned: Misaligned
    stack_used: int
    selftest_passed: bool
    mips: float


@dataclass(frozen=True, eq=False)
class Calls:
    """What calls of a model with several entries gave.

    Attributes:
        answers: status and outputs' bytes of each.
        states: bytes of every state in the end.
        costs: of each call.
        stack_used, selftest_passed, mips: as in :class:`Simulation`.
    """

    answers: list[tuple[int, bytes]]
    states: list[bytes]
    costs: list[ClusterCost]
    stack_used: int
    selftest_passed: bool
    mips: float


class Simulator:
    """The image of a folder that ``edgekit build`` wrote for a board with a cluster.

    Raises:
        UserError: no such image, not for a RISC-V core, or not one that ``edgekit build`` wrote.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], board: Board) -> None:
        self.facts, self.board, self.folder = facts, board, folder
        self.image = read_elf(folder / "firmware.elf", "EM_RISCV")
        self.sha256 = hashlib.sha256(self.image.path.read_bytes()).hexdigest()
        self.stacks = CoreStacks(self.image, board)

    def run(
        self, inputs: NDArray, point: OperatingPoint, cores: int | None = None, *, layers: bool = False
    ) -> Simulation:
        """Inferences of ``inputs`` (N, *shape), one after the other; the self-test before them warms the caches.

        Args:
            point: decides how many cycles L3 takes.
            cores: that compute; all of the cluster without it.
            layers: also return every layer's output.

        Raises:
            UserError: more cores than there are.
            EmulationError: the program faults, hangs, ends early, or fills a stack.
        """
        team = self.board.team(cores)
        outputs, dumps = [], _Dumps(self.facts)
        with self._machine(point, self._layers()) as machine:
            self._poke(machine, "ek_cores", team)
            self._poke(machine, "ek_requests", len(inputs))
            self._to_exchange(machine)
            for sample in inputs:
                self._give(machine, sample)
                self._to_exchange(machine, dumps if layers else None, self._bases())
                outputs.append(self._output(machine))
            cost = self._cost(machine, point, team)
            passed = "EK selftest ok" in machine.printed
            deepest = max(self.stacks.used(machine))
            arrays = np.array(outputs), dumps.arrays()
            return Simulation(*arrays, cost, machine.misaligned, deepest, passed, machine.mips)

    def call(self, calls: Sequence[tuple[int, bytes, int]], point: OperatingPoint, cores: int | None = None) -> Calls:
        """Calls of entries, one after the other, of a model with several.

        Args:
            calls: number of the entry, its inputs, and how many bytes its outputs have.

        Raises: as :meth:`run`.
        """
        team, costs = self.board.team(cores), []
        answers: list[tuple[int, bytes]] = []
        with self._machine(point, self._layers()) as machine:
            self._poke(machine, "ek_cores", team)
            self._poke(machine, "ek_requests", len(calls))
            self._to_exchange(machine)
            for entry, data, size in calls:
                self._poke(machine, "ek_entry", entry)
                machine.write(self.image.symbol("ek_input_buffer").address, data)
                machine.reset_stats()
                self._to_exchange(machine)
                status = int.from_bytes(machine.read(self.image.symbol("ek_answer").address, 4), "little")
                answers.append((status, machine.read(self.image.symbol("ek_output_buffer").address, size)))
                costs.append(self._cost(machine, point, team))
            arena = self._bases()["arena"]
            states = [machine.read(arena + state["offset"], state["bytes"]) for state in self.facts["states"]]
            passed = "EK selftest ok" in machine.printed
            return Calls(answers, states, costs, max(self.stacks.used(machine)), passed, machine.mips)

    def features(
        self, windows: NDArray[np.int16], point: OperatingPoint, cores: int | None = None
    ) -> tuple[NDArray[np.int16], NDArray, int]:
        """Features, outputs and cycles from samples to features (the last window's) of windows (N, channels, samples).

        Raises: as :meth:`run`.
        """
        team, done = self.board.team(cores), (CONTROLLER, self.image.symbol("ek_features_done").address)
        rows, outputs, cycles = [], [], 0
        with self._machine(point, self._layers()) as machine:
            self._poke(machine, "ek_cores", team)
            self._poke(machine, "ek_requests", len(windows))
            self._poke(machine, "ek_from_samples", 1)
            self._to_exchange(machine)
            for window in windows:
                machine.write(self.image.symbol("ek_sample_buffer").address, window.astype("<i2").tobytes())
                machine.reset_stats()
                machine.run(stop_at=[done])
                cycles = machine.cycles
                given = machine.read(self.image.symbol("ek_input_buffer").address, self.facts["inputs"][0]["bytes"])
                rows.append(np.frombuffer(given, "<i2"))
                self._to_exchange(machine)
                outputs.append(self._output(machine))
            max(self.stacks.used(machine))
        return np.array(rows), np.array(outputs), cycles

    def time_in(
        self, function: str, behind: str, sample: NDArray, point: OperatingPoint, cores: int | None = None
    ) -> int:
        """Cycles that the slowest core spends in calls of a C function during one inference of ``sample`` (*shape).

        Args:
            behind: count from where core 0 has returned from this C function.

        Raises: as :meth:`run`.
        """
        team = self.board.team(cores)
        contexts = [Context(name, self.image.symbol(name).address) for name in (function, behind)]
        with self._machine(point, contexts) as machine:
            self._poke(machine, "ek_cores", team)
            self._poke(machine, "ek_requests", 1)
            self._to_exchange(machine)
            self._give(machine, sample)
            machine.run(stop_on_leave=[(0, 2)])
            machine.reset_stats()
            self._to_exchange(machine)
            stats = machine.stats()
            return max(sum(int(stats[name][1, core]) for name in native.CYCLES) for core in range(team))

    def _give(self, machine: Machine, sample: NDArray) -> None:
        """Write an input and count from here."""
        data = to_bytes(sample, DType(self.facts["inputs"][0]["dtype"]))
        machine.write(self.image.symbol("ek_input_buffer").address, data)
        machine.reset_stats()

    def _layers(self) -> list[Context]:
        """The layers, and behind them the function that waits for L3 where the model lies there."""
        layers = [Context(ly["name"], self.image.symbol(ly["symbol"]).address) for ly in self.facts["layers"]]
        return [*layers, Context(L3_WAIT, self.image.symbol(L3_WAIT).address)] if self._in_l3 else layers

    @contextmanager
    def _machine(self, point: OperatingPoint, contexts: Sequence[Context]) -> Iterator[Machine]:
        file, clock = self.folder / "l3.bin", point.clock_hz
        l3 = file.read_bytes() if file.exists() else b""
        budget = min(BUDGET, BUDGET_BASE + BUDGET_PER_MAC * self.facts["executed_macs"])
        with Machine(self.image, self.board, contexts=contexts, budget=budget, clock_hz=clock, l3=l3) as machine:
            try:
                yield machine
            except EmulationError:
                self.stacks.used(machine)  # the cause of anything, if one is full
                raise

    @property
    def _in_l3(self) -> bool:
        return bool(self.facts["bytes"]["l3_constants"])

    def _poke(self, machine: Machine, symbol: str, value: int) -> None:
        machine.write(self.image.symbol(symbol).address, value.to_bytes(4, "little"))

    def _bases(self) -> dict[str, int]:
        """Addresses of the memories that tensors lie in."""
        return {
            "l1": self.image.symbol("__l1_arena").address,
            "arena": self.image.symbol(f"{self.facts['prefix']}_arena").address,
        }

    def _to_exchange(
        self, machine: Machine, dumps: _Dumps | None = None, bases: Mapping[str, int] | None = None
    ) -> None:
        """Run on until the program asks for the next input, copying layers on the way."""
        at = (CONTROLLER, self.image.symbol(EXCHANGE).address)
        leaves = [(0, index + 1) for index in range(len(self.facts["layers"]))] if dumps else []
        while True:
            stop = machine.run(stop_at=[at], stop_on_leave=leaves)
            if stop.reason == native.BREAKPOINT:
                return
            if stop.reason != native.LEFT or dumps is None or bases is None:
                what = f"the program ended with exit code {stop.exit_code} instead of asking for an input"
                raise EmulationError(what, f"{self.image.path}: it printed {machine.printed!r}")
            dumps.left(machine, stop.context - 1, bases)

    def _output(self, machine: Machine) -> NDArray:
        tensor = self.facts["outputs"][0]
        data = machine.read(self.image.symbol("ek_output_buffer").address, tensor["bytes"])
        return from_bytes(data, DType(tensor["dtype"]), tuple(tensor["shape"]))

    def _cost(self, machine: Machine, point: OperatingPoint, team: int) -> ClusterCost:
        """What the machine has counted since the last input was written.

        Before core 0 wakes up and after it has ended, the controller works; core 0 idles in no layer then. Waiting for
        L3 belongs to no layer, and counts as waiting for the DMA: the bare-metal program asks again and again, the
        vendor's SDK sleeps.
        """
        stats = machine.stats()
        cycles = np.stack([stats[name] for name in native.CYCLES], axis=-1).astype(int)  # (context, core, category)
        waiting = 0
        if self._in_l3:
            waiting = int(cycles[-1, 0].sum())
            cycles[0, :, DMA] += cycles[-1].sum(axis=-1)
            cycles = cycles[:-1]
        rows = [
            LayerCost(
                int(cycles[index, 0].sum()),
                int(stats["instructions"][index, :team].sum()),
                tuple(tuple(row) for row in cycles[index, :team].tolist()),
                int(stats["dma_in"][index].sum()),
                int(stats["dma_out"][index].sum()),
            )
            for index in range(len(cycles))
        ]
        controller = int(cycles[0, 0, IDLE])
        for row in cycles[0]:
            row[IDLE] -= min(controller, row[IDLE])
        overhead = LayerCost(
            rows[0].cycles - controller,
            rows[0].instructions,
            tuple(tuple(row) for row in cycles[0, :team].tolist()),
            rows[0].dma_in,
            rows[0].dma_out,
        )
        names = [layer["name"] for layer in self.facts["layers"]]
        return ClusterCost(
            point,
            dict(zip(names, rows[1:], strict=True)),
            overhead,
            team,
            waiting,
            controller,
            int(stats["instructions"][:, -1].sum()),
        )


class _Dumps:
    """Layers' outputs, copied from where they lie when core 0 returns from the layer."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.layers = facts["layers"]
        self.spans = [reads(layer) for layer in self.layers]
        self.rows: dict[str, list[NDArray]] = {}
        self.calls: Counter[int] = Counter()
        self.partial = [b""] * len(self.layers)

    def left(self, machine: Machine, index: int, bases: Mapping[str, int]) -> None:
        """Core 0 has returned from a layer."""
        layer = self.layers[index]
        tensor = layer["output"]
        offset, size = self.spans[index][self.calls[index]]
        if size:
            self.partial[index] += machine.read(bases[tensor.get("memory", "l1")] + offset, size)
        self.calls[index] += 1
        if self.calls[index] < layer["steps"]:
            return
        self.rows.setdefault(tensor["name"], []).append(assembled(layer, self.partial[index]))
        self.calls[index], self.partial[index] = 0, b""

    def arrays(self) -> dict[str, NDArray]:
        return {name: np.array(values) for name, values in self.rows.items()}

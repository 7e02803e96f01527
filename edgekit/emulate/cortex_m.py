"""Runs a model's firmware image on an emulated Cortex-M4F board and says what it costs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.boards import Board
from deploy.elf import read_elf
from edgekit.emulate import frames
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.machine import Context, Finished, Machine
from edgekit.emulate.pricing import Cost, price
from quant.errors import Problem, UserError

# More than any supported network needs between two bytes on the UART; some seconds of emulation.
BUDGET = 4_000_000_000


@dataclass(frozen=True)
class LayerSymbol:
    """A layer's name in reports and the C function that computes it."""

    name: str
    symbol: str


@dataclass(frozen=True)
class Model:
    """What the emulator has to know of the firmware's model.

    Attributes:
        run: C function of one inference; it calls the layers' functions.
    """

    run: str
    layers: tuple[LayerSymbol, ...]
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class Snapshot:
    """``size`` bytes at ``symbol + offset``, to be copied each time the layer's function has returned."""

    layer: str
    symbol: str
    offset: int
    size: int


@dataclass(frozen=True)
class LayerCost:
    """Mean cost of one layer in one inference (exact where every inference runs the same instructions)."""

    name: str
    instructions: int
    cycles: int


@dataclass(frozen=True)
class EmulationResult:
    """Outputs and cost of a run.

    Attributes:
        outputs: one per input, as the firmware sent them.
        layers: cost per layer and inference, in the order given.
        overhead: what the run function spends outside of layers.
        stack_used: bytes of the stack that were written, None where the linker script marks no stack.
        mips: emulated instructions per second of this run, in millions.
        dumps: per layer, the snapshot's bytes of every inference.
        sha256: of the flashed image.
    """

    outputs: list[bytes]
    layers: list[LayerCost]
    overhead: LayerCost
    selftest_passed: bool
    stack_used: int | None
    mips: float
    clock_hz: int
    sha256: str
    dumps: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def instructions(self) -> int:
        """Instructions of one inference: all layers and the run function itself."""
        return sum(layer.instructions for layer in (*self.layers, self.overhead))

    @property
    def cycles(self) -> int:
        """Core cycles of one inference."""
        return sum(layer.cycles for layer in (*self.layers, self.overhead))

    @property
    def latency_ms(self) -> float:
        """Time of one inference at the board's clock."""
        return 1e3 * self.cycles / self.clock_hz


class Emulator:
    """An image on a board; every :meth:`run` starts from reset.

    Raises:
        UserError: no such image, not for a Cortex-M, or ``binary`` holds other bytes than the ELF file.
    """

    def __init__(self, elf: Path | str, board: Board, binary: Path | str | None = None) -> None:
        if board.target != "cortex-m" or board.clock_hz is None:
            raise UserError(Problem(f"board '{board.name}' is not emulated", supported="Cortex-M boards"))
        self.board, self.clock_hz = board, board.clock_hz
        self.image = read_elf(elf)
        self.flash = self.image.flash_image(board)
        if binary is not None and Path(binary).read_bytes() != self.flash:
            raise UserError(
                Problem(f"differs from {self.image.path.name}", where=str(binary), fix="build both again, in one go")
            )

    def run(
        self,
        inputs: Sequence[bytes],
        model: Model,
        snapshots: Sequence[Snapshot] = (),
        budget: int = BUDGET,
    ) -> EmulationResult:
        """Feeds the inputs one after the other through the UART.

        Args:
            inputs: at least one, each of the model's ``input_bytes``.
            budget: instructions allowed between two bytes on the UART.

        Raises:
            UserError: an input of the wrong size, or a symbol that is missing in the image.
            EmulationError: the firmware faults, hangs or answers something unexpected.
        """
        wrong = next((index for index, data in enumerate(inputs) if len(data) != model.input_bytes), None)
        if not inputs or wrong is not None:
            what = "no input" if wrong is None else f"input {wrong} has {len(inputs[wrong])} bytes"
            raise UserError(Problem(what, where=self.image.path.name, supported=f"{model.input_bytes} bytes per input"))
        contexts = self.contexts(model)
        ranges = {shot.layer: (self.image.symbol(shot.symbol).address + shot.offset, shot.size) for shot in snapshots}
        dumps: dict[str, list[bytes]] = {name: [] for name in ranges}

        def leave(context: int, run: int) -> None:
            name = contexts[context].name
            if context and name in ranges:
                dumps[name].append(machine.read(*ranges[name]))

        received = frames.requests(inputs)
        # leave is called even without snapshots: it is where Ctrl-C gets through
        with Machine(self.image, self.board, received, contexts, budget=budget, leave=leave) as machine:
            finished = machine.run()
        answers = frames.answers(finished.sent, len(inputs), model.output_bytes)
        costs = self._costs(finished, len(contexts), len(inputs))
        layers = [
            LayerCost(layer.name, cost.instructions, cost.cycles)
            for layer, cost in zip(model.layers, costs[1:], strict=True)
        ]
        return EmulationResult(
            outputs=answers.outputs,
            layers=layers,
            overhead=LayerCost(model.run, costs[0].instructions, costs[0].cycles),
            selftest_passed=answers.selftest_passed,
            stack_used=finished.stack_used,
            mips=finished.mips,
            clock_hz=self.clock_hz,
            sha256=hashlib.sha256(self.flash).hexdigest(),
            dumps=dumps,
        )

    def contexts(self, model: Model) -> list[Context]:
        """The functions that are counted separately: the run function, then the layers."""
        names = [(model.run, model.run), *((layer.name, layer.symbol) for layer in model.layers)]
        return [Context(name, self.image.symbol(symbol).address) for name, symbol in names]

    def _costs(self, finished: Finished, contexts: int, inputs: int) -> list[Cost]:
        """Mean cost per inference of context 1 (the run function's own), 2, ..."""
        if finished.runs != inputs:
            raise EmulationError(f"the model ran {finished.runs} times for {inputs} inputs", str(self.image.path))
        totals = price(self.image, finished.blocks, contexts)[1:]
        return [Cost(round(cost.instructions / inputs), round(cost.cycles / inputs)) for cost in totals]

"""Runs a model's firmware image on an emulated Cortex-M board and says what one inference costs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.boards import Board
from deploy.elf import read_elf
from deploy.operating_point import OperatingPoint
from edgekit.emulate import frames
from edgekit.emulate.code import Code
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.flash import FlashMemory, FlashWork
from edgekit.emulate.machine import Context, Finished, Machine
from edgekit.emulate.pricing import Cost, Prices, price
from edgekit.emulate.timing import CORES, Core
from edgekit.emulate.tracing import Tracing
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
        request, answer: what begins the frames of inputs and outputs.
    """

    run: str
    layers: tuple[LayerSymbol, ...]
    input_bytes: int
    output_bytes: int
    request: bytes = frames.INPUT
    answer: bytes = frames.OUTPUT


@dataclass(frozen=True)
class Snapshot:
    """Memory to be copied each time the layer's function has returned.

    Attributes:
        spans: (offset behind ``symbol``, bytes) for each of its calls in one inference.
    """

    layer: str
    symbol: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class EmulationResult:
    """What a run of many inferences gave.

    Attributes:
        outputs: one per input, as the firmware sent them.
        instructions: of one inference, the mean over all of them.
        stack_used: bytes of the stack that were written, None where the linker script marks no stack.
        mips: emulated instructions per second of this run, in millions.
        dumps: per layer, the snapshot's bytes of every inference, one call's after the other's.
        sha256: of the flashed image.
    """

    outputs: list[bytes]
    instructions: int
    selftest_passed: bool
    stack_used: int | None
    mips: float
    sha256: str
    dumps: dict[str, list[bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelCost:
    """What one inference costs at an operating point, caches warm.

    Attributes:
        layers: cost by layer, in the order given.
        overhead: what the run function spends outside of layers.
    """

    point: OperatingPoint
    layers: dict[str, Cost]
    overhead: Cost

    @property
    def total(self) -> Cost:
        return sum(self.layers.values(), self.overhead)


@dataclass(frozen=True, eq=False)
class Traced:
    """The events of one traced inference; they are the same at every clock."""

    board: Board
    model: Model
    code: Code
    finished: Finished

    def cost(self, point: OperatingPoint) -> ModelCost:
        """The price of the inference."""
        return self._cost(point, self._prices(point))

    def flash_waits(self, point: OperatingPoint) -> tuple[dict[str, int], dict[str, int]]:
        """Cycles lost to flash: by layer for its data, by function for its instructions."""
        prices = replace(self._prices(point), ram_fetch=0, ram_data=0, unaligned=0)
        functions = price(self.code, self.finished.blocks, prices, self.code.function)
        return (
            {name: cost.cycles.data for name, cost in self._cost(point, prices).layers.items()},
            {name: cost.cycles.fetch for name, cost in functions.items()},
        )

    def _cost(self, point: OperatingPoint, prices: Prices) -> ModelCost:
        costs = price(self.code, self.finished.blocks, prices, lambda row: int(row["context"]))
        layers = {layer.name: costs.get(index + 2, Cost()) for index, layer in enumerate(self.model.layers)}
        return ModelCost(point, layers, costs.get(1, Cost()))

    def _prices(self, point: OperatingPoint) -> Prices:
        return Prices.at(self.board, point, self.code.core, self.finished.prefetches)


@dataclass(frozen=True)
class Exchange:
    """What the firmware sent from reset until it waited for more, and what memory held then.

    Attributes:
        memory: bytes of each area that was asked for.
        flash: what was erased and programmed.
    """

    sent: bytes
    memory: list[bytes]
    stack_used: int | None
    mips: float
    flash: FlashWork


class _Copies:
    """What a snapshot has copied: ``dumps`` has one entry per inference."""

    def __init__(self, base: int, spans: Sequence[tuple[int, int]]) -> None:
        self.base, self.spans = base, spans
        self.calls = 0
        self.dumps: list[bytearray] = []

    def left(self, machine: Machine) -> None:
        """The layer's function has returned."""
        call = self.calls % len(self.spans)
        self.calls += 1
        if call == 0:
            self.dumps.append(bytearray())
        offset, size = self.spans[call]
        if size:
            self.dumps[-1] += machine.read(self.base + offset, size)


class Emulator:
    """An image on a board; every :meth:`run` starts from reset.

    ``core`` is another timing than the board's own.

    Raises:
        UserError: no such image, not for a Cortex-M, or ``binary`` holds other bytes than the ELF file.
    """

    def __init__(
        self, elf: Path | str, board: Board, binary: Path | str | None = None, core: Core | None = None
    ) -> None:
        if board.target != "cortex-m" or board.clock_hz is None:
            raise UserError(Problem(f"board '{board.name}' is not emulated", supported="Cortex-M boards"))
        self.board = board
        self.image = read_elf(elf)
        self.flash = self.image.flash_image(board)
        self._code = Code(self.image, core or CORES[board.core])
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
        self._check(inputs, model)
        contexts = self.contexts(model)
        copies = {shot.layer: _Copies(self.image.symbol(shot.symbol).address, shot.spans) for shot in snapshots}

        def leave(context: int, run: int) -> None:
            name = contexts[context].name
            if context and name in copies:
                copies[name].left(machine)

        received = frames.requests(inputs, model.request)
        with Machine(self.image, self.board, received, contexts, budget=budget, leave=leave) as machine:
            finished = machine.run()
        answers = frames.answers(finished.sent, len(inputs), model.output_bytes, model.answer)
        self._check_runs(finished, len(inputs))
        blocks = finished.blocks[finished.blocks["context"] > 0]
        return EmulationResult(
            outputs=answers.outputs,
            instructions=round(int((blocks["executions"] * blocks["instructions"]).sum()) / len(inputs)),
            selftest_passed=answers.selftest_passed,
            stack_used=finished.stack_used,
            mips=finished.mips,
            sha256=hashlib.sha256(self.flash).hexdigest(),
            dumps={name: list(map(bytes, one.dumps)) for name, one in copies.items()},
        )

    def exchange(
        self,
        received: bytes,
        areas: Sequence[tuple[str, int, int]] = (),
        flash: FlashMemory | None = None,
        budget: int = BUDGET,
    ) -> Exchange:
        """Sends bytes from reset on.

        Args:
            areas: (symbol, offset, bytes) of memory to read in the end.
            flash: what flash holds behind the image, and keeps; erased flash by default.

        Raises:
            EmulationError: the firmware faults or hangs.
        """
        with Machine(self.image, self.board, received, budget=budget, flash=flash) as machine:
            finished = machine.run()
            memory = [machine.read(self.image.symbol(name).address + at, size) for name, at, size in areas]
        return Exchange(finished.sent, memory, finished.stack_used, finished.mips, finished.flash)

    def trace(self, data: bytes, model: Model, budget: int = BUDGET, before: bytes | None = None) -> Traced:
        """Traces one inference of ``data``; the one before it warms the caches.

        Args:
            before: frames that come first instead of the same request: they bring states to where they are to be.

        Raises: as :meth:`run`.
        """
        self._check([data], model)
        first = frames.requests([data], model.request) if before is None else before
        tracing = Tracing(self._code, self.board)
        with Machine(
            self.image,
            self.board,
            first + frames.requests([data], model.request),
            self.contexts(model),
            budget=budget,
            measure_from=len(first),
            tracing=tracing,
        ) as machine:
            finished = machine.run()
        self._check_runs(finished, 1)
        return Traced(self.board, model, self._code, finished)

    def _check(self, inputs: Sequence[bytes], model: Model) -> None:
        wrong = next((index for index, data in enumerate(inputs) if len(data) != model.input_bytes), None)
        if not inputs or wrong is not None:
            what = "no input" if wrong is None else f"input {wrong} has {len(inputs[wrong])} bytes"
            raise UserError(Problem(what, where=self.image.path.name, supported=f"{model.input_bytes} bytes per input"))

    def _check_runs(self, finished: Finished, inputs: int) -> None:
        if finished.runs != inputs:
            raise EmulationError(f"the model ran {finished.runs} times for {inputs} inputs", str(self.image.path))

    def contexts(self, model: Model) -> list[Context]:
        """The functions that are counted separately: the run function, then the layers."""
        names = [(model.run, model.run), *((layer.name, layer.symbol) for layer in model.layers)]
        return [Context(name, self.image.symbol(symbol).address) for name, symbol in names]

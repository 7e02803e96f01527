"""Calls of a model with several entries on the emulated board: learn, classify, forget.

The calls between two resets are a life of the board; states that outlive power go from one life to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deploy.readout import split, stored_tensor
from edgekit.firmware import Firmware
from quant.dtypes import DType, to_bytes
from quant.errors import Problem, UserError, unknown
from quant.interchange.read import read_model
from quant.reference import initial_states, run_sequence

if TYPE_CHECKING:
    from deploy.operating_point import OperatingPoint
    from edgekit.cluster_cost import ClusterCost
    from edgekit.emulate.cortex_m import Traced
    from edgekit.emulate.flash import FlashMemory, FlashWork

Values = Mapping[str, NDArray]


@dataclass(frozen=True, eq=False)
class Call:
    """A call of an entry with inputs ``(*shape)`` by name."""

    entry: str
    inputs: Values


@dataclass(frozen=True, eq=False)
class Answer:
    """What a call gave: an ek_status (:data:`deploy.status.MEANINGS`) and outputs ``(*shape)`` by name."""

    entry: str
    status: int
    outputs: Values


@dataclass(frozen=True, eq=False)
class Session:
    """What the board answered to each call of a life, and the states in the end, ``(*shape)`` by name."""

    answers: list[Answer]
    states: Values


@dataclass(frozen=True, eq=False)
class Life(Session):
    """A session on the board.

    Attributes:
        kept: an ek_nvm_status (:data:`edgekit.emulate.frames.KEPT_MEANINGS`): what was found in flash at its
            beginning; None where no state outlives power.
        flash: what was erased and programmed.
        costs: of each call, on a cluster.
    """

    kept: int | None
    flash: FlashWork
    selftest_passed: bool
    stack_used: int | None
    mips: float
    costs: list[ClusterCost] = field(default_factory=list)


@dataclass(frozen=True)
class Learner:
    """A firmware whose model has several entries."""

    firmware: Firmware

    @cached_property
    def entries(self) -> list[Mapping[str, Any]]:
        """Facts of the entries, by number; raises UserError where there is only one."""
        found = self.firmware.facts.get("entries", [])
        if len(found) < 2:
            what, fix = "its model has one entry", "build a model that has the entries classify, learn and forget"
            raise UserError(Problem(what, f"firmware folder {self.firmware.folder}", "several entries", fix))
        return list(found)

    def entry(self, name: str) -> Mapping[str, Any]:
        """The entry of that name; raises UserError naming the nearest one."""
        for facts in self.entries:
            if facts["name"] == name:
                return facts
        raise unknown("entry", name, [facts["name"] for facts in self.entries])

    def sample(self, name: str) -> Mapping[str, Any]:
        """The input of an entry that is no label; raises UserError where there is not exactly one."""
        entry = self.entry(name)
        found = [t for t in entry["inputs"] if entry["label"] is None or t["name"] != entry["label"]["input"]]
        if len(found) != 1:
            raise UserError(Problem(f"it takes {len(found)} inputs besides its label", f"entry '{name}'", "one sample"))
        return dict(found[0])

    def call(self, name: str, sample: NDArray | None = None, label: int | None = None) -> Call:
        """A call with a sample ``(*shape)``, a label or both, as the entry takes them."""
        entry, inputs = self.entry(name), {}
        for tensor in entry["inputs"]:
            is_label = entry["label"] is not None and tensor["name"] == entry["label"]["input"]
            value = np.array([label], np.int32) if is_label else sample
            assert value is not None, name
            inputs[tensor["name"]] = value
        return Call(name, inputs)

    def run(self, calls: Sequence[Call], flash: FlashMemory | None = None) -> Life:
        """The calls, one after the other from reset.

        Args:
            flash: what it holds outlives the run; erased flash by default.

        Raises:
            UserError: not built for an emulated board, unicorn missing, or the firmware faults or hangs.
        """
        from edgekit.emulate import frames

        facts, emulator = self.firmware.facts, self.firmware.emulator()[0]
        arena = f"{facts['prefix']}_arena"
        areas = [(arena, state["offset"], state["bytes"]) for state in facts["states"]]
        found = emulator.exchange(b"".join(map(self._request, calls)), areas, flash)
        sizes = [sum(t["bytes"] for t in self.entry(call.entry)["outputs"]) for call in calls]
        passed, kept, returned = frames.returned(found.sent, sizes)
        answers = self._answers(calls, [(one.status, one.outputs) for one in returned])
        return Life(answers, self._states(found.memory), kept, found.flash, passed, found.stack_used, found.mips)

    def simulate(self, calls: Sequence[Call], point: OperatingPoint, cores: int | None = None) -> Life:
        """The same on a simulated cluster, which has no flash for states.

        Raises:
            UserError: not built for a cluster, or more cores than it has.
        """
        from edgekit.emulate.flash import NO_WORK

        numbers = [self.entries.index(self.entry(call.entry)) for call in calls]
        sizes = [sum(t["bytes"] for t in self.entries[number]["outputs"]) for number in numbers]
        data = list(map(self._data, calls))
        found = self.firmware.simulator().call(list(zip(numbers, data, sizes, strict=True)), point, cores)
        answers, states = self._answers(calls, found.answers), self._states(found.states)
        return Life(answers, states, None, NO_WORK, found.selftest_passed, found.stack_used, found.mips, found.costs)

    def _answers(self, calls: Sequence[Call], given: Sequence[tuple[int, bytes]]) -> list[Answer]:
        return [
            Answer(call.entry, status, split(data, self.entry(call.entry)["outputs"]))
            for call, (status, data) in zip(calls, given, strict=True)
        ]

    def _states(self, memory: Sequence[bytes]) -> Values:
        pairs = zip(self.firmware.facts["states"], memory, strict=True)
        return {state["name"]: stored_tensor(data, state) for state, data in pairs}

    def lives(self, calls: Sequence[Sequence[Call]]) -> list[Life]:
        """Life after life of a board whose power goes in between, from erased flash on.

        Raises:
            UserError: as :meth:`run`, or no state outlives power on this board.
        """
        from edgekit.emulate.flash import FlashMemory

        facts = self.firmware.facts
        if len(calls) > 1 and (facts["nvm"] is None or facts["nvm"]["kept_in"] != "flash"):
            what, fix = (
                "all of its states are lost with power",
                "states with storage nvm, on a board that writes its flash",
            )
            raise UserError(Problem(what, f"model '{facts['model']}' on '{facts['board']}'", "stm32l475", fix))
        flash = FlashMemory(self.firmware.board) if len(calls) > 1 else None
        return [self.run(life, flash) for life in calls]

    def trace(self, calls: Sequence[Call]) -> Traced:
        """Trace the last one of some calls, which can then be priced at any clock; raises as :meth:`run`.

        The others come first, and so does itself once more: states and caches are what they are in use.
        """
        from edgekit.emulate import frames
        from edgekit.emulate.cortex_m import LayerSymbol, Model

        call = calls[-1]
        entry = self.entry(call.entry)
        layers = [layer for layer in self.firmware.facts["layers"] if layer["name"] in entry["layers"]]
        data = self._data(call)
        model = Model(
            entry["function"],
            tuple(LayerSymbol(layer["name"], layer["symbol"]) for layer in layers),
            len(data),
            sum(tensor["bytes"] for tensor in entry["outputs"]),
            frames.call(self.entries.index(entry)),
            frames.RETURNED,
        )
        return self.firmware.emulator()[0].trace(data, model, before=b"".join(map(self._request, calls)))

    def trace_save(self) -> Traced:
        """Trace what the core does to save the states, besides waiting for flash; raises as :meth:`run`."""
        from edgekit.emulate import frames
        from edgekit.emulate.cortex_m import Model

        model = Model("ek_nvm_save", (), 0, 0, frames.SAVE, frames.KEPT)
        return self.firmware.emulator()[0].trace(b"", model)

    def expected(self, lives: Sequence[Sequence[Call]]) -> list[Session]:
        """The same calls by the NumPy reference, on the model.onnx next to the image; statuses are 0."""
        graph = read_model(self.firmware.folder / "model.onnx")
        lasting = {state.input for state in graph.states if state.storage == "nvm"}
        states: dict[str, NDArray] = {}
        sessions = []
        for calls in lives:
            states = initial_states(graph) | {name: value for name, value in states.items() if name in lasting}
            answers = []
            for call in calls:
                values, states = run_sequence(graph, {n: v[None] for n, v in call.inputs.items()}, states, call.entry)
                answers.append(Answer(call.entry, 0, {n: values[n][0] for n in graph.entry(call.entry).outputs}))
            sessions.append(Session(answers, states))
        return sessions

    def _request(self, call: Call) -> bytes:
        from edgekit.emulate import frames

        return frames.call(self.entries.index(self.entry(call.entry))) + self._data(call)

    def _data(self, call: Call) -> bytes:
        inputs = self.entry(call.entry)["inputs"]
        return b"".join(to_bytes(call.inputs[t["name"]], DType(t["dtype"])) for t in inputs)


def first_difference(found: Session, expected: Session) -> str | None:
    """The first output or state that differs, in words; None where all bytes are equal."""
    for number, (one, other) in enumerate(zip(found.answers, expected.answers, strict=True)):
        for name, value in one.outputs.items():
            if not np.array_equal(value, other.outputs[name]):
                return f"call {number} ({one.entry}), output '{name}'"
    for name, value in found.states.items():
        if not np.array_equal(value, expected.states[name]):
            return f"state '{name}'"
    return None

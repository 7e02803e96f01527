"""Calls of a model with several entries on the emulated board: learn, classify, forget, in one run from one reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    from edgekit.emulate.cortex_m import Traced

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
    """What the board answered to each call, and the states that it held in the end, ``(*shape)`` by name."""

    answers: list[Answer]
    states: Values
    selftest_passed: bool
    stack_used: int | None
    mips: float


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

    def run(self, calls: Sequence[Call]) -> Session:
        """The calls, one after the other from reset.

        Raises:
            UserError: not built for an emulated board, unicorn missing, or the firmware faults or hangs.
        """
        from edgekit.emulate import frames

        facts, emulator = self.firmware.facts, self.firmware.emulator()[0]
        arena = f"{facts['prefix']}_arena"
        areas = [(arena, state["offset"], state["bytes"]) for state in facts["states"]]
        found = emulator.exchange(b"".join(map(self._request, calls)), areas)
        sizes = [sum(t["bytes"] for t in self.entry(call.entry)["outputs"]) for call in calls]
        passed, returned = frames.returned(found.sent, sizes)
        answers = [
            Answer(call.entry, one.status, split(one.outputs, self.entry(call.entry)["outputs"]))
            for call, one in zip(calls, returned, strict=True)
        ]
        memory = zip(facts["states"], found.memory, strict=True)
        states = {state["name"]: stored_tensor(data, state) for state, data in memory}
        return Session(answers, states, passed, found.stack_used, found.mips)

    def trace(self, call: Call) -> Traced:
        """Trace a call, made twice from reset, which can then be priced at any clock; raises as :meth:`run`."""
        from edgekit.emulate import frames
        from edgekit.emulate.cortex_m import LayerSymbol, Model

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
        return self.firmware.emulator()[0].trace(data, model)

    def expected(self, calls: Sequence[Call]) -> Session:
        """The same calls by the NumPy reference, on the model.onnx next to the image."""
        graph = read_model(self.firmware.folder / "model.onnx")
        states: Values = initial_states(graph)
        answers = []
        for call in calls:
            values, states = run_sequence(graph, {n: v[None] for n, v in call.inputs.items()}, states, call.entry)
            answers.append(Answer(call.entry, 0, {n: values[n][0] for n in graph.entry(call.entry).outputs}))
        return Session(answers, states, True, None, 0.0)

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

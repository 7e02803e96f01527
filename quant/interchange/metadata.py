"""What ONNX has no place for - scales, entries, states, facts about the model - as JSON in a metadata property."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onnx import ModelProto

from quant.dtypes import DType, from_bytes, to_bytes
from quant.errors import Problem, Unsupported
from quant.graph import Entry, Graph, State, Tensor
from quant.ops.base import require

KEY = "edgekit"
FORMAT = 1
STORAGES = ("ram", "nvm")


@dataclass(frozen=True)
class StateRecord:
    """A state whose initial value still waits for its tensor's shape and type."""

    input: str
    output: str
    storage: Any
    initial: bytes
    also: tuple[str, ...] = ()

    def of(self, dtype: DType, shape: tuple[int, ...]) -> State:
        """Raises Unsupported when the initial value does not fit."""
        size = dtype.nbytes(shape)
        what = f"its initial value has {len(self.initial)} bytes"
        require(len(self.initial) == size, what, f"{size} bytes for {dtype.value} {shape}")
        return State(self.input, self.output, from_bytes(self.initial, dtype, shape), self.storage, self.also)


@dataclass(frozen=True)
class Metadata:
    """Parsed and checked; tensors, entries and states are empty where the file has no such property."""

    info: Mapping[str, Any] = field(default_factory=dict)
    scales: Mapping[str, float | None] = field(default_factory=dict)
    zero_points: Mapping[str, int] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    states: tuple[StateRecord, ...] = ()


def dump(graph: Graph) -> str:
    """The property's value for ``graph``; equal graphs give equal text."""

    def quantization(tensor: Tensor) -> dict[str, Any]:
        return {"dtype": tensor.dtype.value, "scale": tensor.scale, "zero_point": tensor.zero_point}

    content = {
        "format": FORMAT,
        "tensors": {name: quantization(tensor) for name, tensor in graph.tensors.items()},
        "entries": [
            {
                "name": e.name,
                "inputs": list(e.inputs),
                "outputs": list(e.outputs),
                **({"updates": list(e.updates)} if e.updates else {}),
            }
            for e in graph.entries
        ],
        "states": [
            {
                "input": s.input,
                "output": s.output,
                "storage": s.storage,
                "initial": to_bytes(s.initial, graph.tensors[s.input].dtype).hex(),
                **({"also": list(s.also)} if s.also else {}),
            }
            for s in graph.states
        ],
        "info": dict(graph.info),
    }
    return json.dumps(content, sort_keys=True)


def parse(proto: ModelProto, problems: list[Problem]) -> Metadata:
    """The model's metadata; what is wrong with it goes to ``problems``."""
    for entry in proto.metadata_props:
        if entry.key == KEY:
            try:
                return _metadata(entry.value)
            except Unsupported as fault:
                where = f"metadata property '{KEY}'"
                problems.append(Problem(fault.what, where, fault.supported, fault.fix))
    return Metadata()


def _metadata(text: str) -> Metadata:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise Unsupported("it is not JSON", fix="write the model again with EdgeKit") from None
    require(isinstance(content, dict) and content.get("format") == FORMAT, "unknown format", f"format {FORMAT}")
    tensors = _field(content, "", "tensors", dict, {})
    for name, facts in tensors.items():
        require(isinstance(facts, dict), f"tensors.{name} is not an object", "scale, zero_point, dtype")
    return Metadata(
        _field(content, "", "info", dict, {}),
        {name: _scale(facts, f"tensors.{name}.") for name, facts in tensors.items()},
        {n: _field(facts, f"tensors.{n}.", "zero_point", int, 0) for n, facts in tensors.items()},
        tuple(_entry(item, f"entries.{i}.") for i, item in enumerate(_list(content, "entries", dict))),
        tuple(_state(item, f"states.{i}.") for i, item in enumerate(_list(content, "states", dict))),
    )


def _scale(facts: Any, path: str) -> float | None:
    scale = facts.get("scale")
    if scale is None:
        return None
    number = isinstance(scale, int | float) and not isinstance(scale, bool)
    require(number and abs(scale) < 2**128, f"{path}scale is {str(scale)[:40]}", "a finite positive float32 number")
    return float(scale)


def _entry(item: Any, path: str) -> Entry:
    names = (_list(item, key, str, path) for key in ("inputs", "outputs", "updates"))
    inputs, outputs, updates = (tuple(column) for column in names)
    return Entry(_field(item, path, "name", str), inputs, outputs, updates)


def _state(item: Any, path: str) -> StateRecord:
    try:
        initial = bytes.fromhex(_field(item, path, "initial", str))
    except ValueError:
        raise Unsupported(f"{path}initial is not hexadecimal", "two digits per byte") from None
    storage = _field(item, path, "storage", str)
    require(storage in STORAGES, f"{path}storage is '{storage}'", " or ".join(STORAGES))
    before, after = _field(item, path, "input", str), _field(item, path, "output", str)
    return StateRecord(before, after, storage, initial, tuple(_list(item, "also", str, path)))


def _field(content: Any, path: str, key: str, kind: type, default: Any = None) -> Any:
    value = content.get(key, default)
    fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    require(fits, f"{path}{key} is missing or has the wrong type", kind.__name__)
    return value


def _list(content: Any, key: str, kind: type, path: str = "") -> list[Any]:
    items = _field(content, path, key, list, [])
    fits = all(isinstance(item, kind) for item in items)
    require(fits, f"{path}{key} holds other things than expected", f"list of {kind.__name__}")
    return items

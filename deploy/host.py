"""Runs a ``host`` build in this process, as a whole or layer by layer."""

from __future__ import annotations

import _ctypes
import ctypes
import json
import weakref
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deploy.build import BUILD_FILE
from deploy.readout import assembled, order, reads, split, stored_tensor
from quant.dtypes import DType, to_bytes


class HostModel:
    """The shared library of a ``host`` build."""

    def __init__(self, folder: Path) -> None:
        self.facts = json.loads((folder / BUILD_FILE).read_text(encoding="utf-8"))
        self._library = ctypes.CDLL(str((folder / "libmodel.so").resolve()))
        # The loader knows libraries by inode: one that stays loaded would answer for a later build in its place.
        weakref.finalize(self, _ctypes.dlclose, self._library._handle)
        prefix = self.facts["prefix"]
        arena = (ctypes.c_uint8 * self.facts["bytes"]["arena"]).in_dll(self._library, f"{prefix}_arena")
        self._arena = memoryview(arena).cast("B")
        self._run = self._library.ek_model_run
        self._reset = getattr(self._library, f"{prefix}_reset") if self.facts["state_bytes"] else lambda: None
        self._layers = [getattr(self._library, layer["symbol"]) for layer in self.facts["layers"]]

    def selftest(self) -> bool:
        return self._library.ek_model_selftest() == 0

    def run(self, inputs: dict[str, NDArray]) -> dict[str, NDArray]:
        """Outputs ``(N, *shape)`` for inputs ``(N, *shape)`` by tensor name; states begin with their initial values."""
        self._reset()
        given, wanted = self.facts["inputs"], self.facts["outputs"]
        buffer = ctypes.create_string_buffer(sum(t["bytes"] for t in wanted))
        outputs: dict[str, list[NDArray]] = {t["name"]: [] for t in wanted}
        for sample in range(len(next(iter(inputs.values())))):
            data = b"".join(to_bytes(inputs[t["name"]][sample], DType(t["dtype"])) for t in given)
            self._run(data, buffer)
            for name, value in split(buffer.raw, wanted).items():
                outputs[name].append(value)
        return {name: np.array(values) for name, values in outputs.items()}

    def reset(self) -> None:
        """Give the states their initial values."""
        self._reset()

    def call(self, entry: str, inputs: dict[str, NDArray]) -> tuple[int, dict[str, NDArray]]:
        """Status and outputs ``(*shape)`` of one call of an entry of several, whose states go on from the call before.

        Args:
            inputs: ``(*shape)`` by tensor name.
        """
        number, facts = next((i, e) for i, e in enumerate(self.facts["entries"]) if e["name"] == entry)
        data = b"".join(to_bytes(inputs[t["name"]], DType(t["dtype"])) for t in facts["inputs"])
        buffer = ctypes.create_string_buffer(sum(t["bytes"] for t in facts["outputs"]))
        status = int(self._library.ek_model_call(number, data, buffer))
        return status, split(buffer.raw, facts["outputs"])

    def states(self) -> dict[str, NDArray]:
        """The states ``(*shape)`` by input tensor, as they lie in memory."""
        found = {}
        for state in self.facts["states"]:
            memory = bytes(self._arena[state["offset"] : state["offset"] + state["bytes"]])
            found[state["name"]] = stored_tensor(memory, state)
        return found

    def trace(self, inputs: dict[str, NDArray]) -> dict[str, NDArray]:
        """Every layer's output ``(N, *shape)`` of the first entry, read from the arena right after the layer ran.

        Where only a part of it is computed (:func:`computed_parts`), that part. States begin with their initial values.
        """
        self._reset()
        mine = self.facts["entries"][0]["layers"]
        layers, functions = zip(
            *((ly, f) for ly, f in zip(self.facts["layers"], self._layers, strict=True) if ly["name"] in mine),
            strict=True,
        )
        spans = [reads(layer) for layer in layers]
        rows: dict[str, list[NDArray]] = {layer["output"]["name"]: [] for layer in layers}
        for sample in range(len(next(iter(inputs.values())))):
            for t in self.facts["inputs"]:
                data = to_bytes(inputs[t["name"]][sample], DType(t["dtype"]))
                self._arena[t["offset"] : t["offset"] + t["bytes"]] = data
            found = [b""] * len(layers)
            for index, call in order(layers):
                functions[index](*([call] if layers[index]["cut"] != [1, 1, 1] else []))
                offset, size = spans[index][call]
                found[index] += bytes(self._arena[offset : offset + size])
            for layer, data in zip(layers, found, strict=True):
                rows[layer["output"]["name"]].append(assembled(layer, data))
        return {name: np.array(values) for name, values in rows.items()}

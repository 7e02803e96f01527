"""Runs a ``host`` build in this process, as a whole or layer by layer."""

from __future__ import annotations

import _ctypes
import ctypes
import json
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.build import BUILD_FILE
from deploy.layout import Layout
from quant.dtypes import DType, from_bytes, to_bytes


def stored_tensor(memory: bytes, facts: dict[str, Any]) -> NDArray:
    """A tensor, in logical shape, from the bytes that ``facts`` (an entry of build.json) says it occupies."""
    dtype = DType(facts["dtype"])
    layout = Layout(tuple(facts["layout"]["view"]), tuple(facts["layout"]["perm"]))
    shape = tuple(facts["shape"])
    flat = from_bytes(memory, dtype, (int(np.prod(shape)),))
    return layout.load(flat, shape)


def computed_parts(facts: Mapping[str, Any]) -> dict[str, tuple[slice, ...]]:
    """By layer output, what of it a build (``facts``: its build.json) computes, where that is not all of it."""
    outputs = [layer["output"] for layer in facts["layers"]]
    return {t["name"]: tuple(slice(*bounds) for bounds in t["part"]) for t in outputs if "part" in t}


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
            at = 0
            for t in wanted:
                outputs[t["name"]].append(
                    from_bytes(buffer.raw[at : at + t["bytes"]], DType(t["dtype"]), tuple(t["shape"]))
                )
                at += t["bytes"]
        return {name: np.array(values) for name, values in outputs.items()}

    def trace(self, inputs: dict[str, NDArray]) -> dict[str, NDArray]:
        """Every layer's output ``(N, *shape)``, read from the arena right after the layer ran.

        Where only a part of it is computed (:func:`computed_parts`), that part. States begin with their initial values.
        """
        self._reset()
        rows: dict[str, list[NDArray]] = {layer["output"]["name"]: [] for layer in self.facts["layers"]}
        for sample in range(len(next(iter(inputs.values())))):
            for t in self.facts["inputs"]:
                data = to_bytes(inputs[t["name"]][sample], DType(t["dtype"]))
                self._arena[t["offset"] : t["offset"] + t["bytes"]] = data
            for layer, function in zip(self.facts["layers"], self._layers, strict=True):
                function()
                t = layer["output"]
                memory = bytes(self._arena[t["offset"] : t["offset"] + t["bytes"]])
                rows[t["name"]].append(stored_tensor(memory, t))
        return {name: np.array(values) for name, values in rows.items()}

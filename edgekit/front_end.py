"""The float front end of a firmware: features on this computer and on the emulated board, what a window costs, and how
far float32 is from the float64 that the classifier was fitted in."""

from __future__ import annotations

import _ctypes
import ctypes
import json
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deploy.build import BUILD_FILE
from deploy.operating_point import OperatingPoint
from edgekit.energy import energy_mj, latency_ms
from edgekit.firmware import Firmware
from quant.errors import Problem, UserError
from quant.feature_error import bounds
from quant.front_end import front_end
from quant.graph import Graph

if TYPE_CHECKING:
    from edgekit.emulate.cortex_m import Emulator, Model, Traced

# Functions of firmware/features/riemann.h by the stage that they are.
STAGES = {
    "filter": "ek_features_filter",
    "products": "ek_features_gram",
    "whitening": "ek_features_product",
    "reflections": "ek_features_reflect",
    "rotations": "ek_features_rotate",
    "quantization": "ek_features_store",
}
BOARD_WINDOWS = 3  # that the emulated board computes too; the host's C gives the same bytes, and faster
BOUNDED = 3  # windows whose bounds are computed


class HostFrontEnd:
    """The front end in the shared library of a ``host`` build."""

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / BUILD_FILE).read_text(encoding="utf-8"))
        self._library = ctypes.CDLL(str((folder / "libmodel.so").resolve()))
        weakref.finalize(self, _ctypes.dlclose, self._library._handle)
        self._function = getattr(self._library, facts["front_end"]["function"])
        self._elements = facts["inputs"][0]["bytes"] // 2

    def features(self, windows: NDArray[np.int16]) -> NDArray[np.int16]:
        """(N, features in memory order) int16, of windows (N, channels, samples)."""
        out = np.zeros((len(windows), self._elements), np.int16)
        for window, row in zip(np.ascontiguousarray(windows), out, strict=True):
            self._function(ctypes.c_void_p(window.ctypes.data), ctypes.c_void_p(row.ctypes.data))
        return out


class EmulatedFrontEnd:
    """Runs windows of int16 samples (channels, samples) through the firmware's front end.

    Raises:
        UserError: the firmware has none, with the reason, or is not emulated.
    """

    def __init__(self, firmware: Firmware) -> None:
        facts: dict[str, Any] | None = firmware.facts.get("front_end")
        where = f"firmware folder {firmware.folder}"
        if facts is None:
            raise UserError(Problem("its model has no front end", where, "models of fitted features"))
        if facts["function"] is None:
            raise UserError(Problem(facts["reason"], where, "boards with an FPU"))
        self.firmware, self.facts = firmware, facts

    def features(self, windows: NDArray[np.int16]) -> NDArray[np.int16]:
        """(N, *input's shape in memory order) int16, of windows (N, channels, samples)."""
        emulator, model = self._model()
        result = emulator.run(self._bytes(windows), model)
        return np.array([np.frombuffer(answer, "<i2") for answer in result.outputs])

    def outputs(self, windows: NDArray[np.int16]) -> list[bytes]:
        """The model's output of every window: front end and graph, one after the other, on the board."""
        from edgekit.emulate import frames

        emulator, model = self.firmware.emulator()
        whole = replace(model, input_bytes=self.facts["sample_bytes"], request=frames.SAMPLES)
        return emulator.run(self._bytes(windows), whole).outputs

    def trace(self, window: NDArray[np.int16]) -> Traced:
        """One window, which can then be priced at any clock; its layers are :data:`STAGES`."""
        emulator, model = self._model()
        return emulator.trace(self._bytes(window[None])[0], model)

    def _model(self) -> tuple[Emulator, Model]:
        from edgekit.emulate import frames
        from edgekit.emulate.cortex_m import LayerSymbol, Model

        emulator, whole = self.firmware.emulator()
        stages = tuple(LayerSymbol(*pair) for pair in STAGES.items() if pair[1] in emulator.image.symbols)
        sizes = self.facts["sample_bytes"], whole.input_bytes
        return emulator, Model(self.facts["function"], stages, *sizes, frames.TO_FEATURES, frames.TO_FEATURES)

    def _bytes(self, windows: NDArray[np.int16]) -> list[bytes]:
        shape = (self.facts["channels"], self.facts["samples"])
        if windows.dtype != np.int16 or windows.shape[1:] != shape:
            raise UserError(Problem(f"windows are {windows.dtype} {windows.shape}", "front end", f"int16 (N, {shape})"))
        return [np.ascontiguousarray(window, "<i2").tobytes() for window in windows]


@dataclass(frozen=True, eq=False)
class Measured:
    """What a run finds out about its front end.

    Attributes:
        report: the entry ``front_end`` of report.json.
        features: (N, features in memory order) int16 as devices compute them; None where the board has no front end.
        faults: what is wrong, in words.
    """

    report: dict[str, Any]
    features: NDArray[np.int16] | None
    faults: tuple[str, ...] = ()


def measure(
    firmware: Firmware,
    host: Path,
    graph: Graph,
    windows: NDArray[np.int16],
    wanted: NDArray[np.int16],
    point: OperatingPoint,
    cores: int | None = None,
) -> Measured:
    """Features of test windows on a device against those in float64.

    Args:
        host: folder of the same model's build for this computer.
        windows: (N, channels, samples) int16.
        wanted: their features in float64, quantized, (N, features in memory order) int16.
    """
    facts, front = firmware.facts["front_end"], front_end(graph)
    assert front is not None
    if facts["function"] is None:
        return Measured({"reason": facts["reason"], "lines": [f"samples   {facts['reason']}"]}, None)
    features = HostFrontEnd(host).features(windows)
    some = windows[:BOARD_WINDOWS]
    on_board, cycles, stages = _on_board(firmware, some, point, cores)
    wrong = np.argwhere(on_board != features[: len(some)])
    faults = [f"features differ between this computer and {firmware.board.name}: {wrong[0]}"] if len(wrong) else []
    apart = abs(features.astype(np.int32) - wanted)
    limits = [bounds(front, window).features.max() / front.scale for window in windows[:BOUNDED]]
    bound = float(np.ceil(max(limits))) if np.isfinite(limits).all() else None
    report = {
        "reason": None,
        "cycles": cycles,
        **latency_ms(firmware.board, point, cycles).as_json("latency_ms"),
        **energy_mj(firmware.board, point, cycles).as_json("energy_mj"),
        "stages": stages,
        "windows": len(windows),
        "on_board": len(some),
        "features": int(apart.size),
        "different": int((apart != 0).sum()),
        "largest": int(apart.max()),
        "bound": bound,
    }
    return Measured({**report, "lines": _lines(report)}, features, tuple(faults))


def _on_board(
    firmware: Firmware, windows: NDArray[np.int16], point: OperatingPoint, cores: int | None
) -> tuple[NDArray[np.int16], int, dict[str, int]]:
    """Features, cycles of one window, and of its stages."""
    if firmware.board.cluster:
        features, _, cycles = firmware.simulator().features(windows, point, cores)
        return features, cycles, {}
    emulated = EmulatedFrontEnd(firmware)
    cost = emulated.trace(windows[0]).cost(point)
    stages = {name: one.cycles.total for name, one in cost.layers.items()}
    return emulated.features(windows), cost.total.cycles.total, {**stages, "rest": cost.overhead.cycles.total}


def _lines(report: dict[str, Any]) -> list[str]:
    """The report in words."""
    share = 100 * report["different"] / report["features"]
    bound = "no bound" if report["bound"] is None else f"bound {report['bound']:,.0f}"
    return [
        f"features  {report['latency_ms']:.1f} ms, {report['cycles']:,} cycles, {report['energy_mj']:.2f} mJ from"
        " samples to features, before each inference",
        f"          same bytes on this computer and the board ({report['on_board']} windows); against float64"
        f" {share:.2f} % of {report['features']:,}",
        f"          differ, by {report['largest']} at most ({bound})",
    ]


def changes(
    bits: tuple[NDArray, NDArray], labels: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[dict[str, int], list[str]]:
    """What other features change in a classifier's bits (N, D) and decisions (N,), each as float64 gives it and as the
    device does: for the report, and in words."""
    facts = {
        "bits": int(bits[0].size),
        "flipped": int((bits[0] != bits[1]).sum()),
        "decisions": len(labels[0]),
        "changed": int((labels[0] != labels[1]).sum()),
    }
    flipped = f"{facts['flipped']:,} of {facts['bits']:,} bits flip"
    return facts, [f"          {flipped}, {facts['changed']} of {facts['decisions']} decisions change"]

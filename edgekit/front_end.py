"""The float front end of a firmware on its emulated board: features, and what a window costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit.firmware import Firmware
from quant.errors import Problem, UserError

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

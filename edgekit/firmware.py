"""A folder that ``edgekit build`` wrote, run on the emulated board."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deploy.boards import Board, load_board
from deploy.build import BUILD_FILE
from deploy.readout import assembled, reads
from quant.dtypes import DType, from_bytes, to_bytes
from quant.errors import Problem, UserError

if TYPE_CHECKING:
    from edgekit.emulate.cortex_m import EmulationResult, Emulator, Model, Traced
    from edgekit.emulate.timing import Core
    from edgekit.simulation import Simulator


@dataclass(frozen=True, eq=False)
class Emulation:
    """What the emulated board did.

    Attributes:
        outputs: (N, *shape) as sent over the UART.
        layers: tensor name -> (N, *shape), copied from the arena after each layer; empty unless asked for.
        result: instructions, stack, self-test.
    """

    outputs: NDArray
    layers: dict[str, NDArray]
    result: EmulationResult


@dataclass(frozen=True)
class Firmware:
    """The facts of ``build.json`` and the image next to it."""

    folder: Path
    facts: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Firmware:
        """Read ``folder``; raises UserError when it is no build for a board that can be emulated."""
        path, where = folder / BUILD_FILE, f"firmware folder {folder}"
        fix = "give the folder that 'edgekit build --out' wrote"
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            version = facts["format"]
        except FileNotFoundError:
            raise UserError(Problem(f"it holds no {BUILD_FILE}", where, fix=fix)) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(Problem(f"its {BUILD_FILE} cannot be read", where, fix="build it again")) from None
        if version != 1:
            raise UserError(
                Problem(f"its format is {version}", where, "format 1", "build it with this version of EdgeKit")
            )
        return cls(folder, facts)

    @cached_property
    def board(self) -> Board:
        return load_board(self.facts["board"])

    @property
    def input(self) -> dict[str, Any]:
        """The one input; raises UserError for models with several."""
        if len(self.facts["inputs"]) != 1:
            names = ", ".join(tensor["name"] for tensor in self.facts["inputs"])
            raise UserError(Problem(f"it has {len(self.facts['inputs'])} inputs ({names})", "model", "one input"))
        return self.facts["inputs"][0]

    def emulate(self, inputs: NDArray, *, layers: bool = False) -> Emulation:
        """Run ``inputs`` (N, *shape), one inference after the other from one reset.

        Args:
            layers: also return every layer's output.

        Raises:
            UserError: not built for an emulated board, unicorn missing, or the firmware faults or hangs.
        """
        from edgekit.emulate.cortex_m import Snapshot

        arena, kept = f"{self.facts['prefix']}_arena", self._own_layers() if layers else []
        shots = [Snapshot(layer["name"], arena, tuple(reads(layer))) for layer in kept]
        emulator, model = self.emulator()
        result = emulator.run([to_bytes(sample, DType(self.input["dtype"])) for sample in inputs], model, shots)
        tensors = {
            layer["output"]["name"]: np.array([assembled(layer, data) for data in result.dumps[layer["name"]]])
            for layer in kept
        }
        return Emulation(self._outputs(result.outputs), tensors, result)

    def trace(self, sample: NDArray, board: Board | None = None, core: Core | None = None) -> Traced:
        """Trace one inference of ``sample`` (*shape), which can then be priced at any clock.

        Args:
            board, core: other assumptions about memories and timing than the board's own.

        Raises: as :meth:`emulate`.
        """
        emulator, model = self.emulator(board, core)
        return emulator.trace(to_bytes(sample, DType(self.input["dtype"])), model)

    def simulator(self) -> Simulator:
        """The image on the simulated cluster; raises UserError where it was not built for one."""
        from edgekit.simulation import Simulator

        if self.board.cluster is None:
            raise UserError(Problem(f"it was built for '{self.board.name}'", f"firmware folder {self.folder}"))
        return Simulator(self.folder, self.facts, self.board)

    def emulator(self, board: Board | None = None, core: Core | None = None) -> tuple[Emulator, Model]:
        """The image on its emulated board, and what to ask of it; raises as :meth:`emulate`."""
        from edgekit.emulate.cortex_m import Emulator, LayerSymbol, Model

        facts = self.facts
        if self.board.target != "cortex-m":
            fix = "build it for a Cortex-M board; a host build is run as the command 'model' in its folder"
            raise UserError(Problem(f"it was built for '{self.board.name}'", f"firmware folder {self.folder}", fix=fix))
        model = Model(
            facts["function"],
            tuple(LayerSymbol(layer["name"], layer["symbol"]) for layer in self._own_layers()),
            self.input["bytes"],
            sum(tensor["bytes"] for tensor in facts["outputs"]),
        )
        elf, binary = self.folder / "firmware.elf", self.folder / "firmware.bin"
        return Emulator(elf, board or self.board, binary, core), model

    def _own_layers(self) -> list[dict[str, Any]]:
        """Layers of the first entry."""
        return [layer for layer in self.facts["layers"] if layer["name"] in self.facts["entries"][0]["layers"]]

    def _outputs(self, answers: list[bytes]) -> NDArray:
        """The first output of every answer, (N, *shape)."""
        tensor = self.facts["outputs"][0]
        dtype, shape = DType(tensor["dtype"]), tuple(tensor["shape"])
        return np.array([from_bytes(answer[: tensor["bytes"]], dtype, shape) for answer in answers])

"""The PMSIS application of a build as a library of this computer, with every step's output copied behind the step."""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.build import Build
from deploy.compilers import host_compiler
from deploy.gap.plan import ClusterPlan
from deploy.gap.project import host_includes, host_sources
from deploy.gap.schedule import make_steps
from deploy.readout import stored_tensor
from quant.dtypes import DType, from_bytes, to_bytes

# The layers' functions call this instead of ek_step_run; core 0 copies what the table says.
TRACE = r"""
#include "ek_cluster.h"
#include "ek_port.h"
#undef ek_step_run
void ek_step_run(const ek_step *step);
void traced_step_run(const ek_step *step);
typedef struct { int64_t y, from; uint32_t bytes, to; } shot;  /* offset of the step's y, of what is copied; in L1 */
static const shot shots[] = {@SHOTS@};
uint8_t traced[@BYTES@ + 1];
uint32_t traced_steps;
void traced_step_run(const ek_step *step) {
    const uint8_t *y = step->operands.y; /* an address by now */
    ek_step_run(step);
    if (ek_core_id() == 0) {
        const shot *s = &shots[traced_steps++];
        for (uint32_t i = 0; i < s->bytes; i++) {
            traced[s->to + i] = s->y < 0 ? ((const uint8_t *)@ARENA@)[s->from + i] : (y - s->y)[s->from + i];
        }
    }
}
"""


_RUNTIMES: dict[str, list[Path]] = {}


def _runtime(built: Build) -> list[Path]:
    """Objects of what does not depend on the model but for sizes; compiled once for equal ones."""
    key = (built.folder / "src" / "ek_config.h").read_text(encoding="utf-8").partition("\n")[2] + built.plan.board.name
    if key not in _RUNTIMES:
        folder = Path(tempfile.mkdtemp(prefix="edgekit-pmsis-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        sources = [p for p in host_sources(built.folder) if p.parent.name != "src" and p.name != "main_pmsis.c"]
        objects = [folder / f"{path.parent.name}-{path.stem}.o" for path in sources]
        for path, target in zip(sources, objects, strict=True):
            host_compiler().compile([path], target, "-c", "-fPIC", "-pthread", *host_includes(built.folder))
        _RUNTIMES[key] = objects
    return _RUNTIMES[key]


class PmsisModel:
    """Runs inferences and returns every layer's output."""

    def __init__(self, built: Build) -> None:
        assert isinstance(built.plan, ClusterPlan)
        self.facts, self.shots = built.facts, _shots(built.plan, built.facts)
        arena = f"{built.facts['prefix']}_arena"
        total = sum(shot["bytes"] for shot in self.shots)
        rows = ", ".join(f"{{{s['y']}, {s['from']}, {s['bytes']}, {s['to']}}}" for s in self.shots)
        text = TRACE.replace("@SHOTS@", rows).replace("@BYTES@", str(total)).replace("@ARENA@", arena)
        source = built.folder / "trace.c"
        source.write_text(f"#include <stdint.h>\nextern uint8_t {arena}[];\n{text}", encoding="utf-8")
        library = built.folder / "libpmsis.so"
        # only the model's layers are renamed: network.c keeps the real function
        compiler, model = host_compiler(), built.folder / "model.o"
        includes = host_includes(built.folder)
        renamed = ("-c", "-fPIC", "-Dek_step_run=traced_step_run")
        compiler.compile([built.folder / "src" / "model.c"], model, *renamed, *includes)
        rest = [built.folder / "src" / "model_selftest.c", source, *_runtime(built)]
        compiler.compile([model, *rest], library, "-shared", "-fPIC", "-pthread", *includes)
        self.library = ctypes.CDLL(str(library))
        self.traced = (ctypes.c_uint8 * max(total, 1)).in_dll(self.library, "traced")

    def run(self, sample: NDArray[np.int8], cores: int, mode: str = "lazy") -> tuple[dict[str, NDArray], NDArray]:
        """Layers' outputs by tensor name, and the first output; ``mode``: when the DMA moves (EK_DMA)."""
        os.environ["EK_DMA"] = mode
        ctypes.c_uint32.in_dll(self.library, "ek_cores").value = cores
        ctypes.c_uint32.in_dll(self.library, "traced_steps").value = 0
        output = self.facts["outputs"][0]
        buffer = ctypes.create_string_buffer(sum(t["bytes"] for t in self.facts["outputs"]))
        self.library.ek_model_run(to_bytes(sample, DType(self.facts["inputs"][0]["dtype"])), buffer)
        assert ctypes.c_uint32.in_dll(self.library, "traced_steps").value == len(self.shots)
        first = from_bytes(buffer.raw[: output["bytes"]], DType(output["dtype"]), tuple(output["shape"]))
        return self._layers(bytes(self.traced)), first

    def _layers(self, traced: bytes) -> dict[str, NDArray]:
        whole: dict[str, bytearray] = {}
        tensors = {layer["output"]["name"]: layer["output"] for layer in self.facts["layers"]}
        for shot in self.shots:
            if not shot["bytes"]:
                continue
            tensor, data = tensors[shot["tensor"]], traced[shot["to"] : shot["to"] + shot["bytes"]]
            memory = whole.setdefault(shot["tensor"], bytearray(tensor["bytes"]))
            box = shot["box"]
            item = tensor["bytes"] // int(np.prod(tensor["shape"]))
            if box is None:
                memory[:] = data
                continue
            spans = tuple(slice(*span) for span in box["ranges"])
            shape = [span.stop - span.start for span in spans]
            view = np.frombuffer(memory, np.uint8).reshape(*box["size"], item)
            view[spans] = np.frombuffer(data, np.uint8).reshape(*shape, item)
        return {name: stored_tensor(bytes(memory), tensors[name]) for name, memory in whole.items()}


def _shots(plan: ClusterPlan, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """What to copy behind each step: a layer's output behind its last one, tiles that never leave L1 behind theirs."""
    layers = {layer["name"]: layer for layer in facts["layers"]}
    seen: dict[str, int] = {}
    shots, at = [], 0
    for step in make_steps(plan):
        layer = layers[step.layer.node.name]
        number = seen.get(layer["name"], 0)
        seen[layer["name"]] = number + 1
        tensor, box = layer["output"], next((b for b in layer["tile_boxes"] if b["step"] == number), None)
        shot = {"tensor": tensor["name"], "box": box, "y": 0, "from": 0, "bytes": 0, "to": at}
        if box is not None:
            shape = [stop - start for start, stop in box["ranges"]]
            item = tensor["bytes"] // int(np.prod(tensor["shape"]))
            shot |= {"y": step.y.offset, "from": box["offset"], "bytes": int(np.prod(shape)) * item}
        elif not layer["tile_boxes"] and number == layer["steps"] - 1:
            inside = tensor["memory"] == "l1"
            shot |= {"y": step.y.offset if inside else -1, "from": tensor["offset"], "bytes": tensor["bytes"]}
        shots.append(shot)
        at += shot["bytes"]
    return shots

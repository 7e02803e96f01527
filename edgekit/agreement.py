"""Do all machines give the same bytes? Every machine against the NumPy reference, on every layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from deploy.host import HostModel
from deploy.readout import computed_parts
from edgekit.firmware import Firmware
from quant.graph import Graph
from quant.interchange.expand import expanded
from quant.interchange.model import load
from quant.interchange.read import read_model
from quant.ops import Reshape, Slice, Transpose
from quant.reference import run, run_sequence

if TYPE_CHECKING:
    from deploy.operating_point import OperatingPoint
    from edgekit.emulate.cortex_m import EmulationResult
    from edgekit.simulation import Simulation

Tensors = Mapping[str, NDArray]
# Inputs (N, *shape) of the model's one input -> tensors by name, (N, *shape) each. A machine that computes only a part
# of some layers says so in an attribute ``parts``: tensor name -> index of the part, an axis each.
Machine = Callable[[NDArray], Tensors]
Parts = Mapping[str, tuple[slice, ...]]
Progress = Callable[[int, int], None]

CHUNK = 50  # samples whose tensors are in memory at once


@dataclass(frozen=True)
class Difference:
    """The first element that differs: layer in graph order, then sample, then position in the tensor."""

    layer: str
    sample: int
    index: tuple[int, ...]
    expected: int
    found: int

    def __str__(self) -> str:
        return f"layer '{self.layer}', sample {self.sample}, element {self.index}: {self.found}, not {self.expected}"


@dataclass
class Agreement:
    """What was compared on one machine; ``layers`` counts the tensors compared per sample, ``values`` elements."""

    machine: str
    samples: int = 0
    layers: int = 0
    values: int = 0
    different: int = 0
    first: Difference | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    graph: Graph,
    machine: str,
    compute: Machine,
    inputs: NDArray,
    progress: Progress = lambda done, total: None,
) -> Agreement:
    """Run ``inputs`` (N, *shape) on a machine and on the reference.

    Every layer must be there, apart from reshapes, transposes and slices, which may be no layers in C; of a layer that
    the machine computes in part, that part is compared. The first difference is the one in the earliest layer among
    the samples of the first chunk that differs at all.

    Of a model with several entries the first one is compared. A model with states gets all inputs one after the other,
    as one recording.

    Raises:
        ValueError: the machine left out a layer.
    """
    agreement = Agreement(machine)
    parts: Parts = getattr(compute, "parts", {})
    nodes = graph.nodes_of(graph.entries[0])
    chunk = len(inputs) if graph.states else CHUNK
    for start in range(0, len(inputs), chunk):
        part = inputs[start : start + chunk]
        expected, found = _reference(graph, part), compute(part)
        missing = [
            n.output for n in nodes if n.output not in found and not isinstance(n.op, Reshape | Slice | Transpose)
        ]
        if missing:
            raise ValueError(f"{machine} gave no value for {', '.join(missing)}")
        compared = [node.output for node in nodes if node.output in found]
        for difference in _differences(compared, expected, found, parts, agreement):
            agreement.first = agreement.first or _at(difference, start)
        agreement.samples += len(part)
        agreement.layers = len(compared)
        progress(agreement.samples, len(inputs))
    return agreement


def _reference(graph: Graph, inputs: NDArray) -> Tensors:
    given = {graph.inputs[0].name: inputs}
    return run_sequence(graph, given)[0] if graph.states else run(graph, given)


def _differences(
    names: list[str], expected: Tensors, found: Tensors, parts: Parts, agreement: Agreement
) -> Iterator[Difference]:
    """The first difference of every layer that has any, at its place in the whole tensor; counts all of them."""
    for name in names:
        part = parts.get(name, (slice(0, None),) * (expected[name].ndim - 1))
        want, have = expected[name][:, *part], found[name]
        if want.shape != have.shape:
            raise ValueError(f"{agreement.machine} gave {name} in shape {have.shape}, not {want.shape}")
        wrong = np.argwhere(want != have)
        agreement.values += want.size
        agreement.different += len(wrong)
        if len(wrong):
            sample, *at = where = tuple(wrong[0].tolist())
            index = tuple(bounds.start + i * (bounds.step or 1) for i, bounds in zip(at, part, strict=True))
            yield Difference(name, sample, index, int(want[where]), int(have[where]))


def _at(difference: Difference, start: int) -> Difference:
    return Difference(**{**asdict(difference), "sample": difference.sample + start})


def onnx_runtime(path: Path) -> Machine:
    """ONNX Runtime on the file itself, with every layer made an output; samples one at a time, as the file says.

    States are handed on from sample to sample. Matrices that the file describes by a seed are written out.

    Raises:
        Unsupported: one of them is too large for that.
    """
    proto = expanded(load(path))
    outputs = {info.name for info in proto.graph.output}
    proto.graph.output.extend(info for info in proto.graph.value_info if info.name not in outputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    graph = read_model(path)
    first, (entry,) = graph.entries[0], graph.inputs
    wanted = {*first.outputs, *(node.output for node in graph.nodes_of(first))}
    names = [output.name for output in session.get_outputs() if output.name in wanted]
    others = {t.name: np.zeros((1, *t.shape), t.dtype.numpy) for t in graph.all_inputs if t.name != entry.name}

    def compute(inputs: NDArray) -> Tensors:
        held = {s.input: s.initial[None].astype(graph.tensors[s.input].dtype.numpy) for s in graph.states}
        rows = []
        for sample in inputs:
            given = {entry.name: sample[None], **others, **held}
            rows.append(dict(zip(names, session.run(names, given), strict=True)))
            held |= {past: rows[-1][after] for past, after in graph.updates(first).items()}
        return {name: np.concatenate([row[name] for row in rows]) for name in names}

    return compute


class HostLibrary:
    """The C of a ``host`` build: layer by layer, and its whole ``run`` for the outputs."""

    def __init__(self, folder: Path) -> None:
        self.model = HostModel(folder)
        self.parts = computed_parts(self.model.facts)

    def __call__(self, inputs: NDArray) -> Tensors:
        given = {self.model.facts["inputs"][0]["name"]: inputs}
        return {**self.model.trace(given), **self.model.run(given)}


def host_library(folder: Path) -> Machine:
    """:class:`HostLibrary` as a machine."""
    return HostLibrary(folder)


class EmulatedBoard:
    """The image on the emulated board: every layer's bytes in the arena, and the outputs sent over its UART.

    ``last`` is what the last call cost.
    """

    def __init__(self, firmware: Firmware) -> None:
        self.firmware = firmware
        self.parts = computed_parts(firmware.facts)
        self.last: EmulationResult | None = None

    def __call__(self, inputs: NDArray) -> Tensors:
        emulation = self.firmware.emulate(inputs, layers=True)
        self.last = emulation.result
        return {**emulation.layers, self.firmware.facts["outputs"][0]["name"]: emulation.outputs}


class SimulatedCluster:
    """The image on the simulated cluster: every layer's bytes, and the outputs.

    ``last`` is what the last call gave.
    """

    def __init__(self, firmware: Firmware, point: OperatingPoint, cores: int | None) -> None:
        self.firmware, self.point, self.cores = firmware, point, cores
        self.parts = computed_parts(firmware.facts)
        self.last: Simulation | None = None

    def __call__(self, inputs: NDArray) -> Tensors:
        self.last = self.firmware.simulator().run(inputs, self.point, self.cores, layers=True)
        return {**self.last.layers, self.firmware.facts["outputs"][0]["name"]: self.last.outputs}

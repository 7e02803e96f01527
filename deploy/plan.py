"""Integer graph + board -> plan: a kernel for every layer, a layout and an address for every tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from deploy.boards import Board
from deploy.kernels import KERNELS
from deploy.kernels.base import Call, Kernel, Site
from deploy.layout import Layout, channels_last, planar, with_logical_boundaries
from deploy.memory import Arena, Buffer, aligned
from deploy.memory import plan as plan_memory
from deploy.placement import FLASH, Placement
from quant.errors import Problem, UserError
from quant.graph import Graph, Node, Tensor
from quant.ops import Reshape


@dataclass(frozen=True)
class Layer:
    """One function of the firmware: a node, the kernel chosen for it and the calls it makes.

    Attributes:
        why: the reason for the kernel, in words.
    """

    index: int
    node: Node
    site: Site
    kernel: Kernel
    why: str
    calls: tuple[Call, ...]

    @property
    def scratch_bytes(self) -> int:
        return max((call.scratch for call in self.calls), default=0)

    @property
    def executed_macs(self) -> int:
        return self.kernel.executed_macs(self.site)


@dataclass(frozen=True)
class Plan:
    """Everything the C project is written from.

    Attributes:
        graph: with the copies at its borders that layouts ask for.
        storage: tensor -> tensor whose memory it shares (itself unless it is a reshape that copies nothing).
        placement: what start-up code copies to RAM.
    """

    graph: Graph
    board: Board
    layers: tuple[Layer, ...]
    layouts: dict[str, Layout]
    storage: dict[str, str]
    arena: Arena
    placement: Placement

    def offset(self, tensor: str) -> int:
        """Byte offset of a tensor in the arena."""
        return self.arena.offsets[self.storage[tensor]]

    def scratch_offset(self, layer: Layer) -> int:
        return self.arena.offsets[_scratch(layer.index)]

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of packed weights in flash."""
        return sum(
            a.values.size * c_size(a.ctype) for ly in self.layers for c in ly.calls for a in c.arrays if a.weight
        )

    @property
    def constant_bytes(self) -> int:
        """Bytes of all constant arrays in flash."""
        return sum(constant_bytes(layer) for layer in self.layers)

    @property
    def executed_macs(self) -> int:
        return sum(layer.executed_macs for layer in self.layers)


def c_size(ctype: str) -> int:
    """Bytes of one element of a fixed-width C integer type."""
    return int("".join(filter(str.isdigit, ctype))) // 8


def make_plan(graph: Graph, board: Board, kernels: Sequence[Kernel] = KERNELS, placement: Placement = FLASH) -> Plan:
    """Choose layouts, kernels and addresses.

    Raises:
        UserError: states or entries that code generation cannot serve, or an arena larger than the board's RAM.
    """
    if graph.states or [entry.name for entry in graph.entries] != ["infer"]:
        entries = ", ".join(entry.name for entry in graph.entries)
        raise UserError(
            Problem(
                f"it has {len(graph.states)} states and the entries {entries}",
                f"model '{graph.name}'",
                "no state and the one entry 'infer'",
                "run it with the NumPy reference, or remove state and further entries",
            )
        )
    graph = with_logical_boundaries(graph)
    layouts = _layouts(graph, kernels)
    storage = {name: name for name in graph.tensors}
    layers: list[Layer] = []
    for node in graph.nodes:
        site = _site(graph, node, layouts)
        if isinstance(node.op, Reshape) and site.layouts[0].same_order(site.out_layout):
            storage[node.output] = storage[node.inputs[0]]
            continue
        kernel, why = _choose(site, board, kernels)
        layers.append(Layer(len(layers), node, site, kernel, why, tuple(kernel.calls(site))))
    arena, storage = _place(graph, layers, storage)
    plan = Plan(graph, board, tuple(layers), layouts, storage, arena, placement if board.rams else FLASH)
    problems = [problem for check in (_ram_problem, _flash_problem) if (problem := check(plan)) is not None]
    if problems:
        raise UserError(problems)
    return plan


def _site(graph: Graph, node: Node, layouts: dict[str, Layout]) -> Site:
    inputs = tuple(graph.inputs_of(node))
    kinds = tuple(layouts[name] for name in node.inputs)
    return Site(node.name, node.op, inputs, graph.tensors[node.output], kinds, layouts[node.output])


def _layouts(graph: Graph, kernels: Sequence[Kernel]) -> dict[str, Layout]:
    """Channels-last everywhere, logical order at the borders, and reshapes that copy nothing where consumers agree."""
    flexible = {kernel.op for kernel in kernels} - {kernel.op for kernel in kernels if not kernel.any_layout}
    borders = {t.name for t in (*graph.inputs, *graph.outputs)}
    layouts = {
        name: planar(t.shape) if name in borders else channels_last(t.shape) for name, t in graph.tensors.items()
    }
    for node in graph.nodes:
        consumers = graph.consumers(node.output)
        if (
            isinstance(node.op, Reshape)
            and node.output not in borders
            and all(type(c.op) in flexible for c in consumers)
        ):
            layouts[node.output] = layouts[node.inputs[0]]
    return layouts


def _choose(site: Site, board: Board, kernels: Sequence[Kernel]) -> tuple[Kernel, str]:
    """The cheapest kernel that takes the node, and why it is that one."""
    fitting = [k for k in kernels if k.op is type(site.op) and (k.isa == "portable" or k.isa in board.isa)]
    refusals = {kernel.name: kernel.unsupported(site) for kernel in fitting}
    able = [kernel for kernel in fitting if refusals[kernel.name] is None]
    if not able:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
        what = f"no kernel for {board.name} takes it ({reasons or 'none exists'})"
        raise UserError(Problem(what, f"node '{site.name}' ({site.op.kind})"))
    best, *others = sorted(able, key=lambda kernel: kernel.cycles(site))
    dearer = [f"{kernel.name}: about {kernel.cycles(site):,.0f}" for kernel in others]
    refused = [f"{name}: {reason}" for name, reason in refusals.items() if reason is not None]
    rest = "; ".join(dearer or refused) or f"the only one for {site.op.kind}"
    return best, f"about {best.cycles(site):,.0f} cycles ({rest})"


def _scratch(index: int) -> str:
    return f"scratch of layer {index}"


def _place(graph: Graph, layers: Sequence[Layer], storage: dict[str, str]) -> tuple[Arena, dict[str, str]]:
    """Addresses, with and without outputs taking their inputs' place, whichever needs less memory."""
    shared = dict(storage)
    for layer in layers:
        host = _takes_place_of(graph, layers, layer, shared)
        if host is not None:
            target = shared[layer.node.output]
            shared = {name: host if base == target else base for name, base in shared.items()}
    plans = [(plan_memory(_buffers(graph, layers, s)), s) for s in (shared, storage)]
    return min(plans, key=lambda entry: entry[0].size)


def _takes_place_of(graph: Graph, layers: Sequence[Layer], layer: Layer, storage: dict[str, str]) -> str | None:
    spans = _spans(graph, layers, storage)
    for position in layer.kernel.inplace(layer.site):
        base = storage[layer.node.inputs[position]]
        if spans[base][1] == layer.index + 1 and base != storage[layer.node.output]:
            return base
    return None


def _spans(graph: Graph, layers: Sequence[Layer], storage: dict[str, str]) -> dict[str, tuple[int, int]]:
    """First and last step of every stored tensor: step 0 copies inputs in, i + 1 is layer i, the last copies out."""
    last_step = len(layers) + 1
    uses: dict[str, list[int]] = {storage[tensor.name]: [0] for tensor in graph.inputs}
    for layer in layers:
        for name in (*layer.node.inputs, layer.node.output):
            uses.setdefault(storage[name], []).append(layer.index + 1)
    for tensor in graph.outputs:
        uses[storage[tensor.name]].append(last_step)
    return {name: (min(steps), max(steps)) for name, steps in uses.items()}


def _buffers(graph: Graph, layers: Sequence[Layer], storage: dict[str, str]) -> list[Buffer]:
    members: dict[str, list[Tensor]] = {}
    for name, base in storage.items():
        members.setdefault(base, []).append(graph.tensors[name])
    spans = _spans(graph, layers, storage)
    buffers = [Buffer(base, max(t.nbytes for t in members[base]), *spans[base]) for base in spans]
    for layer in layers:
        if layer.scratch_bytes:
            buffers.append(Buffer(_scratch(layer.index), layer.scratch_bytes, layer.index + 1, layer.index + 1))
    return buffers


def _ram_problem(plan: Plan) -> Problem | None:
    """Arena, placed constants and the runtime's input, output and self-test buffers share the board's first RAM."""
    if not plan.board.rams:
        return None
    rams = plan.board.data_rams
    name, there = ", ".join(ram.name for ram in rams), sum(ram.bytes for ram in rams)
    buffers = sum(t.nbytes for t in plan.graph.inputs) + 2 * sum(t.nbytes for t in plan.graph.outputs)
    placed = sum(constant_bytes(ly) for ly in plan.layers if plan.placement.holds_constants(ly.node.name))
    short = plan.arena.size + placed + aligned(buffers) + aligned(1) - there
    if short <= 0:
        return None
    if placed >= short:
        what = f"constants in RAM take {placed} bytes, arena and buffers {plan.arena.size + buffers}: {short} too many"
        fix = "place them in flash (--placement flash), or let EdgeKit choose (--placement auto)"
        return Problem(what, f"board '{plan.board.name}', {name}", f"{there} bytes of RAM", fix)
    layer = plan.layers[min(max(plan.arena.peak_step - 1, 0), len(plan.layers) - 1)]
    return Problem(
        f"its arena needs {plan.arena.size} bytes at layer '{layer.node.name}', input and output {buffers} more: "
        f"{short} bytes too many",
        f"board '{plan.board.name}', {name}",
        f"{there} bytes of RAM",
        "use fewer channels or shorter inputs around this layer, or a board with more RAM",
    )


def _flash_problem(plan: Plan) -> Problem | None:
    """Constants alone must fit the flash; the linker checks the rest."""
    if plan.board.target == "host":
        return None
    short = plan.constant_bytes - plan.board.flash.bytes
    if short <= 0:
        return None
    largest = max(plan.layers, key=constant_bytes)
    return Problem(
        f"its constants need {plan.constant_bytes} bytes, {short} too many; layer '{largest.node.name}' alone needs "
        f"{constant_bytes(largest)}",
        f"board '{plan.board.name}', {plan.board.flash.name}",
        f"{plan.board.flash.bytes} bytes of flash",
        "use fewer weights in this layer, or a board with more flash",
    )


def constant_bytes(layer: Layer) -> int:
    """Bytes of a layer's constant arrays."""
    return sum(array.values.size * c_size(array.ctype) for call in layer.calls for array in call.arrays)

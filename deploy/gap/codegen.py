"""Plan -> C text for a cluster: constants, geometries, the table of steps, one function per layer, ``run``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deploy import status
from deploy.codegen import (
    borders,
    identifier,
    layer_symbol,
    parameter_names,
    prototype,
    provenance,
    reset,
    status_lines,
)
from deploy.gap.plan import ClusterPlan
from deploy.gap.schedule import fetch_starts, make_steps
from deploy.gap.steps import Fetch, Pointer, Step, Transfer
from deploy.kernels.base import C_TYPE
from deploy.layers import Layer
from quant.graph import Entry, Tensor

COLUMNS = 8  # words of constants per line


def constants(plan: ClusterPlan) -> str:
    """``model_constants.h``: weights, biases, factors and tables in L2, as words."""
    lines = [provenance(plan, "Constants"), "#include <stdint.h>", ""]
    size = plan.l2_constant_bytes
    if not size:
        return "\n".join(lines)
    lines.append(f"static const uint32_t model_constants[{size // 4}] __attribute__((aligned(8))) = {{")
    for chunk in (chunk for chunk in plan.chunks if not chunk.in_l3):
        labels = ", ".join(array.label for call in chunk.arrays for _, array in call)
        part = "" if chunk.channels is None else f", output channels {chunk.channels[0]} to {chunk.channels[1] - 1}"
        lines.append(f"    /* layer {chunk.layer.index} '{chunk.layer.node.name}': {labels}{part} */")
        image = chunk.image
        words = [f"0x{int.from_bytes(image[at : at + 4], 'little'):08x}" for at in range(0, len(image), 4)]
        lines += [f"    {', '.join(words[at : at + COLUMNS])}," for at in range(0, len(words), COLUMNS)]
    return "\n".join([*lines, "};", ""])


def l3_image(plan: ClusterPlan) -> bytes:
    """``l3.bin``: what the memory outside the chip holds."""
    return b"".join(chunk.image for chunk in plan.chunks if chunk.in_l3)


def source(plan: ClusterPlan, steps: Sequence[Step]) -> str:
    """``model.c``."""
    prefix = identifier(plan.graph.name)
    headers = sorted({layer.kernel.header for layer in plan.layers})
    lines = [provenance(plan, "Layers and steps"), '#include "model.h"', ""]
    lines += ['#include "ek_cluster.h"', *(f'#include "kernels/{name}"' for name in headers)]
    lines += ['#include "model_constants.h"', ""]
    lines += ["#define NOINLINE __attribute__((noinline))", ""]
    lines += [f"uint8_t {prefix}_arena[{prefix.upper()}_ARENA_BYTES] __attribute__((aligned(8)));", ""]
    lines += _input_buffer(plan)
    tables = record_tables(plan, steps)
    steps = [step for table in tables.values() for step in table]
    lines += _wrappers(steps)
    for layer in plan.layers:
        lines += _layer(plan, layer)
    names = _wrapper_names(steps), _geometries(steps)
    lines += _geometry_lines(names[1])
    for name, table in tables.items():
        lines += _records(plan, name, table, *names)
    for entry, name in zip(plan.graph.entries, tables, strict=True):
        lines += _run(plan, entry, name)
    lines += reset(plan, lambda tensor: plan.outside(tensor).offset)
    return "\n".join(lines)


def record_tables(plan: ClusterPlan, steps: Sequence[Step]) -> dict[str, Sequence[Step]]:
    """The table of every entry by its C name; ``steps``: that of a model with only one."""
    if not status.reports(plan.graph):
        return {"records": steps}
    return {f"records_{identifier(entry.name)}": make_steps(plan, entry) for entry in plan.graph.entries}


def _input_buffer(plan: ClusterPlan) -> list[str]:
    """Where a program without an operating system gets a single input: in the arena, so that nothing is copied."""
    if not input_in_arena(plan):
        return []
    (tensor,), prefix = plan.graph.inputs, identifier(plan.graph.name)
    name = "ek_input_buffer"
    words = (f".globl {name}", f".type {name}, @object", f".size {name}, {tensor.nbytes}")
    place = f".set {name}, {prefix}_arena + {plan.outside(tensor.name).offset}"
    return [
        "#if defined(__riscv)",
        "/* The input may be written where the network reads it, before each run: nothing is copied then. */",
        f'__asm__("{"; ".join((*words, place))}");',
        "#endif",
        "",
    ]


def input_in_arena(plan: ClusterPlan) -> bool:
    """Whether all of the input is one tensor, so that its buffer may lie in the arena."""
    return len(plan.graph.all_inputs) == 1


Wrapper = tuple[str, str, tuple[str, ...], bool]  # function, geometry type, parameter types, whether cores share it


def _wrapper(step: Step) -> Wrapper:
    call, site = step.call, step.layer.site
    types = [f"const {C_TYPE[site.inputs[i].dtype]} *" for i in call.inputs]
    types.append(f"{C_TYPE[site.output.dtype]} *")
    types += [f"const {array.ctype} *" for array in call.arrays]
    return call.function, call.geometry[0], (*types, *(["void *"] if call.scratch else [])), step.layer.kernel.team


def _wrapper_names(steps: Sequence[Step]) -> dict[Wrapper, str]:
    names: dict[Wrapper, str] = {}
    for wrapper in dict.fromkeys(map(_wrapper, steps)):
        base = f"call_{wrapper[0].removeprefix('ek_')}"
        taken = sum(name.rpartition("_")[0] == base or name == base for name in names.values())
        names[wrapper] = f"{base}_{taken}" if taken else base
    return names


def _wrappers(steps: Sequence[Step]) -> list[str]:
    lines = ["/* Kernels behind one signature; those that do not share their work run on core 0. */"]
    by_wrapper = {_wrapper(step): step for step in steps}
    for wrapper, name in _wrapper_names(steps).items():
        function, geometry, types, team = wrapper
        call = by_wrapper[wrapper].call
        places = [f"o->x[{i}]" for i in range(len(call.inputs))]
        places += ["o->y", *(f"o->constant[{i}]" for i in range(len(call.arrays)))]
        places += ["o->scratch"] if call.scratch else []
        words = [f"({kind}){place}" for kind, place in zip(types, places, strict=True)]
        arguments = ", ".join([f"(const {geometry} *)g", *(["team"] if team else []), *words])
        body = [f"    {function}({arguments});"]
        if not team:
            body = ["    if (team.core == 0) {", f"    {body[0]}", "    }"]
        lines += [f"NOINLINE static void {name}(const void *g, ek_team team, const ek_operands *o) {{", *body, "}", ""]
    return lines


def _layer(plan: ClusterPlan, layer: Layer) -> list[str]:
    node = layer.node
    shapes = " + ".join(str(tuple(t.shape)) for t in layer.site.inputs)
    lines = [f"/* {layer.index}: {node.name}, {node.op.kind} {shapes} -> {tuple(layer.site.output.shape)},"]
    lines[0] += f" kernel {layer.kernel.name} */"
    symbol = layer_symbol(plan, layer)
    return [*lines, f"NOINLINE void {symbol}(const ek_step *step) {{", "    ek_step_run(step);", "}", ""]


Geometry = tuple[str, tuple[tuple[str, int], ...]]


def _geometry(step: Step) -> Geometry:
    kind, fields = step.call.geometry
    return kind, tuple((name, int(value)) for name, value in fields.items())


def _geometries(steps: Sequence[Step]) -> dict[Geometry, str]:
    """Names of the distinct geometries."""
    return {geometry: f"geometry_{i}" for i, geometry in enumerate(dict.fromkeys(map(_geometry, steps)))}


def geometry_sequence(steps: Sequence[Step]) -> list[str]:
    """The geometries that are loaded, in order: equal neighbours share one."""
    names = _geometries(steps)
    sequence = [names[_geometry(step)] for step in steps]
    return [name for at, name in enumerate(sequence) if at == 0 or name != sequence[at - 1]]


def _geometry_lines(geometries: dict[Geometry, str]) -> list[str]:
    lines = []
    for (kind, fields), name in geometries.items():
        values = ", ".join(f".{field} = {value if value != -(2**31) else '-2147483647 - 1'}" for field, value in fields)
        lines.append(f"static const {kind} {name} = {{{values}}};")
    return [*lines, ""]


def _pointer(plan: ClusterPlan, pointer: Pointer) -> str:
    """An address as the step's integer: an offset in the L1 arena as it is."""
    if pointer.memory == "l1":
        return f"(void *){pointer.offset}"
    return f"{_memory(plan, pointer)}"


def _memory(plan: ClusterPlan, pointer: Pointer) -> str:
    base = (
        f"{identifier(plan.graph.name)}_arena" if pointer.memory == "arena" else "(uint8_t *)(uintptr_t)model_constants"
    )
    return f"{base} + {pointer.offset}"


def _transfer(plan: ClusterPlan, transfer: Transfer) -> str:
    words = [_memory(plan, transfer.l2), transfer.l1, transfer.length, transfer.lines, transfer.planes]
    return f"{{{', '.join(map(str, [*words, transfer.line_stride, transfer.plane_stride]))}}}"


def _records(
    plan: ClusterPlan, table: str, steps: Sequence[Step], names: dict[Wrapper, str], geometries: dict[Geometry, str]
) -> list[str]:
    """What an entry does: one record per step, one behind the other."""
    starts = fetch_starts(steps)
    lines = ["static const struct {"]
    for index, step in enumerate(steps):
        members = ["ek_step step;"]
        transfers = len(step.early) + len(step.late) + len(step.store)
        members += [f"ek_transfer transfers[{transfers}];"] if transfers else []
        members += [f"ek_fetch fetches[{len(starts[index])}];"] if starts[index] else []
        lines.append(f"    struct {{ {' '.join(members)} }} s{index};")
    lines += [f"}} {table} = {{"]
    for index, step in enumerate(steps):
        following = f"sizeof {table}.s{index + 1}" if index + 1 < len(steps) else "0"
        fields = [f".bytes = sizeof {table}.s{index}", f".next_bytes = {following}"]
        fields += _step_fields(plan, step, names[_wrapper(step)], geometries[_geometry(step)], len(starts[index]))
        lines.append(f"    .s{index} = {{.step = {{{', '.join(fields)}}},")
        transfers_ = [_transfer(plan, transfer) for transfer in (*step.early, *step.late, *step.store)]
        lines += [f"        .transfers = {{{', '.join(transfers_)}}},"] if transfers_ else []
        fetches = [_fetch(plan, fetch) for fetch in starts[index]]
        lines += [f"        .fetches = {{{', '.join(fetches)}}},"] if fetches else []
        lines += ["    },"]
    return [*lines, "};", ""]


def _fetch(plan: ClusterPlan, fetch: Fetch) -> str:
    return f"{{{identifier(plan.graph.name)}_arena + {fetch.l2}, {fetch.l3}, {fetch.bytes}}}"


def _step_fields(plan: ClusterPlan, step: Step, wrapper: str, geometry: str, fetches: int) -> Iterator[str]:
    yield f".layer = {layer_symbol(plan, step.layer)}"
    yield f".kernel = {wrapper}"
    yield f".geometry = &{geometry}, .geometry_bytes = sizeof {geometry}"
    counts = {"earlies": len(step.early), "lates": len(step.late), "stores": len(step.store), "fetches": fetches}
    yield from (f".{name} = {count}" for name, count in counts.items() if count)
    if step.fetch:
        yield ".needs_fetch = 1"
    if step.flush:
        yield ".flush = 1"
    operands = [f".x = {{{', '.join(_pointer(plan, x) for x in step.x)}}}", f".y = {_pointer(plan, step.y)}"]
    if step.constants:
        operands.append(f".constant = {{{', '.join(_pointer(plan, c) for c in step.constants)}}}")
    if step.call.scratch:
        operands.append(f".scratch = {_pointer(plan, step.scratch)}")
    yield f".operands = {{{', '.join(operands)}}}"


def _run(plan: ClusterPlan, entry: Entry, table: str) -> list[str]:
    graph, prefix = plan.graph, identifier(plan.graph.name)
    (ins, outs), (inputs, outputs) = parameter_names(graph, entry), borders(graph, entry)

    def place(tensor: Tensor) -> str:
        return f"{prefix}_arena + {plan.outside(tensor.name).offset}"

    lines = [f"{prototype(graph, entry)} {{"]
    for name, tensor in zip(ins, inputs, strict=True):
        lines.append(f"    ek_copy_tensor({place(tensor)}, {name}, {tensor.nbytes});")
    if status.reports(graph):
        lines += status_lines(graph, entry, lambda name: place(graph.tensors[name]))
    lines += [f"    ek_cluster_run(&{table}.s0.step, {prefix.upper()}_L1_BYTES, ek_cores);"]
    for name, tensor in zip(outs, outputs, strict=True):
        lines.append(f"    ek_copy_tensor({name}, {place(tensor)}, {tensor.nbytes});")
    for past, after in graph.updates(entry).items():
        to, of = (place(graph.tensors[name]) for name in (past, after))
        if to != of:
            lines.append(f"    ek_copy_tensor({to}, {of}, {graph.tensors[past].nbytes});")
    return [*lines, *(["    return status;"] if status.reports(graph) else []), "}", ""]

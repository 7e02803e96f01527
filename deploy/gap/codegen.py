"""Plan -> C text for a cluster: constants, geometries, the table of steps, one function per layer, ``run``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deploy.codegen import identifier, layer_symbol, parameter_names, parameters, provenance
from deploy.gap.plan import ClusterPlan
from deploy.gap.steps import Pointer, Step, Transfer
from deploy.kernels.base import C_TYPE
from deploy.layers import Layer

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
    lines = [provenance(plan, "Layers and steps"), '#include "model.h"', "", "#include <stddef.h>", ""]
    lines += ['#include "ek_cluster.h"', *(f'#include "kernels/{name}"' for name in headers)]
    lines += ['#include "model_constants.h"', ""]
    lines += ["/* Declared here because a freestanding compiler has no string.h. */"]
    lines += ["void *memcpy(void *to, const void *from, size_t bytes);", ""]
    lines += ["#define NOINLINE __attribute__((noinline))", ""]
    lines += [f"uint8_t {prefix}_arena[{prefix.upper()}_ARENA_BYTES] __attribute__((aligned(8)));", ""]
    lines += _wrappers(steps)
    for layer in plan.layers:
        lines += _layer(plan, layer)
    geometries = _geometries(steps)
    lines += [*_geometry_lines(geometries), *_step_lines(plan, steps, geometries), *_run(plan, steps)]
    return "\n".join(lines)


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


def _geometry_lines(geometries: dict[Geometry, str]) -> list[str]:
    lines = []
    for (kind, fields), name in geometries.items():
        values = ", ".join(f".{field} = {value if value != -(2**31) else '-2147483647 - 1'}" for field, value in fields)
        lines.append(f"static const {kind} {name} = {{{values}}};")
    return [*lines, ""]


def _pointer(plan: ClusterPlan, pointer: Pointer) -> str:
    """An address as the step's integer: an offset in the L1 arena as it is."""
    if pointer.memory == "l1":
        return f"{pointer.offset}"
    return f"(uintptr_t)({_memory(plan, pointer)})"


def _memory(plan: ClusterPlan, pointer: Pointer) -> str:
    base = (
        f"{identifier(plan.graph.name)}_arena" if pointer.memory == "arena" else "(uint8_t *)(uintptr_t)model_constants"
    )
    return f"{base} + {pointer.offset}"


def _transfer(plan: ClusterPlan, transfer: Transfer) -> str:
    words = [transfer.l1, _memory(plan, transfer.l2), transfer.length, transfer.lines, transfer.planes]
    return f"{{{', '.join(map(str, [*words, transfer.line_stride, transfer.plane_stride]))}}}"


def _step_lines(plan: ClusterPlan, steps: Sequence[Step], geometries: dict[Geometry, str]) -> list[str]:
    transfers = [t for step in steps for t in (*step.early, *step.late, *step.store)]
    lines = []
    if transfers:
        lines += ["static const ek_transfer transfers[] = {"]
        lines += [f"    {_transfer(plan, transfer)}," for transfer in transfers]
        lines += ["};", ""]
    fetches = [step.fetch for step in steps if step.fetch is not None]
    if fetches:
        arena = f"{identifier(plan.graph.name)}_arena"
        lines += ["static const ek_fetch fetches[] = {"]
        lines += [f"    {{{fetch.l3}, {arena} + {fetch.l2}, {fetch.bytes}}}," for fetch in fetches]
        lines += ["};", ""]
    names, at = _wrapper_names(steps), 0
    lines += ["static const ek_step steps[] = {"]
    for step in steps:
        lines.append(f"    {{{', '.join(_step_fields(plan, step, names, geometries, at))}}},")
        at += len(step.early) + len(step.late) + len(step.store)
    return [*lines, "};", ""]


def _step_fields(
    plan: ClusterPlan, step: Step, names: dict[Wrapper, str], geometries: dict[Geometry, str], at: int
) -> Iterator[str]:
    geometry = geometries[_geometry(step)]
    yield f".layer = {layer_symbol(plan, step.layer)}"
    yield f".kernel = {names[_wrapper(step)]}"
    yield f".geometry = &{geometry}, .geometry_bytes = sizeof {geometry}"
    if step.early or step.late or step.store:
        yield f".transfers = transfers + {at}"
    for name, count in (("early", len(step.early)), ("late", len(step.late)), ("stores", len(step.store))):
        if count:
            yield f".{name} = {count}"
    if step.flush:
        yield ".flush = 1"
    if step.fetch:
        yield ".fetched = 1"
    yield f".x = {{{', '.join(_pointer(plan, x) for x in step.x)}}}"
    yield f".y = {_pointer(plan, step.y)}"
    if step.constants:
        yield f".constant = {{{', '.join(_pointer(plan, c) for c in step.constants)}}}"
    if step.call.scratch:
        yield f".scratch = {_pointer(plan, step.scratch)}"


def _run(plan: ClusterPlan, steps: Sequence[Step]) -> list[str]:
    prefix = identifier(plan.graph.name)
    ins, outs = parameter_names(plan.graph)
    fetches = sum(step.fetch is not None for step in steps)
    outside = f", .fetches = fetches, .fetch_count = {fetches}" if fetches else ""
    lines = [f"static const ek_network network = {{.steps = steps, .step_count = {len(steps)}{outside}}};", ""]
    lines += [f"void {prefix}_run({parameters(plan.graph)}) {{"]
    for name, tensor in zip(ins, plan.graph.inputs, strict=True):
        lines.append(f"    memcpy({prefix}_arena + {plan.outside(tensor.name).offset}, {name}, {tensor.nbytes});")
    lines += [f"    ek_cluster_run(&network, {prefix.upper()}_L1_BYTES);"]
    for name, tensor in zip(outs, plan.graph.outputs, strict=True):
        lines.append(f"    memcpy({name}, {prefix}_arena + {plan.outside(tensor.name).offset}, {tensor.nbytes});")
    return [*lines, "}", ""]

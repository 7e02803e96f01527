"""Plan -> C text: what callers of the firmware see, and the self-test.

``model.h`` is the public API; ``ek_model.h`` is the same for the runtime, which knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from deploy import entries, features, nvm, raw_input, status
from deploy.codegen import array_definition, entry_function, identifier, layer_symbol, prototype, provenance
from deploy.kernels.base import Array
from deploy.layers import Lowered
from deploy.paths import edgekit_version
from deploy.plan import Plan
from deploy.raw_input import c_float
from quant.dtypes import DType, to_bytes
from quant.graph import Graph, Tensor
from quant.reference import run_sequence


def header(plan: Lowered, arenas: Mapping[str, int], declarations: Sequence[str] = ()) -> str:
    """``model.h``: sizes, scales and the API; ``arenas``: bytes of the model's memories by macro name."""
    graph, prefix = plan.graph, identifier(plan.graph.name)
    upper = prefix.upper()
    lines = [provenance(plan, "Public interface"), f"#ifndef {upper}_MODEL_H", f"#define {upper}_MODEL_H", ""]
    lines += ["#include <stdint.h>", ""]
    lines += [f'#define {upper}_EDGEKIT_VERSION "{edgekit_version()}"']
    lines += [f"#define {upper}_{name}_BYTES {size}" for name, size in arenas.items()]
    lines += [f"#define {upper}_WEIGHT_BYTES {plan.weight_bytes}"]
    for role, tensors in (("INPUT", graph.inputs), ("OUTPUT", graph.outputs)):
        for index, tensor in enumerate(tensors):
            lines += _tensor_macros(f"{upper}_{role}{index if len(tensors) > 1 else ''}", tensor)
    if status.reports(graph):
        lines += ["", *_BORDERS, *entries.declarations(graph), *_reset(graph)]
    else:
        lines += ["", *_run_comment(graph), f"{prototype(graph, graph.entries[0])};", "", *_reset(graph)]
    overwritten = "the arena and the states" if graph.states else "the arena"
    lines += ["/* Runs the embedded vector; 0 when every output byte is the expected one."]
    lines[-1] += f" Overwrites {overwritten}. */"
    lines += [f"int {prefix}_selftest(void);", "", *declarations]
    lines += [f"extern uint8_t {prefix}_arena[{upper}_ARENA_BYTES];", "", *_helpers(plan), "#endif", ""]
    return "\n".join(lines)


def layer_declarations(plan: Plan) -> list[str]:
    """The layers' functions, for callers that step through the model; those in tiles take a tile's number."""
    pairs = [(layer, "int32_t tile" if run.cut else "void") for run in plan.runs for layer in run.group.layers]
    return [f"void {layer_symbol(plan, layer)}({words});" for layer, words in pairs]


def _tensor_macros(name: str, tensor: Tensor) -> list[str]:
    lines = [f"/* {tensor.name}: {tensor.dtype.value}, shape {tuple(tensor.shape)}, row-major */"]
    lines += [f"#define {name}_BYTES {tensor.nbytes}", f"#define {name}_ELEMENTS {tensor.elements}"]
    lines += [f"#define {name}_ZERO_POINT ({tensor.zero_point})"]
    if tensor.scale is not None:
        lines.append(f"#define {name}_SCALE {c_float(tensor.scale)}")
    return lines


def _reset(graph: Graph) -> list[str]:
    if not graph.states:
        return []
    text = "/* Call it before the first call of the model, and where a new recording begins. */"
    return [text, f"void {identifier(graph.name)}_reset(void);", ""]


def _run_comment(graph: Graph) -> list[str]:
    first = "One inference." if not graph.states else "One hop: the samples that are new since the call before."
    return [f"/* {first} {_BORDERS[0].removeprefix('/* ')}", *_BORDERS[1:]]


_BORDERS = [
    "/* Inputs and outputs are in the model's logical order (channel, row, column), without batch.",
    "   Not reentrant: all calls share the arena. */",
]


def _helpers(plan: Lowered) -> list[str]:
    """Float helpers for the first input and output; they cost nothing unless they are called."""
    prefix = identifier(plan.graph.name)
    x, y = plan.graph.inputs[0], plan.graph.outputs[0]
    lines: list[str] = []
    if x.scale is not None and x.dtype is DType.S8:
        before = plan.graph.info.get("preprocess", {"offset": 0.0, "gain": 1.0})
        lines += raw_input.quantize(prefix, x, before["offset"], before["gain"])
    if y.scale is not None and y.dtype is DType.S8:
        lines += [
            "/* The real value that an output byte stands for. */",
            f"static inline float {prefix}_dequantize(int8_t q)",
            "{",
            f"    return {c_float(y.scale)} * (float)((int32_t)q - ({y.zero_point}));",
            "}",
            "",
        ]
    return lines


def selftest_vector(plan: Lowered) -> tuple[bytes, bytes]:
    """A fixed pseudo-random input and the bytes that the NumPy reference gives for it, tensors one after the other."""
    random = np.random.default_rng(0)
    inputs: dict[str, NDArray] = {
        t.name: random.integers(t.dtype.low, t.dtype.high, t.shape, endpoint=True) for t in plan.graph.inputs
    }
    values, _ = run_sequence(plan.graph, {name: np.stack([x] * _runs(plan)) for name, x in inputs.items()})
    return (
        b"".join(to_bytes(inputs[t.name], t.dtype) for t in plan.graph.inputs),
        b"".join(to_bytes(values[t.name][-1], t.dtype) for t in plan.graph.outputs),
    )


def _runs(plan: Lowered) -> int:
    """Runs of the self-test: with states two, so that the second one depends on what the first has left."""
    return 2 if plan.graph.states else 1


def selftest(plan: Lowered) -> str:
    """``model_selftest.c``: the embedded vectors, and the functions that the runtime calls."""
    graph, prefix = plan.graph, identifier(plan.graph.name)
    several = status.reports(graph)
    lines = [provenance(plan, "Self-test"), '#include "ek_model.h"', '#include "model.h"', ""]
    lines += entries.vectors(graph) if several else _vectors(plan)
    arguments = [*entries.split("input", graph.inputs), *entries.split("output", graph.outputs)]
    lines += [
        "void ek_model_run(const int8_t *input, int8_t *output)",
        "{",
        f"    {entry_function(graph)}({', '.join(arguments)});",
        "}",
        "",
    ]
    lines += entries.calls_by_number(graph) if several else []
    if features.on_board(graph, plan.board):
        lines += features.adapter(prefix)
    lines += entries.selftest(graph) if several else _selftest(plan)
    lines += ["int ek_model_selftest(void)", "{"]
    if graph.states:
        clear = f"    {prefix}_reset();"
        lines += [f"    const int failed = {prefix}_selftest();", "", clear, "    return failed;", "}", ""]
    else:
        lines += [f"    return {prefix}_selftest();", "}", ""]
    return "\n".join(lines)


def _vectors(plan: Lowered) -> list[str]:
    lines: list[str] = []
    for name, data in zip(("given", "expected"), selftest_vector(plan), strict=True):
        lines += array_definition(name, Array(name, "int8_t", np.frombuffer(data, np.int8)))
    return [*lines, "static int8_t result[EK_OUTPUT_BYTES] __attribute__((aligned(8)));", ""]


def _selftest(plan: Lowered) -> list[str]:
    """``PREFIX_selftest`` of a model with one entry."""
    prefix = identifier(plan.graph.name)
    clear = [f"    {prefix}_reset();"] if plan.graph.states else []
    lines = [f"int {prefix}_selftest(void)", "{", *clear]
    lines += ["    ek_model_run(given, result);"] * _runs(plan)
    lines += ["    for (uint32_t i = 0; i < EK_OUTPUT_BYTES; i++) {", "        if (result[i] != expected[i]) {"]
    return [*lines, "            return 1;", "        }", "    }", "    return 0;", "}", ""]


def adapter(plan: Lowered, arena: int = 0) -> str:
    """``ek_model.h``: what the runtime, which knows no model, includes; ``arena``: bytes that samples may lie in."""
    given, expected = (sum(t.nbytes for t in tensors) for tensors in (plan.graph.inputs, plan.graph.outputs))
    text = provenance(plan, "What the runtime needs to know")
    text += "#ifndef EK_MODEL_H\n#define EK_MODEL_H\n\n#include <stdint.h>\n\n"
    text += f"#define EK_INPUT_BYTES {given}\n#define EK_OUTPUT_BYTES {expected}\n\n"
    text += "/* All inputs one after the other in, all outputs one after the other out. */\n"
    text += "void ek_model_run(const int8_t *input, int8_t *output);\n\n"
    text += "/* 0 when the embedded vector gives the expected bytes. */\nint ek_model_selftest(void);\n\n"
    front = features.on_board(plan.graph, plan.board)
    text += nvm.for_runtime(plan.graph, plan.board)
    text += entries.for_runtime(plan.graph) if status.reports(plan.graph) else ""
    return text + (features.for_runtime(front, identifier(plan.graph.name), arena) if front else "") + "#endif\n"

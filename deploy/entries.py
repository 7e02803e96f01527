"""What a model with several entries adds to its C project: their interface, calls by number, and a self-test of all.

The functions themselves are written by :mod:`deploy.codegen`; what they return, :mod:`deploy.status` knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.codegen import array_definition, borders, entry_function, identifier, prototype
from deploy.kernels.base import Array
from deploy.plan import runtime_bytes
from deploy.status import HEADER, label_of
from quant.dtypes import to_bytes
from quant.graph import Entry, Graph, Tensor
from quant.reference import initial_states, run_sequence

ROUNDS = 3  # of the self-test: the first class is forgotten, and learned again


def declarations(graph: Graph) -> list[str]:
    """For ``model.h``: sizes and prototypes of all entries."""
    upper = identifier(graph.name).upper()
    lines = [f'#include "kernels/{HEADER}"', ""]
    for entry in graph.entries:
        label, name = label_of(graph, entry), f"{upper}_{identifier(entry.name).upper()}"
        given, expected = (sum(tensor.nbytes for tensor in tensors) for tensors in borders(graph, entry))
        words = [", ".join(_words(graph.tensors[n], n == (label and label.tensor)) for n in entry.inputs) or "nothing"]
        words.append(", ".join(_words(graph.tensors[n], False) for n in entry.outputs))
        lines += [f"/* {entry.name}: from {words[0]} to {words[1]}. */"]
        if label is not None:
            lines.append(f"#define {name}_CLASSES {label.classes}")
        lines += [f"#define {name}_INPUT_BYTES {given}", f"#define {name}_OUTPUT_BYTES {expected}"]
        lines += [f"{prototype(graph, entry)};", ""]
    return lines


def _words(tensor: Tensor, is_label: bool) -> str:
    kind = "which class, " if is_label else ""
    return f"{tensor.name} ({kind}{tensor.dtype.value} {tuple(tensor.shape)}, {tensor.nbytes} bytes)"


def for_runtime(graph: Graph) -> str:
    """For ``ek_model.h``, behind what every model has."""
    given, expected = runtime_bytes(graph)
    return (
        f"/* There are several entries: {', '.join(entry.name for entry in graph.entries)}. */\n"
        f'#include "kernels/{HEADER}"\n\n#define EK_ENTRIES {len(graph.entries)}\n'
        f"#define EK_LARGEST_INPUT_BYTES {given}\n#define EK_LARGEST_OUTPUT_BYTES {expected}\n\n"
        "typedef struct {\n    uint32_t input_bytes, output_bytes;\n"
        "    uint32_t writes; /* whether it changes states that outlive power */\n} ek_model_entry;\n\n"
        "extern const ek_model_entry ek_model_entries[EK_ENTRIES];\n\n"
        "/* Calls an entry by number; its status. */\n"
        "uint8_t ek_model_call(uint32_t entry, const int8_t *input, int8_t *output);\n\n"
    )


def calls_by_number(graph: Graph) -> list[str]:
    """``ek_model_call`` and the sizes that go with it."""
    lasting = {state.input for state in graph.states if state.storage == "nvm"}
    lines = ["const ek_model_entry ek_model_entries[EK_ENTRIES] = {"]
    for entry in graph.entries:
        given, expected = (sum(t.nbytes for t in tensors) for tensors in borders(graph, entry))
        lines.append(f"    {{{given}, {expected}, {int(bool(lasting & set(graph.updates(entry))))}}},")
    lines += ["};", ""]
    lines += ["uint8_t ek_model_call(uint32_t entry, const int8_t *input, int8_t *output)", "{"]
    lines += ["    switch (entry) {"]
    for number, entry in enumerate(graph.entries):
        label = f"case {number}" if number + 1 < len(graph.entries) else "default"
        lines += [f"    {label}:", f"        return (uint8_t){_call(graph, entry, 'input', 'output')};"]
    return [*lines, "    }", "}", ""]


def _call(graph: Graph, entry: Entry, given: str, expected: str) -> str:
    """A call with all inputs in one buffer and all outputs in another."""
    inputs, outputs = borders(graph, entry)
    return f"{entry_function(graph, entry)}({', '.join([*split(given, inputs), *split(expected, outputs)])})"


def split(name: str, tensors: Sequence[Tensor]) -> list[str]:
    """Pointers to tensors that lie one after the other."""
    words, at = [], 0
    for tensor in tensors:
        words.append(f"{name} + {at}" if at else name)
        at += tensor.nbytes
    return words


@dataclass(frozen=True)
class Step:
    """A call of the self-test: an entry, the label that it is given, and the bytes that it must answer."""

    entry: Entry
    label: int
    expected: bytes


def selftest_steps(graph: Graph) -> tuple[dict[str, NDArray], list[Step]]:
    """One pseudo-random value of every input that is no label, and every entry called in turn, the last one first.

    Each round has another class; the one behind the last class is the first again.
    """
    random = np.random.default_rng(0)
    labels = {label.tensor: label.classes for entry in graph.entries if (label := label_of(graph, entry))}
    given = {
        t.name: random.integers(t.dtype.low, t.dtype.high, t.shape, endpoint=True)
        for t in graph.all_inputs
        if t.name not in labels
    }
    states, steps = initial_states(graph), []
    for number in range(ROUNDS):
        for entry in reversed(graph.entries):
            at = number % 2
            values = given | {name: np.array([at]) for name in labels}
            inputs = {name: values[name][None] for name in entry.inputs}
            found, states = run_sequence(graph, inputs, states, entry.name)
            answers = (to_bytes(found[name][0], graph.tensors[name].dtype) for name in entry.outputs)
            steps.append(Step(entry, at, b"".join(answers)))
    return given, steps


def vectors(graph: Graph) -> list[str]:
    """The self-test's values: what is given, and what all calls together must answer."""
    given, steps = selftest_steps(graph)
    lines: list[str] = []
    for name, values in given.items():
        data = np.frombuffer(to_bytes(values, graph.tensors[name].dtype), np.int8)
        lines += array_definition(f"given_{identifier(name)}", Array(name, "int8_t", data))
    expected = np.frombuffer(b"".join(step.expected for step in steps), np.int8)
    lines += array_definition("expected", Array("expected", "int8_t", expected))
    lines += ["static const int32_t labels[2] = {0, 1};"]
    return [*lines, "static int8_t result[EK_LARGEST_OUTPUT_BYTES] __attribute__((aligned(8)));", ""]


def selftest(graph: Graph) -> list[str]:
    """``PREFIX_selftest``, which calls every entry a few times."""
    prefix, (given, steps) = identifier(graph.name), selftest_steps(graph)
    lines = ["static int differs(uint32_t at, uint32_t bytes)", "{", "    for (uint32_t i = 0; i < bytes; i++) {"]
    lines += ["        if (result[i] != expected[at + i]) {", "            return 1;", "        }", "    }"]
    lines += ["    return 0;", "}", "", f"int {prefix}_selftest(void)", "{", "    int failed = 0;", ""]
    lines += [f"    {prefix}_reset();"] if graph.states else []
    return [*lines, *_steps(graph, given, steps), "    return failed;", "}", ""]


def _steps(graph: Graph, given: dict[str, NDArray], steps: Sequence[Step]) -> Iterator[str]:
    at = 0
    for step in steps:
        words = [f"given_{identifier(n)}" if n in given else f"&labels[{step.label}]" for n in step.entry.inputs]
        words += split("result", borders(graph, step.entry)[1])
        yield f"    (void){entry_function(graph, step.entry)}({', '.join(words)});"
        yield f"    failed |= differs({at}, {len(step.expected)});"
        at += len(step.expected)

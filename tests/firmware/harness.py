"""Many kernel calls as one C program, so that a suite compiles once; the outputs come back as one memory image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from deploy.kernels import KERNELS
from deploy.kernels.base import C_TYPE, Call, Kernel, Site
from deploy.layout import Layout, channels_last
from quant.dtypes import DType
from quant.graph import Tensor
from tests.firmware.case import Case

SLACK = 8  # elements behind the operands of a team's kernels, which may be read
GUARD = 64  # bytes behind every output and behind the scratch memory that must stay as they are
PAINT = 0xA5


@dataclass(frozen=True)
class Run:
    """A case under one kernel variant.

    Attributes:
        offset: where its output lies in the program's ``result``.
        inplace: the input that lies there too, if any.
        wanted: the output, where it is not what the operator gives (a piece of a layer).
    """

    case: Case
    kernel: Kernel
    site: Site
    offset: int
    inplace: int | None = None
    wanted: NDArray[np.int64] | None = None

    @property
    def label(self) -> str:
        place = "" if self.inplace is None else f", in place of input {self.inplace}"
        return f"{self.kernel.name}: {self.case.name}{place}"

    @property
    def room(self) -> int:
        """Bytes of the memory that holds the output, and the input that it replaces."""
        given = 0 if self.inplace is None else self.site.inputs[self.inplace].nbytes
        return max(self.site.output.nbytes, given)

    @property
    def expected(self) -> bytes:
        """Output bytes by the NumPy reference, in storage order."""
        if self.wanted is not None:
            return self.site.out_layout.image(self.wanted, self.site.output.dtype)
        values = [v[None].astype(np.int64) for v in self.case.values]
        y = self.site.op.evaluate(values, list(self.site.inputs))[0]
        return self.site.out_layout.image(y, self.site.output.dtype)


def site_of(case: Case) -> Site:
    problems = [str(fault) for fault in case.op.faults(*case.tensors)]
    assert not problems, f"{case.name}: {problems}"
    shape, dtype, zero_point = case.op.infer(*case.tensors)
    y = Tensor("y", shape, dtype, zero_point)
    return Site(case.name, case.op, case.tensors, y, case.stored, channels_last(shape))


def sites_of(case: Case, kernel: Kernel) -> Iterator[Site]:
    """The case in every storage order in which the variant takes it."""
    site = site_of(case)
    stored = {site.layouts: site} if kernel.any_layout else {}
    for reads, writes in product(kernel.reads, kernel.writes):
        layouts, out = tuple(reads(x.shape) for x in site.inputs), writes(site.output.shape)
        key = (*(layout.loops for layout in layouts), out.loops)
        if not kernel.any_layout:
            stored.setdefault(key, replace(site, layouts=layouts, out_layout=out))
    yield from (one for one in stored.values() if kernel.unsupported(one) is None)


def plan_runs(cases: Iterable[Case], kernels: Sequence[Kernel] = KERNELS, inplace: bool = False) -> list[Run]:
    """Every case under every variant that takes it, with room for each output.

    ``inplace``: once more for each input whose place the output may take.
    """
    runs: list[Run] = []
    offset = 0
    for case in cases:
        for kernel in (kernel for kernel in kernels if kernel.op is type(case.op)):
            for site in sites_of(case, kernel):
                for place in (None, *(kernel.inplace(site) if inplace else ())):
                    runs.append(Run(case, kernel, site, offset, place))
                    offset += (runs[-1].room + GUARD + 7) // 8 * 8
    return runs


def mismatches(runs: Sequence[Run], memory: bytes) -> list[str]:
    """Variants whose output differs from the reference, or that wrote behind it."""
    found = []
    for run in runs:
        expected = run.expected
        if memory[run.offset : run.offset + len(expected)] != expected:
            found.append(f"{run.label}: other bytes than the reference")
        end = run.offset + run.room
        if memory[end : end + GUARD] != bytes([PAINT]) * GUARD:
            found.append(f"{run.label}: wrote behind its output")
    return found


def result_bytes(runs: Sequence[Run]) -> int:
    return runs[-1].offset + runs[-1].room + GUARD


def program(runs: Sequence[Run]) -> str:
    """C source: one function per run, and ``run_case(i)``, which returns 0 unless scratch memory was overrun."""
    scratch = max((call.scratch for run in runs for call in run.kernel.calls(run.site)), default=0)
    headers = sorted({run.kernel.header for run in runs})
    lines = [f'#include "kernels/{header}"' for header in headers]
    lines += TEAM.splitlines()
    lines += [f"uint8_t result[{result_bytes(runs)}] __attribute__((aligned(8)));"]
    lines += [f"static uint8_t scratch[{scratch + GUARD}] __attribute__((aligned(8)));"]
    lines += [
        "__attribute__((noinline, unused)) static int overrun(int size) {",
        f"    for (int i = 0; i < {GUARD}; i++)",
        f"        if (scratch[size + i] != {PAINT}) return 1;",
        "    return 0;",
        "}",
        "__attribute__((noinline, unused)) static void paint(uint8_t *memory, int bytes) {",
        f"    for (int i = 0; i < bytes; i++) memory[i] = {PAINT};",
        "}",
    ]
    lines += [
        "__attribute__((noinline, unused)) static void place(uint8_t *to, const uint8_t *from, int bytes) {",
        "    for (int i = 0; i < bytes; i++) to[i] = from[i];",
        "}",
    ]
    calls = {call.function: call for run in runs if run.kernel.team for call in run.kernel.calls(run.site)}
    lines += [line for call in calls.values() for line in _team_function(call)]
    for index, run in enumerate(runs):
        lines += _function(index, run)
    names = ", ".join(f"case_{i}" for i in range(len(runs)))
    lines += [f"static int (*const cases[])(void) = {{{names}}};", f"const int case_count = {len(runs)};"]
    lines += ["void paint_result(void);", "void paint_result(void) { paint(result, sizeof result); }"]
    lines += ["int run_case(int i);", "int run_case(int i) { return cases[i](); }", ""]
    return "\n".join(lines)


# How a team comes about: on the host one core works after the other, on a cluster all execute the program.
TEAM = """#ifndef EACH_CORE
extern int team_cores;
int team_cores = 1;
#define EACH_CORE for (int32_t core = 0; core < team_cores; core++)
#define PHASE() ((void)0)
#endif"""

HOST_MAIN = """
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words) {
    if (count > 1) team_cores = atoi(words[1]);
    paint_result();
    for (int i = 0; i < case_count; i++) {
        fprintf(stderr, "%d\\n", i);
        if (run_case(i)) return 3;
    }
    fprintf(stderr, "done\\n");
    return fwrite(result, 1, sizeof result, stdout) == sizeof result ? 0 : 4;
}
"""

# Returns the number of the first case that overran its scratch memory, or -1.
CORTEX_MAIN = """
int start(void);
int start(void) {
    paint_result();
    for (int i = 0; i < case_count; i++)
        if (run_case(i)) return i;
    return -1;
}
"""


def _team_function(call: Call) -> list[str]:
    """One compiled copy of a team's kernel, as on a board."""
    inputs = [f"const void *x{i}" for i in range(len(call.inputs))]
    arrays = [f"const void *c{i}" for i in range(len(call.arrays))]
    scratch = ["void *s"] if call.scratch else []
    names = [word.split("*")[-1] for word in (*inputs, "*y", *arrays, *scratch)]
    types = ", ".join((f"const {call.geometry[0]} *g", "ek_team team", *inputs, "void *y", *arrays, *scratch))
    head = f"__attribute__((noinline, used)) static void team_{call.function}({types}) {{"
    return [head, f"    {call.function}(g, team, {', '.join(names)});", "}"]


def _elements(layout: Layout, dtype: DType, values: NDArray) -> NDArray:
    """What C holds: elements in storage order, bits as words."""
    return np.frombuffer(layout.image(values, dtype), "<u4" if dtype is DType.B1 else dtype.numpy)


def _function(index: int, run: Run) -> list[str]:
    calls = run.kernel.calls(run.site)
    lines = []
    for which, (x, layout, values) in enumerate(zip(run.site.inputs, run.site.layouts, run.case.values, strict=True)):
        lines.append(_array(C_TYPE[x.dtype], f"x_{index}_{which}", _elements(layout, x.dtype, values), run.kernel.team))
    for position, call in enumerate(calls):
        for array in call.arrays:
            lines.append(_array(array.ctype, f"{array.label}_{index}_{position}", array.values, run.kernel.team))
    lines += [f"__attribute__((noinline)) static int case_{index}(void) {{"]
    if run.inplace is not None:
        size = run.site.inputs[run.inplace].nbytes
        lines.append(f"    place(result + {run.offset}, (const uint8_t *)x_{index}_{run.inplace}, {size});")
    for position, call in enumerate(calls):
        fields = ", ".join(f".{name} = {_literal(value)}" for name, value in call.geometry[1].items())
        lines.append(f"    const {call.geometry[0]} g{position} = {{{fields}}};")
        if call.scratch:
            lines.append(f"    paint(scratch + {call.scratch}, {GUARD});")
        words = ", ".join(_arguments(index, position, call, run))
        if run.kernel.team:
            lines.append("    PHASE();")
            lines.append(f"    EACH_CORE team_{call.function}(&g{position}, (ek_team){{core, team_cores}}, {words});")
            lines.append("    PHASE();")
        else:
            lines.append(f"    {call.function}(&g{position}, {words});")
    scratch = max(call.scratch for call in calls)
    return [*lines, f"    return {f'overrun({scratch})' if scratch else '0'};", "}"]


def _arguments(index: int, position: int, call: Call, run: Run) -> list[str]:
    def here(ctype: str) -> str:
        return f"({ctype} *)(void *)(result + {run.offset})"

    words = [
        here(f"const {C_TYPE[run.site.inputs[which].dtype]}") if which == run.inplace else f"x_{index}_{which}"
        for which in call.inputs
    ]
    words.append(here(C_TYPE[run.site.output.dtype]))
    words += [f"{array.label}_{index}_{position}" for array in call.arrays]
    return [*words, "scratch"] if call.scratch else words


def _array(ctype: str, name: str, values: NDArray, slack: bool) -> str:
    flat = [int(v) for v in np.asarray(values).ravel()]
    size = len(flat) + (SLACK if slack else 0)
    return f"static const {ctype} {name}[{size}] = {{{', '.join(map(_literal, flat))}}};"


def _literal(value: int) -> str:
    if value == -(2**31):
        return "-2147483647 - 1"
    return f"{value}u" if value >= 2**31 else str(value)

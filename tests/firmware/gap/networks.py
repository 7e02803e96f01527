"""Hand-made networks for the cluster's runtime: records as C text, and the bytes that they give.

Everything happens in one image in L2: steps load boxes of it, add, and store boxes of it. Expected bytes come from
executing the steps one after the other on a NumPy array.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Box:
    """A transfer: where it lies in L1, and which bytes of the image it is."""

    l1: int
    l2: int
    length: int
    lines: int = 1
    planes: int = 1
    line_stride: int = 0
    plane_stride: int = 0

    @property
    def bytes(self) -> int:
        return self.length * self.lines * self.planes

    @property
    def places(self) -> NDArray[np.int64]:
        """Offsets of its bytes in the image, in L1's order."""
        plane, line, byte = np.ogrid[: self.planes, : self.lines, : self.length]
        return (self.l2 + plane * self.plane_stride + line * self.line_stride + byte).ravel()

    @property
    def text(self) -> str:
        sizes = (self.l1, self.length, self.lines, self.planes, self.line_stride, self.plane_stride)
        return f"{{image + {self.l2}, {', '.join(map(str, sizes))}}}"


@dataclass(frozen=True)
class Fetch:
    l3: int
    l2: int
    bytes: int

    @property
    def text(self) -> str:
        return f"{{image + {self.l2}, {self.l3}, {self.bytes}}}"


@dataclass(frozen=True)
class Step:
    """``y[i] = x[i] + c[i] + bias`` for ``count`` bytes; x, c and y are offsets in L1."""

    layer: int
    count: int
    bias: int
    x: int
    c: int
    y: int
    early: tuple[Box, ...] = ()
    late: tuple[Box, ...] = ()
    store: tuple[Box, ...] = ()
    fetch: tuple[Fetch, ...] = ()
    needs_fetch: bool = False
    flush: bool = False


@dataclass(frozen=True)
class Network:
    """Steps on an image of ``size`` bytes: the input is the image at first, the output what it has become."""

    size: int
    l1_bytes: int
    steps: tuple[Step, ...]
    l3: bytes = b""
    input: Bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "input", np.random.default_rng(7).integers(0, 256, self.size, np.uint8))

    def expected(self, given: Bytes) -> bytes:
        """The image afterwards, every step done before the next one starts."""
        image, l1 = given.copy(), np.zeros(self.l1_bytes, np.uint8)
        for step in self.steps:
            for box in (*step.early, *step.late):
                l1[box.l1 : box.l1 + box.bytes] = image[box.places]
            for fetch in step.fetch:
                image[fetch.l2 : fetch.l2 + fetch.bytes] = np.frombuffer(self.l3, np.uint8)[fetch.l3 :][: fetch.bytes]
            x, c = (l1[at : at + step.count].astype(int) for at in (step.x, step.c))
            l1[step.y : step.y + step.count] = (x + c + step.bias).astype(np.uint8)
            for box in step.store:
                image[box.places] = l1[box.l1 : box.l1 + box.bytes]
        return image.tobytes()


def source(network: Network) -> str:
    """``model.c``: the layers' functions, the records, ``ek_model_run`` and ``ek_model_selftest``."""
    steps = network.steps
    geometries = list(dict.fromkeys((step.count, step.bias) for step in steps))
    lines = [HEAD.format(size=network.size)]
    for layer in sorted({step.layer for step in steps}):
        lines.append(
            f"__attribute__((noinline)) void test_layer_{layer:02d}(const ek_step *step) {{ ek_step_run(step); }}"
        )
    for i, (count, bias) in enumerate(geometries):
        lines.append(f"static const geometry geometry_{i} = {{{count}, {bias}}};")
    lines.append("static const struct {")
    for i, step in enumerate(steps):
        boxes = len(step.early) + len(step.late) + len(step.store)
        members = "ek_step step;" + (f" ek_transfer transfers[{boxes}];" if boxes else "")
        members += f" ek_fetch fetches[{len(step.fetch)}];" if step.fetch else ""
        lines.append(f"    struct {{ {members} }} s{i};")
    lines.append("} records = {")
    for i, step in enumerate(steps):
        following = f"sizeof records.s{i + 1}" if i + 1 < len(steps) else "0"
        lines += _record(i, step, following, geometries.index((step.count, step.bias)))
    expected = network.expected(network.input)
    lines += ["};", "", _array("selftest_input", network.input.tobytes()), _array("selftest_output", expected)]
    return "\n".join([*lines, TAIL.format(l1_bytes=network.l1_bytes), ""])


def header(network: Network) -> str:
    """``ek_model.h``."""
    return (
        "#include <stdint.h>\n"
        f"#define EK_INPUT_BYTES {network.size}\n#define EK_OUTPUT_BYTES {network.size}\n"
        "int ek_model_selftest(void);\nvoid ek_model_run(const int8_t *input, int8_t *output);\n"
    )


def _record(index: int, step: Step, following: str, geometry: int) -> list[str]:
    counts = f".earlies = {len(step.early)}, .lates = {len(step.late)}, .stores = {len(step.store)}"
    flags = f".fetches = {len(step.fetch)}, .needs_fetch = {step.needs_fetch:d}, .flush = {step.flush:d}"
    places = [f".{name} = {{(void *){at}}}" for name, at in (("x", step.x), ("constant", step.c))]
    lines = [
        f"    .s{index} = {{.step = {{.layer = test_layer_{step.layer:02d}, .kernel = add,",
        f"        .geometry = &geometry_{geometry}, .geometry_bytes = sizeof(geometry),",
        f"        .bytes = sizeof records.s{index}, .next_bytes = {following}, {counts}, {flags},",
        f"        .operands = {{{', '.join(places)}, .y = (void *){step.y}}}}},",
    ]
    boxes = [box.text for box in (*step.early, *step.late, *step.store)]
    lines += [f"        .transfers = {{{', '.join(boxes)}}},"] if boxes else []
    lines += [f"        .fetches = {{{', '.join(fetch.text for fetch in step.fetch)}}},"] if step.fetch else []
    return [*lines, "    },"]


def _array(name: str, data: bytes) -> str:
    return f"static const uint8_t {name}[{len(data)}] = {{{', '.join(map(str, data))}}};"


HEAD = """#include "ek_model.h"
#include "ek_cluster.h"
typedef struct {{
    int32_t count, bias;
}} geometry;
static uint8_t image[{size}] __attribute__((aligned(8)));
static void add(const void *g, ek_team team, const ek_operands *o) {{
    const geometry *size = g;
    const uint8_t *x = o->x[0], *c = o->constant[0];
    uint8_t *y = o->y;
    const int32_t end = ek_share(size->count, team.core + 1, team.cores);
    for (int32_t i = ek_share(size->count, team.core, team.cores); i < end; i++) {{
        y[i] = (uint8_t)(x[i] + c[i] + size->bias);
    }}
}}
"""

TAIL = """
void ek_model_run(const int8_t *input, int8_t *output) {{
    for (uint32_t i = 0; i < sizeof image; i++) image[i] = (uint8_t)input[i];
    const int failed = ek_cluster_run(&records.s0.step, {l1_bytes}, ek_cores);
    for (uint32_t i = 0; i < sizeof image; i++) output[i] = (int8_t)(failed ? 0xA5 : image[i]);
}}
static int8_t result[sizeof image];
int ek_model_selftest(void) {{
    ek_model_run((const int8_t *)selftest_input, result);
    for (uint32_t i = 0; i < sizeof image; i++) {{
        if ((uint8_t)result[i] != selftest_output[i]) return 1;
    }}
    return 0;
}}
"""


def tiles() -> Network:
    """Two layers of tiles with double buffers, a constant that stays in L1, one from L3 and 3-D boxes."""
    x, y, c = (0, 512), (1024, 1536), (2048, 2560)
    steps = []
    for tile in range(5):  # layer 0: 3 planes of 5 lines of 7 bytes out of lines of 16
        window = 3 + 7 * (tile % 2) + 16 * 8 * (tile // 2)
        load = Box(x[tile % 2], window, 7, 5, 3, 16, 1000)
        store = Box(y[tile % 2], 4000 + 105 * tile, 105)
        fixed = (Box(c[0], 3501, 105),) if tile == 0 else ()
        fetch = (Fetch(8, 6000, 212),) if tile == 1 else ()
        early = () if tile == 0 else (load,)
        late = (*fixed, load) if tile == 0 else ()
        steps.append(
            Step(0, 105, tile // 2, x[tile % 2], c[0], y[tile % 2], early, late, (store,), fetch, flush=tile == 4)
        )
    for tile in range(4):  # layer 1 reads what layer 0 stored; its output has gaps
        count = (131, 130, 1, 99)[tile]
        load = Box(x[tile % 2], 4000 + 131 * tile, count)
        fixed = (Box(c[1], 6003, 131),) if tile == 0 else ()
        stores = (Box(y[tile % 2], 5000 + 200 * tile, 1, count, 1, 2), Box(y[tile % 2], 7000 + 131 * tile, count))
        early, late = ((), (*fixed, load)) if tile == 0 else ((load,), ())
        steps.append(
            Step(
                1,
                count,
                -7,
                x[tile % 2],
                c[1],
                y[tile % 2],
                early,
                late,
                stores,
                needs_fetch=tile == 0,
                flush=tile == 3,
            )
        )
    steps.append(Step(2, 60, 1, y[1], c[1], x[0], store=(Box(x[0], 7600, 60),), flush=True))  # loads nothing
    return Network(8000, 3072, tuple(steps), np.random.default_rng(3).integers(0, 256, 256, np.uint8).tobytes())


def boxes() -> Network:
    """Transfers of every small size and alignment, strided ones, and those that take more than one DMA command."""
    small = [Box(0, 5 * n + n % 4, n) for n in range(1, 71)]
    small += [
        Box(0, 40 * n, n, lines, planes, n + gap, (n + gap) * lines + 2 * gap) for n, lines, planes, gap in SHAPES
    ]
    large = [
        Box(0, 3, 40_001),  # two commands
        Box(0, 1, 33_000, 1, 1),
        Box(0, 5, 200, 199, 1, 201),  # 39,800 bytes in two commands
        Box(0, 7, 10, 2, 1, 40_000),  # too far apart
        Box(0, 9, 5, 2, 2, 7, 50_001),
        Box(0, 2, 100, 10, 40, 100, 1_000),  # one run
        Box(0, 4, 100, 1, 401, 0, 100),  # one run
        Box(0, 4, 3, 1, 11_000, 0, 5),  # planes of one line; 33,000 bytes in two commands
    ]
    steps = [_copy(i, box) for i, box in enumerate(small)]
    steps[-1] = _copy(len(small) - 1, small[-1], flush=True)
    steps += [_copy_large(box) for box in large]
    return Network(56_000, 40_200 + 8_192, tuple(steps))


SHAPES = [(n, lines, planes, gap) for n in (1, 3, 8) for lines in (1, 2, 7) for planes in (1, 3) for gap in (0, 1, 5)]


def _shift(box: Box, l1: int, l2: int) -> Box:
    return Box(l1, box.l2 + l2, box.length, box.lines, box.planes, box.line_stride, box.plane_stride)


def _copy(index: int, box: Box, flush: bool = False) -> Step:
    """Through one of two pairs of buffers, back to a box of the same form elsewhere."""
    x, y = 2_048 * (index % 2), 4_096 + 2_048 * (index % 2)
    store = _shift(box, y, 1_500 + 24 * index)
    return Step(0, box.bytes, index % 3, x, x, y, (_shift(box, x, 0),), (), (store,), flush=flush)


def _copy_large(box: Box) -> Step:
    """In place."""
    return Step(1, box.bytes, 1, 0, 0, 0, (), (box,), (_shift(box, 0, 3),), flush=True)

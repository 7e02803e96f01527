"""What the host sees: exit code, output, memory, stops, statistics that add up, the same cycles twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.elf import Image
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp import native
from edgekit.emulate.pulp.machine import CONTROLLER, Context, Machine
from quant.errors import UserError
from tests.edgekit.emulate.pulp.programs import GAP8, build, cluster_program, word, words

WORK = """
L1 u32 r[8] = {0};
L1 u32 data[256] = {1, 2, 3};
__attribute__((section(".data"))) u32 far[64] = {5};
NOINLINE u32 inner(u32 n, u32 core) {
    u32 s = 0;
    for (u32 i = 0; i < n; i++) s += data[(i * 3 + core) & 255] * i;
    return s;
}
NOINLINE u32 outer(u32 n, u32 core) { return inner(n, core) + inner(2 * n, core) + far[n & 63]; }
NOINLINE void fetch(void) {
    u32 id = DMA; DMA = 1u << 17 | 1u << 20 | 4096; DMA = 0x10004000; DMA = 0x1C020000;
    while (DMA_STATUS & (1u << id)) { MASK_OR = 1u << 8; WAIT_CLEAR(); MASK_AND = 1u << 8; }
    DMA_STATUS = 1u << id;
}
"""
BODY = """
TEAM(0xff);
r[core] = outer(50 + core, core);
if (core == 0) fetch();
BARRIER();
r[core] += inner(10, core);
BARRIER();
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return cluster_program(BODY, tmp_path_factory.mktemp("work"), cores=0xFF, before=WORK)


def contexts(image: Image, *names: str) -> list[Context]:
    return [Context(name, image.symbol(name).address) for name in names]


def cycles(table: np.ndarray) -> np.ndarray:
    """(contexts, cores)."""
    return np.sum([table[name].astype(np.int64) for name in native.CYCLES], axis=0)


def test_exit_code_and_output(tmp_path: Path) -> None:
    source = """
    #define CORES 3
    void fc_main(void) { start(3); await_line(); out("controller\\n"); out("unfinished"); leave(77); }
    void core_main(u32 core) {
        TEAM(3);
        out(core ? "one " : "zero "); BARRIER(); out("line\\n"); BARRIER();
        if (core == 0) finished();
        sleep_for_ever();
    }
    """
    with Machine(build(source, tmp_path), GAP8) as machine:
        stop = machine.run()
        assert (stop.reason, stop.core, stop.exit_code) == (native.EXIT, CONTROLLER, 77)
        assert sorted(machine.printed.splitlines()) == ["controller", "one line", "zero line"]
        assert machine.printed.endswith("controller\n")


@pytest.mark.parametrize("names", [(), ("inner",), ("outer", "inner"), ("fetch", "outer", "core_main")])
def test_cycles_of_every_core_add_up(image: Image, names: tuple[str, ...]) -> None:
    with Machine(image, GAP8, contexts=contexts(image, *names)) as machine:
        machine.run()
        table = machine.stats()
        assert table.shape == (len(names) + 1, 9)
        assert cycles(table).sum(axis=0).tolist() == [machine.cycles] * 9


def test_cycles_add_up_at_every_stop_and_after_every_reset(image: Image) -> None:
    inner = image.symbol("inner")
    places = [(None, inner.address + offset) for offset in range(0, inner.size, 2)]
    with Machine(image, GAP8, contexts=contexts(image, "outer", "inner")) as machine:
        for number in range(300):
            assert machine.run(stop_at=places).reason == native.BREAKPOINT
            assert cycles(machine.stats()).sum(axis=0).tolist() == [machine.cycles] * 9
            if number % 7 == 0:
                machine.reset_stats()
                assert machine.cycles == 0 and cycles(machine.stats()).sum() == 0


def test_two_runs_and_stops_do_not_change_cycles(image: Image) -> None:
    inner = image.symbol("inner")

    def counted(stops: bool) -> tuple[int, bytes]:
        with Machine(image, GAP8, contexts=contexts(image, "outer", "inner")) as machine:
            places = [(None, inner.address + offset) for offset in range(0, inner.size, 2)] if stops else []
            while machine.run(stop_at=places).reason != native.EXIT:
                pass
            return machine.cycles, machine.stats().tobytes()

    assert counted(False) == counted(False) == counted(True)


def test_contexts_nest_and_are_inclusive(image: Image) -> None:
    with Machine(image, GAP8, contexts=contexts(image, "outer", "inner")) as machine:
        machine.run()
        both = machine.stats()
    with Machine(image, GAP8, contexts=contexts(image, "outer")) as machine:
        machine.run()
        outer = machine.stats()
    with Machine(image, GAP8, contexts=contexts(image, "inner")) as machine:
        machine.run()
        inner = machine.stats()
    with Machine(image, GAP8, functions=True) as machine:
        machine.run()
        names = ["start-up", *(symbol.name for symbol in image.functions)]
        by_name = dict(zip(names, machine.stats()["instructions"][:, :8], strict=True))
    # The innermost context counts; without it, what was called from the outer one is the outer one's.
    np.testing.assert_array_equal(both["instructions"][2, :8], inner["instructions"][1, :8])
    np.testing.assert_array_equal(inner["instructions"][1, :8], by_name["inner"])
    np.testing.assert_array_equal(both["instructions"][1, :8], by_name["outer"])
    assert (outer["instructions"][1, :8] > by_name["outer"]).all()
    totals = {int(table["instructions"][:, :8].sum()) for table in (both, outer, inner)}
    assert totals == {int(sum(row.sum() for row in by_name.values()))}


def test_what_a_core_waits_for(image: Image) -> None:
    with Machine(image, GAP8, contexts=contexts(image, "fetch")) as machine:
        machine.run()
        table = machine.stats()
        assert table["dma_in"][1].tolist() == [4096, *[0] * 8]
        assert machine.dma == (4096, 0)
        assert 400 < table["dma_wait"][1, 0] < 530 and not table["dma_wait"][:, 1:].any()
        assert (table["barrier"][0, 1:8] > 50).all()
        assert not table["barrier"][:, CONTROLLER].any()
        assert table["idle"][0, CONTROLLER] > machine.cycles // 2


def test_functions_add_up_too(image: Image) -> None:
    with Machine(image, GAP8, functions=True) as machine:
        machine.run()
        table = machine.stats()
        assert cycles(table).sum(axis=0).tolist() == [machine.cycles] * 9
        names = ["", *(symbol.name for symbol in image.functions)]
        assert table["dma_in"][names.index("fetch"), 0] == 4096
        assert table["instructions"][names.index("fc_main"), CONTROLLER] > 0
        assert table["instructions"][names.index("fc_main"), :8].sum() == 0


def test_stops(image: Image) -> None:
    outer, inner = image.symbol("outer").address, image.symbol("inner").address
    with Machine(image, GAP8, contexts=contexts(image, "outer", "inner")) as machine:
        stop = machine.run(stop_at=[(3, outer)])
        assert (stop.reason, stop.core, stop.pc, stop.context) == (native.BREAKPOINT, 3, outer, 1)
        assert machine.registers(3)[10:12] == (53, 3)
        stop = machine.run(stop_at=[(3, inner)])
        assert (stop.core, stop.pc, stop.context) == (3, inner, 2)
        stop = machine.run(stop_on_leave=[(3, 2)])
        assert (stop.reason, stop.core, stop.context) == (native.LEFT, 3, 2)
        assert image.describe(stop.pc).startswith("outer+")
        result = machine.registers(3)[10]
        data = [1, 2, 3] + [0] * 253
        assert result == sum(data[(i * 3 + 3) & 255] * i for i in range(53))
        stop = machine.run(stop_on_leave=[(3, 1)])
        assert (stop.reason, stop.context) == (native.LEFT, 1)
        assert machine.run(stop_at=[(CONTROLLER, image.symbol("fc_main").address)]).reason == native.EXIT


def test_a_stop_is_not_repeated_and_memory_may_be_changed(image: Image) -> None:
    fetch = image.symbol("fetch").address
    with Machine(image, GAP8) as machine:
        assert machine.run(stop_at=[(None, fetch)]).core == 0
        machine.write(0x1C020000, bytes(range(256)))
        assert machine.run(stop_at=[(None, fetch)]).reason == native.EXIT
        assert machine.read(0x10004000, 256) == bytes(range(256))
        for address in (0x1C080000, 0x1BFFFFFF, 0x1001FFFF, 0):
            with pytest.raises(ValueError, match="no memory"):
                machine.read(address, 1)
        with pytest.raises(ValueError, match="no memory"):
            machine.write(0x1C07FFFF, b"ab")


def test_memory_starts_with_a_pattern(image: Image) -> None:
    with Machine(image, GAP8) as machine:
        assert machine.read(0x1000F000, 8) == machine.read(0x1C070000, 8) == b"\x57" * 8


def test_program_may_write_code(tmp_path: Path) -> None:
    """Instructions that have been executed and are written again, by a core and by the DMA."""
    body = """
    typedef u32 function(void);
    u32 code[4] = {0x00500513, 0x00008067, 0, 0};
    volatile u32 *l1 = (volatile u32 *)0x10003000, *l2 = (volatile u32 *)0x1C030000;
    l1[0] = l2[0] = code[0]; l1[1] = l2[1] = code[1];
    r[0] = ((function *)l1)() + 16 * ((function *)l2)();
    l1[0] = l2[0] = 0x00700513;
    r[1] = ((function *)l1)() + 16 * ((function *)l2)();
    *(volatile unsigned char *)0x10003003 = 0x01;
    r[2] = ((function *)l1)();
    u32 id = DMA; DMA = 1u << 17 | 4; DMA = 0x10003000; DMA = 0x1C030000; while (DMA_STATUS & 1) {}
    r[3] = ((function *)l1)();
    """
    image = cluster_program(body, tmp_path, before="L1 u32 r[4] = {0};\n")
    with Machine(image, GAP8) as machine:
        machine.run()
        assert words(machine, image, "r") == [0x55, 0x77, 0x17, 7]


def test_aliases(tmp_path: Path) -> None:
    source = """
    #define CORES 1
    L1 u32 near[4] = {11, 12, 13, 14};
    L1 u32 r[8] = {0};
    void fc_main(void) {
        *(volatile u32 *)0x1C000010 = 99;
        start(1); await_line();
        near[3] = *(volatile u32 *)0x10;
        leave(near[2] == 77 ? 0 : 1);
    }
    void core_main(u32 core) {
        volatile u32 *alias = (volatile u32 *)((u32)near & 0xFFFFF);
        r[0] = alias[1]; alias[2] = 77; r[1] = R(0x00204000 + 4 * 0x00); r[2] = R(0x00200008);
        finished();
    }
    """
    image = build(source, tmp_path)
    with Machine(image, GAP8) as machine:
        assert machine.run().exit_code == 0
        assert words(machine, image, "r")[:3] == [12, 0, 1]
        assert word(machine, image, "near", 3) == 99


def test_misaligned_accesses_are_counted(tmp_path: Path) -> None:
    before = "L1 u32 r[4] = {0};\nNOINLINE void touch(void) { volatile u32 *p = (volatile u32 *)0x10003001;"
    before += " p[0] = 0x12345678; r[0] = p[0]; *(volatile unsigned short *)0x1C020001 = 5; }\n"
    image = cluster_program("touch();", tmp_path, before=before)
    with Machine(image, GAP8, contexts=contexts(image, "touch")) as machine:
        machine.run()
        found = machine.misaligned
        assert (found.count, found.core, found.address) == (3, 0, 0x10003001)
        assert image.function_at(found.pc).name == "touch"
        assert machine.stats()["misaligned"][1, 0] == 3
        assert word(machine, image, "r") == 0x12345678


def test_nine_cores_of_gap9(tmp_path: Path) -> None:
    image = cluster_program(
        "TEAM(0x1ff); r[core] = hart() + 1;  TEAM(0x1ff);", tmp_path, cores=0x1FF, before="L1 u32 r[9] = {0};\n"
    )
    with Machine(image, load_board("gap9")) as machine:
        machine.run()
        assert words(machine, image, "r") == list(range(1, 10))
        assert machine.cores == 9


def test_an_image_for_other_memories(image: Image) -> None:
    segment = image.segments[0]
    moved = Image(image.path, image.entry, image.sections, (type(segment)(0x20000000, b"1234", 0x20000000),), (), ())
    with pytest.raises(UserError, match="0x20000000, where board 'gap8' has no memory"):
        Machine(moved, GAP8)


def test_speed(tmp_path: Path) -> None:
    """Far below what it is, and of processor time: 8 busy cores ran at more than 100 MIPS."""
    image = cluster_program("TEAM(0xff); r[core] = inner(200000, core); BARRIER();", tmp_path, cores=0xFF, before=WORK)
    with Machine(image, GAP8) as machine:
        machine.run()
        assert machine.mips > 10


def test_budget(image: Image) -> None:
    with Machine(image, GAP8, budget=500) as machine, pytest.raises(EmulationError, match="no end within 500 cycles"):
        machine.run()

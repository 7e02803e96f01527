"""Cycles of short pieces of code: instruction timing, banks, the instruction cache, far memory. Sources: gap8.toml."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.emulate.pulp import native
from edgekit.emulate.pulp.machine import CONTROLLER, Context, Machine
from tests.edgekit.emulate.pulp.programs import GAP8, build, cluster_program

TIMING, LATENCY = GAP8.cluster.timing, GAP8.cluster.latency
# a4: a word in L1; a5: one in L2; a3: 7
ASM = '__asm__ volatile("%s\\n 9: nop" ::: "a0", "a1", "a2", "a3", "a4", "a5", "memory");'
SETUP = "la a4, near\\n la a5, far\\n li a3, 7\\n la a2, 9f\\n"
DATA = 'L1 u32 near[4] = {1, 2, 3, 4};\n__attribute__((section(".data"))) u32 far[4] = {1, 2, 3, 4};\n'


def row_of(code: str, folder: Path, *, core: int = 0) -> dict[str, int]:
    """Counters of ``code`` (instructions by semicolons), cache warm, less those of the same call without it."""
    text = code.replace(";", "\\n")
    functions = ""
    for name, body in (("with", text), ("without", "")):
        functions += f"__attribute__((aligned(16))) NOINLINE void body_{name}(void) {{ {ASM % (SETUP + body)} }}\n"
    calls = "for (u32 i = 0; i < 2; i++) { body_with(); body_without(); }"
    if core == CONTROLLER:
        image = build(DATA + functions + f"void fc_main(void) {{ {calls} leave(0); }}\n", folder)
    else:
        image = cluster_program(calls, folder, before=DATA + functions)
    contexts = [Context(name, image.symbol(f"body_{name}").address) for name in ("with", "without")]
    with Machine(image, GAP8, contexts=contexts) as machine:
        machine.run(stop_on_leave=[(core, 2)])
        machine.reset_stats()
        machine.run(stop_on_leave=[(core, 2)])
        table = machine.stats()
        return {name: int(table[name][1, core]) - int(table[name][2, core]) for name in native.COUNTERS.names}


def cycles_of(code: str, folder: Path, *, core: int = 0) -> int:
    row = row_of(code, folder, core=core)
    return sum(row[name] for name in native.CYCLES)


@pytest.mark.parametrize(
    "code, cycles",
    [
        ("addi a0, a0, 1; addi a0, a0, 1; add a0, a0, a0", 3),
        ("mul a0, a3, a3; addi a0, a0, 1", TIMING.mul + 1),
        ("mulh a0, a3, a3", TIMING.mulh),
        ("mulhu a0, a3, a3", TIMING.mulh),
        ("div a0, x0, a3", TIMING.divide_min),
        ("li a0, -1; li a1, 1; divu a0, a0, a1", 2 + TIMING.divide_max),
        ("divu a0, a3, x0", TIMING.divide_max),
        ("lw a0, 0(a4); addi a1, a1, 1; addi a0, a0, 1", 3),
        ("lw a0, 0(a4); addi a0, a0, 1", 2 + TIMING.load_use),
        ("lw a0, 0(a4); sw a0, 4(a4)", 2 + TIMING.load_use),
        ("lw a0, 0(a4); lw a0, 4(a4); lw a1, 8(a4)", 3),
        ("lw x0, 0(a4); addi a0, x0, 1", 2),
        ("sw a0, 0(a4); lw a0, 0(a4)", 2),
        ("lw a0, 1(a4); nop", 2 + TIMING.misaligned),
        ("lh a0, 1(a4); nop", 2),
        ("lh a0, 3(a4); nop", 2 + TIMING.misaligned),
        ("sw a0, 2(a4)", 1 + TIMING.misaligned),
        ("beq x0, x0, 1f; nop; 1:", TIMING.branch_taken),
        ("bne x0, x0, 1f; nop; 1:", 2),
        ("j 1f; nop; 1:", TIMING.jump),
        ("jr a2", TIMING.jump),
        ("lw a0, 0(a5)", LATENCY.pe_l2),
        ("lw a0, 0(a5); addi a0, a0, 1", LATENCY.pe_l2 + 1),
        ("sw a0, 0(a5)", LATENCY.pe_l2),
        ("lw a0, 2(a5)", 2 * LATENCY.pe_l2),
        (".word 0xb8b51557; nop", 2),  # pv.sdotsp.b
        ("csrr a0, 0xf14", 1),
    ],
)
def test_instructions(code: str, cycles: int, tmp_path: Path) -> None:
    assert cycles_of(code, tmp_path) == cycles


@pytest.mark.parametrize(
    "address, pe, fc",
    [
        (0x10204000, 1, None),  # own event unit
        (0x10200408, LATENCY.pe_cluster_peripheral, LATENCY.fc_cluster_peripheral),  # cluster timer
        (0x1A10B008, LATENCY.pe_soc_peripheral, LATENCY.fc_soc_peripheral),  # the controller's timer
        (0x1C000100, LATENCY.pe_l2, LATENCY.fc_l2),
        (0x10000000, 1, LATENCY.fc_l1),
    ],
)
def test_latencies(address: int, pe: int, fc: int | None, tmp_path: Path) -> None:
    code = f"li a0, {address:#x}; lw a1, 0(a0)"
    base = cycles_of(f"li a0, {address:#x}", tmp_path)
    assert cycles_of(code, tmp_path) - base == pe
    if fc is not None:
        assert cycles_of(code, tmp_path, core=CONTROLLER) - base == fc


def test_categories(tmp_path: Path) -> None:
    row = row_of("lw a0, 0(a4); addi a0, a0, 1; beq x0, x0, 1f; nop; 1: lw a0, 0(a5); mulh a1, a1, a1", tmp_path)
    assert row["instructions"] == 5
    assert row["execute"] == 5 + TIMING.mulh - 1
    assert row["load_use"] == TIMING.load_use
    assert row["branch"] == TIMING.branch_taken - 1
    assert row["memory"] == LATENCY.pe_l2 - 1
    assert row["icache"] == row["conflict"] == row["idle"] == 0


LOADS = """
NOINLINE void body(volatile u32 *at) {
    __asm__ volatile(".rept 64\\n lw a1, 0(%0)\\n .endr" :: "r"(at) : "a1");
}
"""


@pytest.mark.parametrize("stride, cycles", [(0, 8 * 64), (16, 8 * 64), (1, 64)])
def test_bank_conflicts(stride: int, cycles: int, tmp_path: Path) -> None:
    """GVSoC with banks of 4 bytes per cycle: 490 to 511 for 8 cores at one word, 67 at different banks."""
    body = f"for (u32 i = 0; i < 2; i++) {{ TEAM(0xff); body(words + {stride} * core); }}"
    image = cluster_program(body + " TEAM(0xff);", tmp_path, cores=0xFF, before="L1 u32 words[256] = {0};\n" + LOADS)
    with Machine(image, GAP8, contexts=[Context("body", image.symbol("body").address)]) as machine:
        for _ in range(8):
            machine.run(stop_on_leave=[(None, 1)])
        machine.reset_stats()
        machine.run()
        table = machine.stats()
        taken = [sum(int(table[name][1, core]) for name in native.CYCLES) for core in range(8)]
        returns = TIMING.jump
        assert max(taken) == cycles + returns
        assert table["conflict"][1, :8].tolist() == [c - 64 - returns for c in taken]
        if stride in (0, 16):
            assert min(taken) > cycles - 16  # fair: everybody gets every eighth turn


def test_dma_and_core_share_banks(tmp_path: Path) -> None:
    before = "L1 u32 words[256] = {0};\n" + LOADS
    body = """
    for (u32 i = 0; i < 3; i++) {
        if (i == 2) {
            DMA; DMA = 1u << 17 | 4096; DMA = 0x10008000; DMA = 0x1C020000;
            for (u32 j = 0; j < 20; j++) ASM("nop");
        }
        body(words);
    }
    while (DMA_STATUS & 1) {}
    """
    image = cluster_program(body, tmp_path, before=before)
    with Machine(image, GAP8, contexts=[Context("body", image.symbol("body").address)]) as machine:
        conflicts = []
        for _ in range(3):
            machine.reset_stats()
            machine.run(stop_on_leave=[(0, 1)])
            conflicts.append(int(machine.stats()["conflict"][1, 0]))
        assert conflicts[:2] == [0, 0]
        assert 2 <= conflicts[2] <= 12  # two words of 16 per cycle; whoever comes first in the cycle wins


def test_cold_lines_cost_and_are_shared(tmp_path: Path) -> None:
    nops = '__asm__ volatile(".option push\\n.option norvc\\n.rept 63\\n nop\\n.endr\\n.option pop\\n c.nop");'
    before = f"__attribute__((aligned(16))) NOINLINE void body(void) {{ {nops} }}\n"
    image = cluster_program("TEAM(0xff); body(); TEAM(0xff); body(); TEAM(0xff);", tmp_path, cores=0xFF, before=before)
    cache = GAP8.cluster.icache
    with Machine(image, GAP8, contexts=[Context("body", image.symbol("body").address)]) as machine:
        for _ in range(8):
            machine.run(stop_on_leave=[(None, 1)])
        first = machine.stats()["icache"][1, :8]
        machine.reset_stats()
        machine.run()
        assert first.tolist() == [16 * cache.miss_cycles] * 8
        assert not machine.stats()["icache"][1, :8].any()


def test_a_loop_larger_than_the_cache_misses_again(tmp_path: Path) -> None:
    words = GAP8.cluster.icache.bytes // 4 + 64
    nops = f'__asm__ volatile(".option push\\n.option norvc\\n.rept {words}\\n nop\\n.endr\\n.option pop");'
    image = cluster_program("body(); body();", tmp_path, before=f"NOINLINE void body(void) {{ {nops} }}\n")
    with Machine(image, GAP8, contexts=[Context("body", image.symbol("body").address)]) as machine:
        machine.run(stop_on_leave=[(0, 1)])
        machine.reset_stats()
        machine.run(stop_on_leave=[(0, 1)])
        assert int(machine.stats()["icache"][1, 0]) > 64 / 4 * GAP8.cluster.icache.miss_cycles


def test_counters_of_the_core(tmp_path: Path) -> None:
    """PCER, PCMR and PCCR: written as on GVSoC; counter 0 stops while the core sleeps, the timer does not."""
    before = """
    L1 u32 r[32] = {0};
    #define COUNTER(n) __asm__ volatile("csrr %0, 0x780 + " #n : "=r"(r[n]))
    static void delay(u32 n) { for (u32 i = 0; i < n; i++) ASM("nop"); }
    """
    body = """
    TEAM(3); TEAM(3);
    if (core == 1) { delay(300); TEAM(3); sleep_for_ever(); }
    TIMER_CONFIG = 3;
    __asm__ volatile("csrw 0x79f, x0\\n csrw 0xcc0, %0\\n csrw 0xcc1, %1" :: "r"(~0u), "r"(1));
    for (u32 i = 0; i < 10; i++)
        __asm__ volatile("lw a0, 0(%0)\\n addi a0, a0, 1\\n sw a0, 0(%0)" :: "r"(r + 31) : "a0", "memory");
    TEAM(3);
    __asm__ volatile("csrw 0xcc1, x0");
    COUNTER(0); COUNTER(1); COUNTER(2); COUNTER(5); COUNTER(6); COUNTER(8); COUNTER(9); COUNTER(11);
    r[20] = TIMER;
    __asm__ volatile("csrr %0, 0xcc0" : "=r"(r[21]));
    """
    image = cluster_program(body, tmp_path, cores=3, before=before)
    with Machine(image, GAP8) as machine:
        machine.run()
        r = [int.from_bytes(machine.read(image.symbol("r").address + 4 * i, 4), "little") for i in range(32)]
    assert r[2] == 10
    assert r[5] == 10 + 1  # p.elw is a load
    assert r[11] == 1
    assert r[9] <= r[8] <= 10
    assert r[1] < r[0] < 250 < 900 < r[20]
    assert r[21] == 0


def test_timers(tmp_path: Path) -> None:
    """Compare events of the cluster's timer, cyclic mode, the controller's timer line, 64-bit counting."""
    before = "L1 u32 r[16] = {0};\nNOINLINE void tick(u32 i) { WAIT_CLEAR(); r[i] = R(0x1A10B008); }\n"
    body = """
    R(0x10200410) = 100; R(0x10200420) = 1;
    TIMER_CONFIG = 1 | 2 | 4 | 8;
    MASK = 1u << 10;
    for (u32 i = 0; i < 4; i++) tick(i);
    R(0x10200404) = 0; TIMER_CONFIG = 0;
    TIMER = 0xfffffff0; R(0x1020040c) = 0;
    TIMER_CONFIG = 0x80000001; TIMER = 0xfffffff0; R(0x1020040c) = 6;
    for (u32 i = 0; i < 50; i++) ASM("nop");
    r[4] = R(0x1020040c);
    """
    source = (
        "#define CORES 1\n"
        + before
        + """
    void fc_main(void) {
        R(0x1A10B000) = 3;
        R(0x1A10B814) = 500; R(0x1A10B804) = 1 | 2 | 4 | 16;
        ITC_MASK_SET = 1u << 13;
        start(1);
        while (!(ITC_STATUS >> 13 & 1)) ASM("wfi");
        r[5] = R(0x1A10B80C); r[6] = R(0x1A10B804);
        await_line(); leave(0);
    }
    """
    )
    image = build(source + f"void core_main(u32 core) {{ {body} finished(); }}\n", tmp_path)
    with Machine(image, GAP8) as machine:
        machine.run()
        r = [int.from_bytes(machine.read(image.symbol("r").address + 4 * i, 4), "little") for i in range(8)]
    assert np.diff(r[1:4]).tolist() == [100, 100]
    assert r[4] == 7
    assert r[5] == 500 and r[6] & 1 == 0

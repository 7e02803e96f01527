"""The cluster's DMA: what it moves, how long it takes, when it makes a core wait. Times: measured on GVSoC."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from deploy.elf import Image
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp.machine import Machine
from tests.edgekit.emulate.pulp.programs import GAP8, build, cluster_program, words

TO_L1, TWO_D, EVENT, BROADCAST = 1 << 17, 1 << 19, 1 << 20, 1 << 22
L1, L2 = 0x10002000, 0x1C020000
HELPERS = """
L1 u32 r[64] = {0};
#define IN (1u << 17 | 1u << 18 | 1u << 20)
#define OUT (1u << 18 | 1u << 20)
static inline void wait(u32 id) {
    while (DMA_STATUS & (1u << id)) { MASK_OR = 1u << 8; WAIT_CLEAR(); MASK_AND = 1u << 8; }
    DMA_STATUS = 1u << id;
}
static inline void copy(u32 command, u32 l1, u32 l2) {
    u32 id = DMA; DMA = command; DMA = l1; DMA = l2; wait(id);
}
static inline void copy_2d(u32 command, u32 l1, u32 l2, u32 line, u32 stride) {
    u32 id = DMA; DMA = command; DMA = l1; DMA = l2; DMA = line; DMA = stride; wait(id);
}
"""


def program(body: str, folder: Path, *, cores: int = 1, before: str = "") -> Image:
    return cluster_program("TIMER_CONFIG = 3;\n" + body, folder, cores=cores, before=HELPERS + before)


def results(body: str, folder: Path, *, cores: int = 1, before: str = "") -> list[int]:
    image = program(body, folder, cores=cores, before=before)
    with Machine(image, GAP8, budget=10_000_000) as machine:
        machine.run()
        return words(machine, image, "r")


def test_every_alignment_and_short_length(tmp_path: Path) -> None:
    """Slots of 32 bytes: lengths 1..19 at alignments 0..3 of either side, both ways."""
    body = f"""
    u32 slot = 0;
    for (u32 n = 1; n < 20; n++) for (u32 a = 0; a < 4; a++) for (u32 b = 0; b < 4; b++, slot++) {{
        u32 l1 = {L1} + 32 * slot;
        copy(IN | n, l1 + a, {L2} + 32 * slot + b);
        copy(OUT | n, l1 + a, {L2 + 0x10000} + 32 * slot + 8 + b);
    }}
    """
    slots = 19 * 16
    source = np.random.default_rng(0).integers(0, 255, (slots, 32), np.uint8)
    with Machine(program(body, tmp_path), GAP8) as machine:
        machine.write(L1, bytes(32 * slots))
        machine.write(L2, source.tobytes())
        machine.write(L2 + 0x10000, bytes(32 * slots))
        machine.run()
        near, far = (
            np.frombuffer(machine.read(address, 32 * slots), np.uint8).reshape(slots, 32)
            for address in (L1, L2 + 0x10000)
        )
        assert machine.dma == (sum(range(1, 20)) * 16, sum(range(1, 20)) * 16)
    expected_near, expected_far = np.zeros_like(near), np.zeros_like(far)
    for slot in range(slots):
        n, a, b = 1 + slot // 16, slot // 4 % 4, slot % 4
        expected_near[slot, a : a + n] = source[slot, b : b + n]
        expected_far[slot, 8 + b : 8 + b + n] = source[slot, b : b + n]
    np.testing.assert_array_equal(near, expected_near)
    np.testing.assert_array_equal(far, expected_far)


@pytest.mark.parametrize("line, lines, stride", [(1, 7, 3), (5, 9, 40), (64, 8, 100), (3, 1, 0), (16, 4, 16)])
def test_two_dimensions(line: int, lines: int, stride: int, tmp_path: Path) -> None:
    total = line * lines
    body = f"""
    copy_2d(IN | {TWO_D | total}, {L1}, {L2}, {line}, {stride});
    copy_2d(OUT | {TWO_D | total}, {L1}, {L2 + 0x10000}, {line}, {stride});
    """
    source = np.random.default_rng(1).integers(0, 255, 1024, np.uint8)
    with Machine(program(body, tmp_path), GAP8) as machine:
        machine.write(L2, source.tobytes())
        machine.write(L2 + 0x10000, bytes(1024))
        machine.run()
        packed = np.concatenate([source[stride * i : stride * i + line] for i in range(lines)])
        assert machine.read(L1, total) == packed.tobytes()
        far = np.zeros(1024, np.uint8)
        for i in range(lines):
            far[stride * i : stride * i + line] = packed[line * i : line * (i + 1)]
        assert machine.read(L2 + 0x10000, 1024) == far.tobytes()


MEASURE = """
NOINLINE u32 timed(u32 command) {
    CLEAR = ~0u;
    u32 t = TIMER;
    copy(command, 0x10002000, 0x1C020000);
    return TIMER - t;
}
"""


def test_one_transfer_takes_what_the_board_says(tmp_path: Path) -> None:
    """24 + n / 8 in, 25 + n * 33/256 out, from before the id is taken until after it is freed, between timer reads."""
    sizes = (256, 1024, 4096, 16384)
    calls = "".join(f"timed({way} | {n}); r[{2 * i + j}] = timed({way} | {n});\n"
                    for i, n in enumerate(sizes) for j, way in enumerate(("IN", "OUT")))  # fmt: skip
    measured = results(calls, tmp_path, before=MEASURE)
    for i, n in enumerate(sizes):
        dma = GAP8.cluster.dma
        assert measured[2 * i] == dma.latency_in + n * 256 // dma.rate_in
        assert measured[2 * i + 1] == dma.latency_out + math.ceil(n * 256 / dma.rate_out)
    assert measured[0:8:2] == [56, 152, 536, 2072]  # as on GVSoC, which took 54, 153, 549 and 2133 for the others


def test_same_direction_shares_and_directions_overlap(tmp_path: Path) -> None:
    """GVSoC: 2 x 8 KB in 2067; 8 KB in and 8 KB out 1056, where the board's fit for the latter is 1081."""
    before = """
    NOINLINE u32 two(u32 first, u32 second) {
        CLEAR = ~0u;
        u32 t = TIMER, a = DMA; DMA = first; DMA = 0x10002000; DMA = 0x1C020000;
        u32 b = DMA; DMA = second; DMA = 0x10004000; DMA = 0x1C030000;
        wait(a); wait(b);
        return TIMER - t;
    }
    """
    body = "for (u32 i = 0; i < 2; i++) { r[0] = two(IN | 8192, IN | 8192); r[1] = two(IN | 8192, OUT | 8192); }"
    same, both = results(body, tmp_path, before=before)[:2]
    assert abs(same - 2067) <= 10
    assert 0 <= both - 1081 <= 8  # they meet at some banks


def test_eight_cores_share(tmp_path: Path) -> None:
    """GVSoC: 8 PEs x 2 KB 2067."""
    body = """
    for (u32 i = 0; i < 2; i++) {
        TEAM(0xff); MASK = 0;
        u32 t = TIMER;
        copy(IN | 2048, 0x10002000 + 2048 * core, 0x1C020000 + 2048 * core);
        TEAM(0xff);
        r[core] = TIMER - t;
    }
    """
    with Machine(program(body, tmp_path, cores=0xFF), GAP8) as machine:
        data = np.random.default_rng(2).integers(0, 255, 16384, np.uint8).tobytes()
        machine.write(L2, data)
        machine.run()
        assert machine.read(L1, 16384) == data
        assert machine.dma == (2 * 16384, 0)
        taken = np.frombuffer(machine.read(machine._image.symbol("r").address, 32), "<u4")
        assert all(abs(int(cycles) - 2067) <= 40 for cycles in taken)  # barriers and set-up included


@pytest.mark.parametrize(
    "line, measured_in, measured_out", [(256, 154, 158), (64, 154, 170), (16, 154, 217), (4, 281, 540)]
)
def test_short_lines(line: int, measured_in: int, measured_out: int, tmp_path: Path) -> None:
    """GVSoC, 1 KB in lines: whole cycles per line, 1 in and 2 out at least."""
    before = f"""
    NOINLINE u32 timed(u32 command) {{
        CLEAR = ~0u;
        u32 t = TIMER;
        copy_2d(command, 0x10002000, 0x1C020000, {line}, 512);
        return TIMER - t;
    }}
    """
    body = f"for (u32 i = 0; i < 2; i++) {{ r[0] = timed(IN | {TWO_D | 1024}); r[1] = timed(OUT | {TWO_D | 1024}); }}"
    taken = results(body, tmp_path, before=before)
    assert abs(taken[0] - measured_in) <= 3
    assert abs(taken[1] - measured_out) <= 5


def test_a_seventeenth_id_waits_until_one_is_freed(tmp_path: Path) -> None:
    body = """
    if (core == 0) {
        for (u32 i = 0; i < 16; i++) r[i] = DMA;
        r[16] = DMA_STATUS;
        TRIGGER(0) = 2;
        r[17] = DMA;
        r[18] = TIMER;
        TEAM(3);
    } else {
        MASK = 1; WAIT_CLEAR();
        for (u32 i = 0; i < 100; i++) ASM("nop");
        r[19] = TIMER;
        DMA_STATUS = 1u << 11;
        TEAM(3);
        sleep_for_ever();
    }
    """
    r = results(body, tmp_path, cores=3)
    assert r[:18] == [*range(16), 0xFFFF0000, 11]
    assert 0 < r[18] - r[19] < 40  # instruction cache misses included


def test_ids_that_nobody_frees_are_a_deadlock(tmp_path: Path) -> None:
    image = program("for (u32 i = 0; i < 17; i++) r[i] = DMA;", tmp_path)
    with Machine(image, GAP8) as machine, pytest.raises(EmulationError, match="free DMA transfer id") as error:
        machine.run()
    assert "core_main" in str(error.value)


def test_a_full_queue_holds_the_core(tmp_path: Path) -> None:
    """GVSoC took 15 commands of 1 KB at once and let the 16th wait; from then on one per 128 cycles."""
    before = "#define COMMAND(i) DMA = IN | 1024; DMA = 0x10002000; DMA = 0x1C020000; r[i] = TIMER;\n"
    body = "for (u32 round = 0; round < 2; round++) { u32 id = DMA;"
    body += "".join(f"COMMAND({i})" for i in range(24)) + "wait(id); }"
    r = results(body, tmp_path, before=before)
    steps = np.diff(r[:24])
    free = int(np.argmax(steps > 30)) + 1
    assert 11 <= free <= 15
    assert all(100 < step < 156 for step in steps[free:])


def test_one_id_for_several_commands(tmp_path: Path) -> None:
    body = """
    u32 id = DMA;
    DMA = IN | 64; DMA = 0x10002000; DMA = 0x1C020000;
    DMA = IN | 64; DMA = 0x10002040; DMA = 0x1C021000;
    r[0] = DMA_STATUS; wait(id); r[1] = DMA_STATUS;
    """
    with Machine(program(body, tmp_path), GAP8) as machine:
        machine.write(L2, bytes(range(64)))
        machine.write(L2 + 0x1000, bytes(range(64, 128)))
        machine.run()
        assert machine.read(L1, 128) == bytes(range(128))
        assert words(machine, machine._image, "r")[:2] == [0x10001, 0]


def test_between_two_places_of_l1(tmp_path: Path) -> None:
    with Machine(program(f"copy(IN | 32, {L1 + 64}, {L1});", tmp_path), GAP8) as machine:
        machine.write(L1, bytes(range(32)))
        machine.run()
        assert machine.read(L1 + 64, 32) == bytes(range(32))


def test_who_is_told(tmp_path: Path) -> None:
    body = """
    if (core == 0) {
        copy(IN | 16, 0x10002000, 0x1C020000);
        copy(IN | 1u << 22 | 16, 0x10002000, 0x1C020000);
    }
    TEAM(3);
    for (u32 i = 0; i < 100; i++) ASM("nop");
    r[core] = BUFFER; r[4 + core] = ITC_STATUS >> 8 & 1;
    TEAM(3);
    """
    r = results(body, tmp_path, cores=3)
    assert r[0] >> 22 & 1 == 1 and r[1] & (1 << 22 | 1 << 8) == 1 << 22 | 1 << 8
    assert r[4:6] == [1, 1]


def test_the_controller_uses_the_global_port(tmp_path: Path) -> None:
    source = """
    #define CORES 1
    L1 u32 r[1] = {0};
    void fc_main(void) {
        start(CORES);
        ITC_MASK_SET = 1u << 8;
        u32 id = DMA_GLOBAL; DMA_GLOBAL = 1u << 17 | 1u << 18 | 100; DMA_GLOBAL = 0x10002000; DMA_GLOBAL = 0x1C020000;
        while (!(ITC_STATUS >> 8 & 1)) ASM("wfi");
        u32 busy = DMA_GLOBAL_STATUS; DMA_GLOBAL_STATUS = 1u << id;
        leave(busy == 1u << 16 && DMA_GLOBAL_STATUS == 0 ? 0 : 1);
    }
    void core_main(u32 core) { MASK = 1u << 22; r[0] = WAIT_CLEAR(); sleep_for_ever(); }
    """
    image = build(source, tmp_path)
    with Machine(image, GAP8) as machine:
        machine.write(L2, bytes(range(100)))
        assert machine.run().exit_code == 0
        assert machine.read(L1, 100) == bytes(range(100))
        assert words(machine, image, "r") == [1 << 22]


@pytest.mark.parametrize(
    "command",
    [
        f"copy(IN | 64, {0x10010000 - 32}, {L2});",
        f"copy(IN | 64, {L1}, {0x1C080000 - 32});",
        f"copy(IN | 64, {L1}, 0x1A104000);",
        f"copy(IN, {L1}, {L2});",
        f"copy_2d(IN | {TWO_D | 64}, {L1}, {L2}, 24, 32);",
        f"copy_2d(IN | {TWO_D | 64}, {L1}, {L2}, 0, 32);",
        f"copy_2d(IN | {TWO_D | 64}, {L1}, {L2}, 8, 0x100000);",
        f"copy_2d(IN | {1 << 23 | 64}, {L1}, {L2}, 8, 8);",
    ],
    ids=[
        "behind L1",
        "behind L2",
        "peripheral",
        "empty",
        "no whole lines",
        "empty lines",
        "lines behind L2",
        "2-D in L1",
    ],
)
def test_impossible_commands(command: str, tmp_path: Path) -> None:
    with (
        Machine(program(command, tmp_path), GAP8) as machine,
        pytest.raises(EmulationError, match="DMA command") as error,
    ):
        machine.run()
    assert "cluster core 0 at core_main" in str(error.value)


def test_a_command_needs_an_id(tmp_path: Path) -> None:
    with (
        Machine(program("DMA = IN | 4;", tmp_path), GAP8) as machine,
        pytest.raises(EmulationError, match="0x10204400"),
    ):
        machine.run()

"""What memories cost, by hand: the STM32L475's caches are 32 and 8 lines of 32 bytes, filled 8 bytes at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.boards import load_board
from edgekit.emulate.pricing import Cycles
from tests.edgekit.emulate.assembly import BOARD, cost_of

FILL = 4 + 2  # cycles of a miss at 80 MHz: four wait states and what the board's data add
LOOP = "mov.w r0, #{times}; 1: .rept {nops}; nop.w; .endr; subs.w r0, r0, #1; bne.w 1b; bx lr"
# Eight bytes hold four short instructions: while they run, the next eight are on their way.
AHEAD = FILL - 4


def fetch(code: str, folder: Path, mhz: int = 80) -> int:
    return cost_of(code, folder, align=1024, mhz=mhz).cycles.fetch


def data(code: str, folder: Path, mhz: int = 80) -> int:
    return cost_of(code, folder, align=1024, mhz=mhz).cycles.data


def test_code_is_fetched_8_bytes_at_a_time(tmp_path: Path) -> None:
    assert fetch(".rept 63; nop; .endr; bx lr", tmp_path) == FILL + 15 * AHEAD


def test_what_takes_long_hides_the_fetch_behind_it(tmp_path: Path) -> None:
    assert fetch(".rept 31; mul r0, r1, r2; .endr; nop; bx lr", tmp_path) == FILL + 15 * (FILL - 33 * 8 // 128)
    assert fetch(".rept 15; ldm r7, {r0, r1, r2, r3}; nop; .endr; nop; bx lr", tmp_path) == FILL


def test_a_branch_ends_the_fetching_ahead(tmp_path: Path) -> None:
    assert fetch("b 1f; .balign 8; 1: b 2f; .balign 8; 2: bx lr", tmp_path) == 3 * FILL


def test_every_clock_has_its_wait_states(tmp_path: Path) -> None:
    code = "b 1f; .balign 8; 1: bx lr"
    stalls = {mhz: fetch(code, tmp_path, mhz) for mhz in (16, 17, 32, 48, 64, 65, 80)}
    assert stalls == {16: 0, 17: 2 * 3, 32: 2 * 3, 48: 2 * 4, 64: 2 * 5, 65: 2 * 6, 80: 2 * 6}


def test_a_loop_that_fits_the_cache_is_fetched_once(tmp_path: Path) -> None:
    # 1022 bytes; two long instructions run while the next eight bytes are on their way
    assert fetch(LOOP.format(times=9, nops=252), tmp_path) == FILL + 127 * (FILL - 2)


def test_a_loop_larger_than_the_cache_always_misses(tmp_path: Path) -> None:
    """One line more than there are: the least recently used one is always the next one needed."""
    code = LOOP.format(times=9, nops=260)  # 1054 bytes
    assert fetch(code, tmp_path) == 9 * (FILL + 131 * (FILL - 2))


READ = """movs r0, #{times}; 1: mov r5, r4; movs r1, #{words}; 2: ldr r2, [r5], #4; subs r1, #1; bne 2b;
subs r0, #1; bne 1b; bx lr""".replace("\n", " ")


def test_constants_are_read_8_bytes_at_a_time(tmp_path: Path) -> None:
    assert data(READ.format(times=1, words=32), tmp_path) == 16 * FILL
    assert data(READ.format(times=1, words=32), tmp_path, mhz=16) == 0


def test_constants_that_fit_the_cache_are_read_once(tmp_path: Path) -> None:
    assert data(READ.format(times=5, words=64), tmp_path) == 32 * FILL


def test_constants_larger_than_the_cache_stream_every_time(tmp_path: Path) -> None:
    assert data(READ.format(times=5, words=72), tmp_path) == 5 * 36 * FILL


def test_literals_and_table_branches_read_flash(tmp_path: Path) -> None:
    assert data("ldr r0, 1f; b 2f; .balign 8; 1: .word 5; 2: bx lr", tmp_path) == FILL
    assert data("tbb [pc, r0]; 2: .byte (1f - 2b) / 2, 0; 1: bx lr", tmp_path) == FILL


def test_several_registers_at_once(tmp_path: Path) -> None:
    assert data("ldmia r4, {r0, r1, r2, r3}; bx lr", tmp_path) == 2 * FILL
    assert data("adds r4, #4; ldrd r0, r1, [r4]; bx lr", tmp_path) == 2 * FILL


def test_ram_is_free(tmp_path: Path) -> None:
    assert data("push {r0-r3}; ldr r0, [r7, #128]; pop {r0-r3}; bx lr", tmp_path) == 0


def test_code_in_ram_is_fetched_by_words(tmp_path: Path) -> None:
    cost = cost_of(".rept 63; nop; .endr; bx lr", tmp_path, section="data.kernel", mhz=80)
    assert cost.cycles == Cycles(execute=64, branch=2, fetch=32 * BOARD.rams[0].fetch_wait)


@pytest.mark.parametrize(("ways", "misses"), [(1, 2 * 4), (2, 2), (8, 2)])
def test_ways_decide_what_collides(ways: int, misses: int, tmp_path: Path) -> None:
    """Two constants 256 bytes apart, read in turn: in a direct-mapped cache they push each other out."""
    caches = tuple(replace(c, ways=ways) if c.serves == "data" else c for c in BOARD.caches)
    code = "movs r0, #4; 1: ldr r1, [r4]; ldr r2, [r4, #256]; subs r0, #1; bne 1b; bx lr"
    cost = cost_of(code, tmp_path, mhz=80, board=replace(BOARD, caches=caches))
    assert cost.cycles.data == misses * FILL


def test_skipped_loads_read_nothing(tmp_path: Path) -> None:
    assert data("cmp r0, #1; it eq; ldreq r1, [r4]; bx lr", tmp_path) == 0
    assert data("cmp r0, #0; it eq; ldreq r1, [r4]; bx lr", tmp_path) == FILL


F756 = load_board("stm32f756")
LINE = 7 + 10  # cycles of a line from flash at 216 MHz: wait states and what the board's data add
RAM_LINE = 9


def f756(code: str, folder: Path, mhz: int = 216) -> Cycles:
    return cost_of(code, folder, align=1024, mhz=mhz, board=F756).cycles


def test_l1_caches_read_lines_of_32_bytes(tmp_path: Path) -> None:
    cycles = f756(".rept 63; nop; .endr; bx lr", tmp_path)
    assert cycles.fetch == LINE + 3 * (LINE - 8)  # 16 instructions in 32 bytes, two at a time
    assert f756(READ.format(times=5, words=72), tmp_path).data == 9 * LINE  # 288 bytes fit 4 KB
    assert f756(READ.format(times=5, words=72), tmp_path, mhz=30).data == 0


def test_tightly_coupled_memory_is_free(tmp_path: Path) -> None:
    assert f756("ldr r0, [r7]; str r0, [r7, #64]; push {r0-r3}; pop {r0-r3}; bx lr", tmp_path).data == 0


def test_ram_behind_the_cache_costs_lines_and_write_backs(tmp_path: Path) -> None:
    """Five lines of SRAM1 that share a set of four ways: every write makes room for the next one."""
    setup = "movw r4, #0; movt r4, #0x2001; movs r0, #2; 1: mov r5, r4; movs r1, #5; "
    code = setup + "2: str r1, [r5]; add r5, r5, #1024; subs r1, #1; bne 2b; subs r0, #1; bne 1b; bx lr"
    # ten misses; the first four find empty lines, the other six write one back
    assert f756(code, tmp_path).data == 10 * RAM_LINE + 6 * RAM_LINE
    assert f756(code.replace("str r1", "ldr r2"), tmp_path).data == 10 * RAM_LINE


def test_unaligned_loads_are_replayed(tmp_path: Path) -> None:
    assert f756("ldr r0, [r7, #1]; ldrh r0, [r7, #3]; bx lr", tmp_path).data == 3 + 3
    assert f756("ldrh r0, [r7, #2]; ldrb r0, [r7, #3]; str r0, [r7, #1]; bx lr", tmp_path).data == 0


def test_predictable_branches_are_free(tmp_path: Path) -> None:
    """A counted loop: the way in, one pass to learn, and the exit are predicted wrongly; so is the first return."""
    for times in (5, 100):
        assert f756(f"movs r0, #{times}; 1: subs r0, #1; bne 1b; bx lr", tmp_path).branch == 8 * 4

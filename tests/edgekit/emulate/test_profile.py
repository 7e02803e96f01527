"""Images that know nothing of EdgeKit: plain C with a linker script of its own, by zig and by arm-none-eabi-gcc."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.boards import load_board
from deploy.compilers import GCC_CORTEX, ZIG_CORTEX, zig
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pricing import Cost
from edgekit.emulate.profile import Bounds, Profile, profile
from quant.errors import UserError

BOARD = load_board("stm32l475")
SCRIPT = """
ENTRY(Reset_Handler)
MEMORY { ROM (rx) : ORIGIN = 0x08000000, LENGTH = 1024K
         RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 96K }
SECTIONS {
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > ROM
    .data : { data_start = .; *(.data*) data_end = .; } > RAM AT > ROM
    data_load = LOADADDR(.data);
    .bss (NOLOAD) : { bss_start = .; *(.bss*) bss_end = .; } > RAM
    /DISCARD/ : { *(.ARM*) }
}
"""
SOURCE = """
#include <stdint.h>
extern uint8_t data_load[], data_start[], data_end[], bss_start[], bss_end[];
void Reset_Handler(void);
__attribute__((section(".vectors"), used)) const void *const vectors[2] = {(void *)0x20018000, (void *)Reset_Handler};
static void host(int operation, const void *argument) {
    register int r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
static volatile uint32_t counter = 3;
static int8_t table[256];
__attribute__((noinline)) void fill(void) { for (int i = 0; i < 256; i++) { table[i] = (int8_t)(i * 7); } }
__attribute__((noinline)) int sum(const int8_t *x, int n) { int s = 0; while (n--) { s += *x++; } return s; }
__attribute__((noinline)) int twice(void) {
    __asm volatile("" ::: "memory"); /* or compilers call it once */
    return sum(table, 256) + sum(table + 128, 128);
}
__attribute__((noinline)) void finish(void) { host(0x18, (void *)0x20026); }
int main(void) {
    fill();
    for (uint32_t i = counter; i != 0; i--) { counter += (uint32_t)twice(); }
    host(4, "done\\n");
    BODY
    finish();
    for (;;) { }
}
void Reset_Handler(void) {
    for (uint8_t *to = data_start, *from = data_load; to != data_end;) { *to++ = *from++; }
    for (volatile uint8_t *to = bss_start; to != bss_end; to++) { *to = 0; }
    main();
}
"""


# A return instruction, written to RAM that the ELF file leaves empty.
COPY = "uint16_t *code = (uint16_t *)0x20010000u; *(volatile uint16_t *)code = 0x4770;"


def build(
    folder: Path,
    compiler: str = "zig",
    body: str = "",
    script: str = SCRIPT,
    before: str = "",
    flags: tuple[str, ...] = (),
) -> Path:
    (folder / "a.c").write_text(SOURCE.replace("int main(void) {", before + "\nint main(void) {").replace("BODY", body))
    (folder / "a.ld").write_text(script)
    common = ["-O2", "-ffreestanding", "-nostartfiles", str(folder / "a.c"), f"-Wl,-T,{folder / 'a.ld'}", "-o"]
    command = [*zig(), "cc", *ZIG_CORTEX["cortex-m4f"], "-fno-sanitize=all", "-Wl,-e,Reset_Handler"]
    if compiler == "gcc":
        if shutil.which("arm-none-eabi-gcc") is None:
            pytest.skip("arm-none-eabi-gcc is not installed")
        command = ["arm-none-eabi-gcc", *GCC_CORTEX["cortex-m4f"], "-Wl,-e,Reset_Handler"]
    subprocess.run([*command, *flags, *common, str(folder / "a.elf")], check=True, capture_output=True)
    return folder / "a.elf"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("image"))


def total(result: Profile, mhz: int = 80) -> Cost:
    return sum(result.cost(BOARD.operating_point(mhz * 1_000_000)).values(), Cost())


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_plain_c_is_priced_by_function(compiler: str, tmp_path: Path) -> None:
    result = profile(build(tmp_path, compiler), BOARD, Bounds())
    assert (result.ended, result.exit_code, result.printed) == ("semihosting exit with code 0", 0, "done\n")
    costs = result.cost(BOARD.operating_point())
    assert next(iter(costs)) == "sum"
    assert {"sum", "fill", "Reset_Handler"} <= set(costs)
    executed = result.finished.blocks
    assert total(result).instructions == int((executed["executions"] * executed["instructions"]).sum())


def test_the_clock_changes_the_wait_for_memory_only(image: Path) -> None:
    result = profile(image, BOARD, Bounds())
    slow, fast = total(result, 16).cycles, total(result, 80).cycles
    assert (slow.execute, slow.load_use, slow.branch) == (fast.execute, fast.load_use, fast.branch)
    assert slow.fetch == slow.data == 0
    assert fast.fetch > 0
    events = result.events()
    hidden = sum(count * max(6 - int(cycles), 0) for cycles, count in events["hidden"].items())
    assert fast.fetch == 6 * events["flash_fetch"] + hidden
    assert fast.data == 6 * events["flash_data"] + events["unaligned"]
    assert sum(events["hidden"].values()) == events["flash_ahead"]
    assert fast.execute == events["execute"]


def test_bounds(image: Path) -> None:
    whole = profile(image, BOARD, Bounds())
    within = profile(image, BOARD, Bounds(within="twice"))
    assert within.calls == 3
    assert set(within.cost(BOARD.operating_point())) <= {"twice", "sum"}
    until = profile(image, BOARD, Bounds(until="finish"))
    assert until.ended == "reached finish"
    assert 0 < total(whole).instructions - total(until).instructions < 10
    started = profile(image, BOARD, Bounds(start="twice", until="finish"))
    assert total(within).instructions < total(started).instructions < total(until).instructions
    bounded = profile(image, BOARD, Bounds(instructions=1000))
    assert bounded.ended == "after the bound of 1,000 instructions"
    assert 900 < total(bounded).instructions <= 1000


@pytest.mark.parametrize("bounds", [Bounds(start="unused"), Bounds(within="unused"), Bounds(start="sum", until="fill")])
def test_a_function_that_never_runs_is_refused(bounds: Bounds, tmp_path: Path) -> None:
    elf = build(tmp_path, before="__attribute__((used)) void unused(void) { }")
    with pytest.raises(UserError, match=f"it ended without running '{bounds.within or bounds.start}'"):
        profile(elf, BOARD, bounds)


def test_an_endless_loop_ends_a_bounded_run(tmp_path: Path) -> None:
    result = profile(build(tmp_path, body="for (;;) { }"), BOARD, Bounds(instructions=1_000_000))
    assert result.ended == "in an endless loop"
    assert total(result).instructions < 100_000


@pytest.mark.parametrize("instruction", ["wfi", "wfe"])
def test_sleep_without_end_ends_a_bounded_run(instruction: str, tmp_path: Path) -> None:
    elf = build(tmp_path, body=f'for (;;) {{ __asm volatile("{instruction}"); }}')
    with pytest.raises(EmulationError, match="sleeps, and no interrupt is emulated that could wake it"):
        profile(elf, BOARD, Bounds())
    result = profile(elf, BOARD, Bounds(instructions=1_000_000))
    assert result.ended == "asleep, waiting for an interrupt"
    loop = profile(build(tmp_path, body="for (;;) { }"), BOARD, Bounds(instructions=1_000_000))
    assert total(loop).instructions - total(result).instructions == 1  # a jump to itself shows when it comes again


def test_progress_is_told_and_can_interrupt(tmp_path: Path) -> None:
    body = "for (volatile int i = 0; i < 3000000; i++) { }"
    seen: list[int] = []
    profile(build(tmp_path, body=body), BOARD, Bounds(), seen.append)
    assert len(seen) >= 2
    assert seen == sorted(seen)

    def interrupt(instructions: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile(tmp_path / "a.elf", BOARD, Bounds(), interrupt)


def test_peripherals_without_description_are_memory(tmp_path: Path) -> None:
    body = '*(volatile uint32_t *)0x40010004u = 9; if (*(volatile uint32_t *)0x40010004u == 9) { host(4, "kept"); }'
    result = profile(build(tmp_path, body=body), BOARD, Bounds())
    assert result.printed == "done\nkept"
    assert result.finished.unknown_peripherals == (0x40010000,)


def test_faults_and_endless_loops_say_where(tmp_path: Path) -> None:
    with pytest.raises(EmulationError, match="read from an address without memory 0x70000000") as caught:
        profile(build(tmp_path, body="(void)*(volatile uint32_t *)0x70000000u;"), BOARD, Bounds())
    assert "main" in str(caught.value) or "Reset_Handler" in str(caught.value)
    with pytest.raises(EmulationError, match="BKPT instruction"):
        profile(build(tmp_path, body='__asm volatile("bkpt 1");'), BOARD, Bounds())
    with pytest.raises(EmulationError, match="endless loop") as caught:
        profile(build(tmp_path, body="for (;;) { }"), BOARD, Bounds())
    assert "if that is its end, bound the instructions" in str(caught.value)


def test_code_in_ram_that_the_linker_knows_is_priced(tmp_path: Path) -> None:
    attributes = '__attribute__((section(".data.quick"), naked, noinline, aligned(4)))'
    source = attributes + ' void quick(void) { __asm volatile("nop\\n bx lr"); }'
    elf = build(tmp_path, body="quick();", before=source)
    costs = profile(elf, BOARD, Bounds()).cost(BOARD.operating_point())
    assert costs["quick"].cycles.fetch == BOARD.rams[0].fetch_wait  # two short instructions in one word


def test_code_that_was_copied_behind_the_linkers_back_is_refused(tmp_path: Path) -> None:
    body = COPY + "((void (*)(void))((uintptr_t)code | 1u))();"
    with pytest.raises(EmulationError, match="where the ELF file has none: it was copied there"):
        profile(build(tmp_path, body=body), BOARD, Bounds())


def test_a_stripped_image_has_no_names(tmp_path: Path) -> None:
    elf = build(tmp_path)
    cycles = total(profile(elf, BOARD, Bounds())).cycles
    costs = profile(build(tmp_path, flags=("-Wl,-s",)), BOARD, Bounds()).cost(BOARD.operating_point())
    assert {name: cost.cycles for name, cost in costs.items()} == {"(no symbol)": cycles}


def test_images_of_other_boards_are_refused(tmp_path: Path) -> None:
    elsewhere = build(tmp_path, script=SCRIPT.replace("0x08000000", "0x00400000"))
    with pytest.raises(UserError, match="0x00400000, where board 'stm32l475' has no room") as caught:
        profile(elsewhere, BOARD, Bounds())
    assert "flash 0x08000000 to 0x080fffff" in str(caught.value)


def test_missing_functions_and_boards_are_refused(image: Path) -> None:
    with pytest.raises(UserError, match="symbol 'nix' is missing"):
        profile(image, BOARD, Bounds(until="nix"))
    with pytest.raises(UserError, match="board 'host' is not emulated"):
        profile(image, load_board("host"), Bounds())

"""Small bare-metal programs for the simulated cluster: start-up code, registers, one source file.

Variables need an initial value in the file (section .data or .l1): the start-up code clears nothing.
"""

from __future__ import annotations

from pathlib import Path

from deploy.boards import load_board
from deploy.compilers import cluster_compiler
from deploy.elf import Image, read_elf
from edgekit.emulate.pulp.machine import Machine

GAP8 = load_board("gap8")

LINK = """
SECTIONS {
  .l1 0x10000000 : { *(.l1*) }
  .text 0x1C008000 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }
  .data : { *(.data*) *(.sdata*) *(.bss*) *(.sbss*) }
}
"""

# Vectors: slot n is interrupt n, slot 0 exceptions; a program may define `vector`. Every PE has a stack of 1 KB in L1.
START = """
__asm__(".section .vectors,\\"ax\\"\\n.option push\\n.option norvc\\n"
        ".rept 32\\n j vector\\n.endr\\n"
        ".globl _start\\n_start:\\n csrr a0, 0xf14\\n li a1, 0x3e0\\n li sp, 0x1C007ff0\\n beq a0, a1, 1f\\n"
        " li sp, 0x10008400\\n slli a2, a0, 10\\n add sp, sp, a2\\n j core_main\\n1: j fc_main\\n.option pop\\n");
"""

REGISTERS = """
#include <stdint.h>
typedef uint32_t u32;
#define R(address) (*(volatile u32 *)(address))
#define L1 __attribute__((section(".l1")))
#define NOINLINE __attribute__((noinline, used))
#define MASK R(0x10204000)
#define MASK_AND R(0x10204004)
#define MASK_OR R(0x10204008)
#define BUFFER R(0x1020401C)
#define CLEAR R(0x10204028)
#define TRIGGER(event) R(0x10204100 + 4 * (event))
#define DMA R(0x10204400)
#define DMA_STATUS R(0x10204404)
#define DMA_GLOBAL R(0x10201800)
#define DMA_GLOBAL_STATUS R(0x10201804)
#define TIMER_CONFIG R(0x10200400)
#define TIMER R(0x10200408)
#define ITC_MASK_SET R(0x1A109804)
#define ITC_STATUS R(0x1A10980C)
#define ITC_STATUS_SET R(0x1A109810)
#define ITC_STATUS_CLEAR R(0x1A109814)
#define ELW(offset) ({ u32 value_; __asm__ volatile(".insn i 0x03, 6, %0, %1, %2" : "=r"(value_) \\
    : "r"(0x10204000u), "i"(offset) : "memory"); value_; })
#define WAIT() ELW(0x38)
#define WAIT_CLEAR() ELW(0x3C)
#define BARRIER() ELW(0x21C)
#define TEAM(mask) do { MASK = 1u << 16; R(0x10204200) = (mask); R(0x1020420C) = (mask); BARRIER(); } while (0)
#define ASM(text) __asm__ volatile(text ::: "memory")

static inline u32 hart(void) { u32 value; __asm__ volatile("csrr %0, 0xf14" : "=r"(value)); return value; }
static inline void leave(u32 code) { R(0x1A1040A0) = 0x80000000u | code; for (;;) ASM("wfi"); }
static inline void start(u32 cores) {
    extern char _start[];
    R(0x10200020) = 1;
    R(0x10201400) = ~0u;
    for (u32 i = 0; i < 9; i++) if (cores >> i & 1) R(0x10200040 + 4 * i) = (u32)_start;
    ITC_MASK_SET = 2;
    R(0x10200008) = cores;
}
static inline void await_line(void) {
    while ((ITC_STATUS & 2) == 0) ASM("wfi");
    ITC_STATUS_CLEAR = 2;
}
static inline void sleep_for_ever(void) { MASK_AND = ~0u; for (;;) WAIT(); }
static inline void finished(void) { ITC_STATUS_SET = 2; sleep_for_ever(); }
static inline void out(const char *text) {
    u32 id = hart();
    while (*text) R(0x1A10F000 + ((id >> 5) << 7) + ((id & 15) << 3)) = (u32)*text++;
}
"""

# The controller starts the cores of a mask, waits until one of them has called `finished`, and leaves with `code`.
CONTROLLER = """
__attribute__((section(".data"))) volatile u32 code = 0;
void fc_main(void) { start(CORES); await_line(); leave(code); }
"""


def build(source: str, folder: Path, *flags: str) -> Image:
    """A program from C source that defines ``fc_main`` and ``core_main(u32 core)``."""
    text = REGISTERS + START + source
    if "core_main(" not in source:
        text += "void core_main(u32 core);\nvoid core_main(u32 core) { (void)core; for (;;) WAIT(); }\n"
    if "vector(" not in source:
        text += "__attribute__((used)) void vector(void);\nvoid vector(void) { for (;;) {} }\n"
    (folder / "program.c").write_text(text, encoding="utf-8")
    (folder / "link.ld").write_text(LINK, encoding="utf-8")
    script = f"-Wl,-T,{folder / 'link.ld'}"
    cluster_compiler().compile([folder / "program.c"], folder / "program.elf", "-Wno-everything", script, *flags)
    return read_elf(folder / "program.elf", "EM_RISCV")


def cluster_program(body: str, folder: Path, *, cores: int = 1, before: str = "") -> Image:
    """A program whose cores execute ``body``; the mask of cores is CORES, the core's number ``core``.

    A core that reaches the end of ``body`` tells the controller, which ends the run with ``code``.
    """
    source = f"#define CORES {cores:#x}\n" + CONTROLLER + before
    return build(source + f"void core_main(u32 core) {{\n{body}\nfinished();\n}}\n", folder)


def word(machine: Machine, image: Image, name: str, index: int = 0) -> int:
    """An element of a 32-bit array, or a variable."""
    return int.from_bytes(machine.read(image.symbol(name).address + 4 * index, 4), "little")


def words(machine: Machine, image: Image, name: str) -> list[int]:
    """All elements of a 32-bit array."""
    symbol = image.symbol(name)
    data = machine.read(symbol.address, symbol.size)
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, symbol.size, 4)]

"""Cycles of a short assembly routine on an emulated board."""

from __future__ import annotations

from pathlib import Path

from deploy.boards import Board, load_board
from edgekit.emulate.code import Code
from edgekit.emulate.machine import Context, Machine
from edgekit.emulate.pricing import Cost, Prices, price
from edgekit.emulate.timing import CORES
from edgekit.emulate.tracing import Tracing
from tests.edgekit.emulate.images import FINISH, program

BOARD = load_board("stm32l475")

# r0..r3 = 0, r4 = `constants` in flash, r6 = r7 = address of zeroed memory; the last instruction of the routine returns
# to a 4-byte aligned address. The constants begin at a multiple of 1024, the routine at a multiple of {align}; what
# follows it lies in cache lines of its own.
TEMPLATE = """
#include <stdint.h>
uint32_t scratch[64] __attribute__((aligned(64)));
__attribute__((aligned(1024), used)) const uint32_t constants[512] = {{1}};
__attribute__((naked, noinline, used, aligned({align}), section(".{section}")))
void kernel(void) {{ __asm volatile("{code}\\n .balign 32"); }}
__attribute__((naked, noinline, used)) void start(void) {{
    __asm volatile("movs r0, #0\\n movs r1, #0\\n movs r2, #0\\n movs r3, #0\\n"
                   "movw r4, #:lower16:constants\\n movt r4, #:upper16:constants\\n"
                   "movw r5, #:lower16:kernel\\n movt r5, #:upper16:kernel\\n orr r5, #1\\n"
                   "movw r7, #:lower16:scratch\\n movt r7, #:upper16:scratch\\n mov r6, r7\\n"
                   ".balign 4\\n blx r5\\n nop\\n b finish");
}}
__attribute__((naked)) int main(void) {{ __asm volatile("b start"); }}
"""


def cost_of(
    code: str, folder: Path, *, align: int = 4, section: str = "text.kernel", mhz: int = 16, board: Board = BOARD
) -> Cost:
    """Cost of one call of ``code`` (instructions separated by semicolons) with cold caches.

    Args:
        section: ``text.kernel`` for flash, ``data.kernel`` for RAM.
        mhz: clock; at 16 MHz the STM32L475's flash needs no wait states.
    """
    text = TEMPLATE.format(code=code.replace(";", "\\n"), align=align, section=section)
    image = program("void finish(void);" + text + FINISH, folder, board=board)
    contexts = [Context("kernel", image.symbol("kernel").address)]
    decoded = Code(image, CORES[board.core])
    with Machine(
        image,
        board,
        contexts=contexts,
        start_address=image.symbol("start").address,
        stop_address=image.symbol("finish").address,
        tracing=Tracing(decoded, board),
    ) as machine:
        finished = machine.run()
    assert finished.runs == 1
    prices = Prices.at(board, board.operating_point(mhz * 1_000_000), decoded.core)
    return price(decoded, finished.blocks, prices, lambda row: int(row["context"]))[1]

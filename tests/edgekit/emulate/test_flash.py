"""State in the L475's flash, by the board's real driver: power cuts at every step, damage, the controller's rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.compilers import COMPILERS
from deploy.elf import Image
from edgekit.emulate import native
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.flash import FlashMemory, FlashWork
from edgekit.emulate.machine import Finished, Machine
from quant.errors import UserError
from tests.edgekit.emulate.images import BOARD, FINISH, program

SLOT = 2048
OK, EMPTY, FELL_BACK, CORRUPT, FOREIGN, FAILED = range(6)  # ek_nvm_status
STATE_BYTES = 5 + 60
STEPS = 1 + 3 + -(-STATE_BYTES // 8)  # erase, header, state

DEVICE = """
#include "ek_board.h"
#include "ek_nvm.h"
void finish(void);
uint8_t small[5];
uint32_t large[15], loaded[17];
volatile uint32_t load_status, save_status;
static const ek_nvm_span spans[] = {{small, sizeof small}, {large, sizeof large}};
static const ek_nvm_layout layout = {spans, 2, FINGERPRINT};
int main(void) {
    ek_board_init();
    load_status = ek_nvm_load(&layout);
    for (uint32_t i = 0; i < 5; i++) loaded[i / 4] |= (uint32_t)small[i] << (8 * (i % 4));
    for (uint32_t i = 0; i < 15; i++) loaded[2 + i] = large[i];
    uint32_t seed = ek_board_receive();
    for (uint32_t i = 0; i < 5; i++) small[i] = (uint8_t)(seed + i);
    for (uint32_t i = 0; i < 15; i++) large[i] = 1000000 * seed + i;
    save_status = ek_nvm_save(&layout);
    finish();
    return 0;
}
"""


def state(seed: int) -> bytes:
    """What the device's memory holds behind that input, as it copies it out after loading; seed 0 without a save."""
    small = [seed + i if seed else 0 for i in range(5)] + [0, 0, 0]
    large = [1000000 * seed + i if seed else 0 for i in range(15)]
    return bytes(small) + np.array(large, "<u4").tobytes()


class Device:
    """A chip with its flash; every boot loads, takes one byte, changes the state and saves it."""

    def __init__(self, image: Image, flash: FlashMemory | None = None) -> None:
        self.image, self.flash = image, flash or FlashMemory(BOARD)

    def boot(self, seed: int) -> Finished:
        stop = self.image.symbol("finish").address
        with Machine(
            self.image, BOARD, bytes([seed]), stop_address=stop, flash=self.flash, budget=10_000_000
        ) as machine:
            finished = machine.run()
            self.load_status, self.save_status = (self._word(machine, f"{verb}_status") for verb in ("load", "save"))
            self.loaded = machine.read(self.image.symbol("loaded").address, 68)
        return finished

    def _word(self, machine: Machine, name: str) -> int:
        return int.from_bytes(machine.read(self.image.symbol(name).address, 4), "little")

    @property
    def slots(self) -> np.ndarray:
        return self.flash.cells[-2 * SLOT :].reshape(2, SLOT)


def device_image(folder: Path, compiler: str = "zig", fingerprint: int = 7) -> Image:
    return program(DEVICE + FINISH, folder, compiler, f"-DFINGERPRINT={fingerprint}", nvm_bytes=2 * SLOT)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return device_image(tmp_path_factory.mktemp("device"))


def copy_of(flash: FlashMemory, seed: int = 0) -> FlashMemory:
    copy = FlashMemory(BOARD, seed)
    copy.cells[:], copy.marks[:] = flash.cells, flash.marks
    return copy


@pytest.mark.parametrize("compiler", COMPILERS)
def test_state_outlives_resets(compiler: str, tmp_path: Path) -> None:
    device = Device(device_image(tmp_path, compiler))
    device.boot(1)
    assert (device.load_status, device.save_status, device.loaded) == (EMPTY, OK, state(0))
    for seed in range(2, 6):
        finished = device.boot(seed)
        assert (device.load_status, device.save_status, device.loaded) == (OK, OK, state(seed - 1))
        assert finished.flash == FlashWork(erases=1, programs=STEPS - 1)


def test_what_a_save_costs(image: Image) -> None:
    work = Device(image).boot(1).flash
    flash = BOARD.flash_timing
    assert flash is not None and flash.controller is not None
    assert work.seconds(flash.controller) == pytest.approx(22.02e-3 + (STEPS - 1) * 81.69e-6)
    assert work.cycles(flash.controller, 80_000_000) == round(80 * (22020 + (STEPS - 1) * 81.69))
    point = BOARD.operating_point()
    milliwatts = 3.3 * (3.4 + point.current_ma())
    assert work.energy_mj(BOARD, point) == pytest.approx(milliwatts * work.seconds(flash.controller))
    assert work - FlashWork(1, 2) == FlashWork(0, STEPS - 3)


def test_power_may_go_at_every_step(image: Image) -> None:
    """Before and in the middle of each erase and write, whatever the cells hold then."""
    device = Device(image)
    for seed in (1, 2, 3):
        device.boot(seed)
    before = device.flash
    seen = set()
    for cut in range(STEPS + 1):
        for torn, noise in [(False, 0), *((True, noise) for noise in range(4))]:
            device.flash = copy_of(before, noise)
            device.flash.power_cut(cut, torn)
            finished = device.boot(4)
            assert finished.reason == (native.POWER_CUT if cut < STEPS else native.REACHED)
            assert finished.flash.erases + finished.flash.programs == cut
            device.boot(5)
            assert device.loaded == state(4 if cut == STEPS else 3)
            assert device.load_status in (OK, FELL_BACK) and device.save_status == OK
            seen.add(device.load_status)
            device.boot(6)
            assert (device.load_status, device.loaded) == (OK, state(5))
    assert seen == {OK, FELL_BACK}


def test_reading_what_a_cut_left_raises_an_nmi_that_firmware_survives(image: Image) -> None:
    device = Device(image)
    device.boot(1)
    device.flash.marks[-2 * SLOT // 8 :] = 2  # every double word of both slots fails its error correction
    device.boot(2)
    assert (device.load_status, device.loaded) == (OK, state(1))
    device.flash.power_cut(0)
    device.boot(3)
    device.boot(4)
    assert device.load_status == FELL_BACK and device.loaded == state(2)


def test_a_failed_error_correction_outside_of_the_slots_stops(tmp_path: Path) -> None:
    """The image could be damaged."""
    source = """
    #include <stdint.h>
    void finish(void);
    int main(void) { (void)*(volatile uint32_t *)0x08040000u; finish(); return 0; }"""
    image, flash = program(source + FINISH, tmp_path, nvm_bytes=2 * SLOT), FlashMemory(BOARD)
    stop = image.symbol("finish").address
    with Machine(image, BOARD, stop_address=stop, flash=flash) as machine:
        assert machine.run().reason == native.REACHED
    flash.marks[0x40000 // 8] = 2
    again = Machine(image, BOARD, stop_address=stop, flash=flash, budget=1000)
    with again as machine, pytest.raises(EmulationError, match="endless loop") as caught:
        machine.run()
    assert caught.value.problems[0].where.startswith("NMI_Handler")


def test_a_damaged_slot_makes_the_other_one_count(image: Image) -> None:
    device = Device(image)
    device.boot(1)
    device.boot(2)
    device.slots[1, 40] ^= 1
    device.boot(3)
    assert (device.load_status, device.loaded) == (FELL_BACK, state(1))
    device.boot(4)
    assert (device.load_status, device.loaded) == (OK, state(3))


def test_two_damaged_slots_leave_the_initial_state(image: Image) -> None:
    device = Device(image)
    device.boot(1)
    device.boot(2)
    device.slots[:, 20] ^= 0x80
    device.boot(3)
    assert (device.load_status, device.save_status, device.loaded) == (CORRUPT, OK, state(0))
    device.boot(4)
    assert (device.load_status, device.loaded) == (FELL_BACK, state(3))


def test_the_state_of_another_model_is_refused(image: Image, tmp_path: Path) -> None:
    device = Device(image)
    device.boot(1)
    other = Device(device_image(tmp_path, fingerprint=8), device.flash)
    other.boot(2)
    assert (other.load_status, other.save_status, other.loaded) == (FOREIGN, OK, state(0))


def test_an_image_that_reaches_into_the_slots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="reaches into the slots"):
        program(DEVICE + FINISH, tmp_path, "zig", "-DFINGERPRINT=7", nvm_bytes=(1 << 20) - SLOT)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_slots_at_the_end_cost_an_image_without_states_nothing(compiler: str, tmp_path: Path) -> None:
    image = program("void finish(void);\nint main(void) { finish(); return 0; }" + FINISH, tmp_path, compiler)
    assert image.symbol("__nvm_start").address == image.symbol("__nvm_end").address == BOARD.flash.end
    _, _, nmi, hard_fault = np.frombuffer(image.read(BOARD.flash.start, 16), "<u4").tolist()
    assert nmi == hard_fault == image.symbol("Default_Handler").address | 1


def test_flash_without_a_controller_has_no_memory() -> None:
    with pytest.raises(UserError, match="only read"):
        FlashMemory(load_board("stm32f756"))


REGISTERS = """
#include <stdint.h>
#include "ek_board.h"
#define ACR (*(volatile uint32_t *)0x40022000u)
#define KEYR (*(volatile uint32_t *)0x40022008u)
#define SR (*(volatile uint32_t *)0x40022010u)
#define CR (*(volatile uint32_t *)0x40022014u)
#define ECCR (*(volatile uint32_t *)0x40022018u)
#define WORDS ((volatile uint32_t *)0x080C0000u) /* page 128 of bank 2 */
#define HALVES ((volatile uint16_t *)0x080C0000u)
#define UNLOCK() (KEYR = 0x45670123u, KEYR = 0xCDEF89ABu)
#define WAIT() do { } while (SR & (1u << 16))
#define ERASE(bank, page) (CR = 2u | (page) << 3 | (bank) << 11, CR |= 1u << 16)
#define PROGRAM(at, low, high) (CR = 1, WORDS[at] = (low), WORDS[(at) + 1] = (high))
void finish(void);
volatile uint32_t out[4];
"""
PROGERR, WRPERR, PGAERR, SIZERR, PGSERR, BSY, LOCK = 8, 16, 32, 64, 128, 1 << 16, 1 << 31

# what is done -> the values that `out` then has
RULES = {
    "a cache that was emptied while it was off can be on": (
        "UNLOCK(); PROGRAM(0, 1, 2); WAIT(); ACR = 0x1000; ACR = 0; ACR = 0x600; out[0] = WORDS[0];", [1]
    ),
    "locked after reset": ("out[0] = CR >> 31; CR = 1; out[1] = CR >> 31; out[2] = CR & 1;", [1, 1, 0]),
    "unlocked by two keys": (
        "UNLOCK(); out[0] = CR; CR |= 1u << 31; out[1] = CR >> 31; UNLOCK(); out[2] = CR;", [0, 1, 0]
    ),
    "nothing is written while locked": ("WORDS[0] = 5; out[0] = SR; out[1] = WORDS[0] + 1;", [PGSERR, 0]),
    "nothing is written without PG": ("UNLOCK(); WORDS[0] = 5; out[0] = SR; out[1] = WORDS[0] + 1;", [PGSERR, 0]),
    "a double word takes two words": (
        "UNLOCK(); CR = 1; WORDS[0] = 5; out[0] = WORDS[0] + 1; WORDS[1] = 6; WAIT(); out[1] = WORDS[0];"
        "out[2] = WORDS[1]; out[3] = SR;",
        [0, 5, 6, 0],
    ),
    "busy shows": ("UNLOCK(); PROGRAM(0, 1, 2); out[0] = SR; WAIT(); out[1] = SR;", [BSY, 0]),
    "the end shows where asked for": ("UNLOCK(); CR = 1u << 24; CR |= 1; WORDS[0] = 1; WORDS[1] = 2; WAIT();"
        "out[0] = SR; SR = 1; out[1] = SR;", [1, 0]),
    "programmed cells take zeros only": (
        "UNLOCK(); PROGRAM(0, 1, 2); WAIT(); PROGRAM(0, 1, 0); WAIT(); out[0] = SR; out[1] = WORDS[1]; SR = 8;"
        "PROGRAM(0, 0, 0); WAIT(); out[2] = SR; out[3] = WORDS[1];",
        [PROGERR, 2, 0, 0],
    ),
    "errors stop what follows until they are cleared": (
        "UNLOCK(); WORDS[0] = 5; PROGRAM(0, 1, 2); out[0] = WORDS[0] + 1; SR = 0xC3FA; PROGRAM(0, 1, 2); WAIT();"
        "out[1] = WORDS[0];",
        [0, 1],
    ),
    "a byte or a half is too small": ("UNLOCK(); CR = 1; HALVES[0] = 5; out[0] = SR;", [SIZERR]),
    "a double word is aligned": ("UNLOCK(); CR = 1; WORDS[1] = 5; out[0] = SR;", [PGAERR]),
    "its words belong together": ("UNLOCK(); CR = 1; WORDS[0] = 5; WORDS[3] = 5; out[0] = SR;", [PGAERR]),
    "its words come in order": ("UNLOCK(); CR = 1; WORDS[0] = 5; WORDS[0] = 5; out[0] = SR;", [PGAERR]),
    "a page is erased": (
        "UNLOCK(); PROGRAM(0, 1, 2); WAIT(); PROGRAM(512, 3, 4); WAIT(); CR = 0; ERASE(1u, 128u); WAIT();"
        "out[0] = WORDS[0]; out[1] = WORDS[1] + 1; out[2] = WORDS[512]; out[3] = SR;",
        [0xFFFFFFFF, 0, 3, 0],
    ),
    "the other bank's page is another one": (
        "UNLOCK(); PROGRAM(0, 1, 2); WAIT(); CR = 0; ERASE(0u, 128u); WAIT(); out[0] = WORDS[0];", [1]
    ),
    "erasing and programming exclude each other": (
        "UNLOCK(); ERASE(1u, 128u | 0u); WAIT(); CR = 3u | 128u << 3 | 1u << 11; CR |= 1u << 16; out[0] = SR;"
        "SR = 128; CR = 3; WORDS[0] = 1; out[1] = SR; SR = 128; CR = 1u << 16; out[2] = SR;",
        [PGSERR, PGSERR, PGSERR],
    ),
    "programmed ones cannot be programmed again": (
        "UNLOCK(); PROGRAM(0, 0xFFFFFFFFu, 0xFFFFFFFFu); WAIT(); PROGRAM(0, 1, 2); WAIT(); out[0] = SR;"
        "out[1] = ECCR; out[2] = WORDS[0];",
        [0, 0, 1],
    ),
}  # fmt: skip


STALLS = {
    # The image runs in bank 1: what happens there stalls it. Reading bank 2 while it is busy does, too.
    "its own bank": ("ERASE(0u, 100u); out[0] = SR;", [0], FlashWork(erases=1, stalls=1)),
    "the other bank": ("ERASE(1u, 100u); out[0] = SR; WAIT();", [BSY], FlashWork(erases=1)),
    "the other bank, read": ("ERASE(1u, 100u); out[0] = WORDS[0] + 1; out[1] = SR;", [0, 0], FlashWork(1, 0, 1)),
    "the other bank, written": (
        "PROGRAM(0, 1, 2); WORDS[2] = 3; WORDS[3] = 4; WAIT(); out[0] = WORDS[2];", [3], FlashWork(0, 2, 1)
    ),
}  # fmt: skip
STOPS = {
    "took a wrong key": "KEYR = 1;",
    "only while it is locked": "UNLOCK(); KEYR = 0x45670123u;",
    "holds the image that runs": "UNLOCK(); ERASE(0u, 0u);",
    "erasing and programming it is not emulated": "UNLOCK(); CR = 4; CR |= 1u << 16;",
    "a data cache that may hold what was there": "ACR = 0x600; UNLOCK(); PROGRAM(0, 1, 2); WAIT(); out[0] = WORDS[0];",
    "reset it before it is on": "UNLOCK(); PROGRAM(0, 1, 2); WAIT(); ACR = 0x1600; ACR = 0x600; out[0] = WORDS[0];",
}
BODIES = [
    *(body for body, _ in RULES.values()),
    *(f"UNLOCK(); {body}" for body, *_ in STALLS.values()),
    *STOPS.values(),
]


class Registers:
    """One image with every body; a byte from the UART chooses which one runs."""

    def __init__(self, folder: Path) -> None:
        functions = [f"static void body_{i}(void) {{ {body} }}" for i, body in enumerate(BODIES)]
        table = ", ".join(f"body_{i}" for i in range(len(BODIES)))
        main = f"static void (*const bodies[])(void) = {{{table}}};\n"
        main += "int main(void) { ek_board_init(); ACR &= ~0x600u; bodies[ek_board_receive()](); finish(); return 0; }"
        # the slots lie around what the bodies program, so that an NMI is an expected one
        source = "\n".join([REGISTERS, *functions, main, FINISH])
        self.image = program(source, folder, nvm_bytes=256 * SLOT)

    def run(self, body: str) -> tuple[list[int], FlashWork]:
        stop, choice = self.image.symbol("finish").address, bytes([BODIES.index(body)])
        with Machine(self.image, BOARD, choice, stop_address=stop, budget=10**6) as machine:
            finished = machine.run()
            return np.frombuffer(machine.read(self.image.symbol("out").address, 16), "<u4").tolist(), finished.flash


@pytest.fixture(scope="module")
def registers(tmp_path_factory: pytest.TempPathFactory) -> Registers:
    return Registers(tmp_path_factory.mktemp("registers"))


@pytest.mark.parametrize("rule", RULES)
def test_the_controllers_rules(rule: str, registers: Registers) -> None:
    body, expected = RULES[rule]
    out, _ = registers.run(body)
    assert out[: len(expected)] == expected


@pytest.mark.parametrize("case", STALLS)
def test_the_core_waits_for_a_busy_bank(case: str, registers: Registers) -> None:
    body, expected, work = STALLS[case]
    out, done = registers.run(f"UNLOCK(); {body}")
    assert (out[: len(expected)], done) == (expected, work)


@pytest.mark.parametrize("what", STOPS)
def test_what_stops_the_emulator(what: str, registers: Registers) -> None:
    with pytest.raises(EmulationError, match=what) as caught:
        registers.run(STOPS[what])
    assert caught.value.problems[0].where.startswith(f"body_{BODIES.index(STOPS[what])}")


DRIVER = """
#include "ek_flash.h"
#include <stdint.h>
void finish(void);
volatile uint32_t out[8];
int main(void) {
    out[0] = (uint32_t)ek_flash_erase(0); /* locked */
    out[1] = (uint32_t)ek_flash_open();
    out[2] = (uint32_t)ek_flash_erase(0);
    out[3] = (uint32_t)ek_flash_program(0, 8, 1, 2);
    out[4] = (uint32_t)ek_flash_program(0, 8, 3, 4); /* not erased any more */
    out[5] = (uint32_t)ek_flash_program(0, 16, 5, 6);
    ek_flash_close();
    out[6] = (uint32_t)ek_flash_program(0, 24, 7, 8); /* locked again */
    out[7] = *(volatile uint32_t *)0x40022000u;
    finish();
    return 0;
}
"""


def test_the_driver_tells_what_went_wrong(tmp_path: Path) -> None:
    image, flash = program(DRIVER + FINISH, tmp_path, nvm_bytes=4 * SLOT), FlashMemory(BOARD)
    with Machine(image, BOARD, stop_address=image.symbol("finish").address, flash=flash) as machine:
        finished = machine.run()
        out = np.frombuffer(machine.read(image.symbol("out").address, 32), "<u4").tolist()
    assert out == [0, 1, 1, 1, 0, 1, 0, 0x600]
    assert finished.flash == FlashWork(erases=2, programs=2)
    words = flash.cells[-4 * SLOT :].view("<u4")
    assert words[:8].tolist() == [0xFFFFFFFF, 0xFFFFFFFF, 1, 2, 5, 6, 0xFFFFFFFF, 0xFFFFFFFF]


def test_protected_flash_fails_the_save_and_keeps_what_was_saved(image: Image) -> None:
    device = Device(image)
    device.boot(1)
    device.flash.protect(BOARD.flash.end - SLOT, SLOT)
    device.boot(2)
    assert (device.load_status, device.save_status) == (OK, FAILED)
    device.boot(3)
    assert (device.load_status, device.loaded) == (OK, state(1))
    assert (device.slots[1] == 0xFF).all()
    device.flash.protect(BOARD.flash.end - 2 * SLOT + 16, 8)  # only what commits the first slot
    device.slots[:], device.flash.marks[:] = 0xFF, 0
    device.boot(4)
    assert device.save_status == FAILED

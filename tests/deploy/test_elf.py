from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.elf import Image, read_elf
from quant.errors import UserError
from tests.edgekit.emulate.images import BOARD, program
from tests.edgekit.emulate.pulp.programs import build

SOURCE = """
#include <arm_acle.h>
#include <stdint.h>
int8_t zeroed[100];
int32_t initialised[2] = {0x01020304, 7};
const int16_t table[3] = {1, 2, 3};
__attribute__((noinline, used)) int32_t dot(int16x2_t x, int16x2_t y, int32_t sum) { return __smlad(x, y, sum); }
__attribute__((noinline)) static int32_t twice(int32_t x) { return dot(x, x, initialised[1]) + zeroed[x & 63]; }
int main(void) { return twice(initialised[0]) + table[initialised[1] & 1]; }
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return program(SOURCE, tmp_path_factory.mktemp("elf"), stack=512)


def test_symbols(image: Image) -> None:
    assert image.symbol("zeroed").size == 100
    assert not image.symbol("zeroed").is_function
    dot = image.symbol("dot")
    assert dot.is_function
    assert dot.address % 2 == 0
    assert image.function_at(dot.address + 2) == dot
    assert image.function_at(dot.end - 1) == dot
    assert image.describe(dot.address) == "dot"
    assert image.describe(dot.address + 2) == "dot+0x2"
    assert image.describe(0x20000000) == "0x20000000"
    assert image.function_at(image.entry) == image.symbol("Reset_Handler")


def test_missing_symbol(image: Image) -> None:
    with pytest.raises(UserError, match="symbol 'nowhere' is missing"):
        image.symbol("nowhere")


def test_disassembly(image: Image) -> None:
    assert [code.mnemonic for code in image.disassemble(image.symbol("dot"))] == ["smlad", "bx"]


def test_sizes(image: Image) -> None:
    sizes = image.sizes(BOARD)
    assert sizes.stack == 512
    assert sizes.ram == 512 + 8 + 100
    assert sizes.flash == len(image.flash_image(BOARD))


def test_image_holds_vectors_and_initial_data(image: Image) -> None:
    flash = image.flash_image(BOARD)
    assert int.from_bytes(flash[:4], "little") == image.symbol("__stack_top").address
    assert int.from_bytes(flash[4:8], "little") == image.symbol("Reset_Handler").address | 1
    data = image.symbol("__data_load").address - BOARD.flash.start
    assert flash[data : data + 8] == bytes([4, 3, 2, 1, 7, 0, 0, 0])
    assert image.read(BOARD.flash.start, 8) == flash[:8]
    with pytest.raises(ValueError, match="not in the image"):
        image.read(0x30000000, 4)


@pytest.mark.skipif(shutil.which("arm-none-eabi-objcopy") is None, reason="arm-none-eabi-objcopy is not installed")
def test_image_is_what_objcopy_writes(image: Image, tmp_path: Path) -> None:
    binary = tmp_path / "image.bin"
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(image.path), str(binary)], check=True)
    assert binary.read_bytes() == image.flash_image(BOARD)


def test_no_elf_file(tmp_path: Path) -> None:
    broken = tmp_path / "firmware.elf"
    with pytest.raises(UserError, match="not a usable firmware image"):
        read_elf(broken)
    for content in (b"", b"\x7fELF", b"not an ELF file at all"):
        broken.write_bytes(content)
        with pytest.raises(UserError, match="not a usable firmware image"):
            read_elf(broken)


def test_an_image_for_a_cluster(image: Image, tmp_path: Path) -> None:
    cluster = build("void fc_main(void) { leave(0); }", tmp_path)
    assert cluster.entry == 0x1C008080
    assert cluster.function_at(cluster.symbol("fc_main").address).name == "fc_main"
    assert {segment.load_address for segment in cluster.segments} == {0x1C008000}
    with pytest.raises(UserError, match=r"(?s)for 32-bit RISC-V.*for Arm Cortex-M"):
        read_elf(cluster.path)
    with pytest.raises(UserError, match=r"(?s)for Arm Cortex-M.*for 32-bit RISC-V"):
        read_elf(image.path, "EM_RISCV")


def test_a_damaged_image(tmp_path: Path) -> None:
    data = build("void fc_main(void) { leave(0); }", tmp_path).path.read_bytes()
    damaged = tmp_path / "damaged.elf"
    for size in range(0, 256, 8):
        damaged.write_bytes(data[:size])
        with pytest.raises(UserError, match="not a usable firmware image"):
            read_elf(damaged, "EM_RISCV")


def test_too_much_memory_is_a_link_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not fit"):
        program("char big[98304]; int data = 1; int main(void) { return big[data]; }", tmp_path)
    with pytest.raises(UserError, match="does not fit"):
        program("int main(void) { return 0; }", tmp_path, stack=32769)


def test_damaged_files_end_in_a_message(image: Image, tmp_path: Path) -> None:
    """Bytes of headers, of section headers and of anything changed, or the end missing: an image or a UserError."""
    whole, rng, broken = image.path.read_bytes(), random.Random(0), tmp_path / "broken.elf"
    sections = int.from_bytes(whole[32:36], "little")
    refused = 0
    for turn in range(400):
        data = bytearray(whole)
        if turn % 4 == 0:
            del data[rng.randrange(len(data)) :]
        else:
            start, end = ((0, 52), (52, 180), (sections, len(data)))[turn % 4 - 1]
            for _ in range(rng.randint(1, 5)):
                data[rng.randrange(start, end)] = rng.choice((0, 255, rng.randrange(256)))
        broken.write_bytes(data)
        try:
            read_elf(broken).functions  # noqa: B018
        except UserError as error:
            refused += 1
            assert "not a usable firmware image" in str(error)
    assert 100 < refused < 400


@pytest.mark.parametrize(
    ("at", "value", "told"),
    [
        (18, 243, "it is for 32-bit RISC-V"),
        (18, 62, "it is for x86-64"),
        (4, 2, "it is for a machine of 64 bits"),
        (5, 2, "not a usable"),
        (16, 1, "it is an object file, not linked"),
        (16, 3, "it is a shared library"),
    ],
)
def test_files_of_another_kind_are_named(image: Image, tmp_path: Path, at: int, value: int, told: str) -> None:
    data = bytearray(image.path.read_bytes())
    data[at] = value
    (tmp_path / "other.elf").write_bytes(data)
    with pytest.raises(UserError, match=told):
        read_elf(tmp_path / "other.elf")

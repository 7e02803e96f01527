from __future__ import annotations

from itertools import pairwise

import pytest

from deploy.boards import list_boards, load_board
from quant.errors import UserError


def test_all_boards_load_and_carry_sources() -> None:
    assert {"host", "stm32f756", "stm32l475"} <= set(list_boards())
    for name in list_boards():
        board = load_board(name)
        assert board.name == name
        assert all(memory.source for memory in board.memories)
        assert all(device.source for device in board.peripherals)


def test_stm32l475() -> None:
    board = load_board("stm32l475")
    assert (board.target, board.core, board.clock_hz) == ("cortex-m", "cortex-m4f", 80_000_000)
    assert "dsp" in board.isa
    assert board.flash.start == 0x08000000
    assert board.flash.bytes == 1 << 20
    assert [(ram.start, ram.bytes) for ram in board.rams] == [(0x20000000, 96 << 10), (0x10000000, 32 << 10)]
    assert board.wait_states[-1] == (80_000_000, 4)
    assert board.power is not None
    assert board.power.run_ua_per_mhz == 161


def test_stm32f756() -> None:
    board = load_board("stm32f756")
    assert (board.target, board.core, board.clock_hz) == ("cortex-m", "cortex-m7f", 216_000_000)
    assert "dsp" in board.isa
    assert (board.flash.start, board.flash.bytes) == (0x08000000, 1 << 20)
    assert [(ram.name, ram.start, ram.bytes >> 10) for ram in board.rams] == [
        ("dtcm", 0x20000000, 64),
        ("sram1", 0x20010000, 240),
        ("sram2", 0x2004C000, 16),
    ]
    assert board.wait_states[0] == (30_000_000, 0)
    assert board.wait_states[-1] == (216_000_000, 7)
    assert board.power is not None
    assert board.power.run_ua_per_mhz == 579
    assert board.memory_at(0) is None, "null pointers fault"


def test_ram_regions_join_neighbours() -> None:
    apart, joined = load_board("stm32l475"), load_board("stm32f756")
    assert apart.ram_regions == apart.rams
    (region,) = joined.ram_regions
    assert (region.name, region.start, region.bytes) == ("dtcm + sram1 + sram2", 0x20000000, 320 << 10)
    assert load_board("host").ram_regions == ()


def test_memory_at() -> None:
    board = load_board("stm32l475")
    assert board.memory_at(0x20017FFF) is board.rams[0]
    assert board.memory_at(0x20018000) is None


@pytest.mark.parametrize(("name", "uart"), [("stm32l475", "USART1"), ("stm32f756", "USART3")])
def test_one_uart_and_no_overlap(name: str, uart: str) -> None:
    board = load_board(name)
    assert [device.name for device in board.peripherals if device.uart] == [uart]
    ranges = sorted((device.base, device.base + device.bytes) for device in board.peripherals)
    assert all(end <= start for (_, end), (start, _) in pairwise(ranges))


def test_unknown_board_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'stm32l475'"):
        load_board("stm32l457")

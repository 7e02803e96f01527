from __future__ import annotations

from itertools import pairwise

import pytest

from deploy.boards import list_boards, load_board
from quant.errors import UserError


def test_all_boards_load_and_carry_sources() -> None:
    assert {"host", "stm32l475"} <= set(list_boards())
    for name in list_boards():
        board = load_board(name)
        assert board.name == name
        assert all(memory.source for memory in board.memories)
        assert all(cache.source for cache in board.caches)
        assert all(one.source for one in board.ranges)
        if board.target == "cortex-m":
            assert board.power and board.bands and board.flash_timing
            assert all(part.source for part in (board.power, board.bands, board.flash_timing))
            assert all(idle.source for idle in board.power.idle)
        if board.target == "gap":
            assert board.power and board.power.cluster and board.bands and board.cluster
            cluster = board.cluster
            assert all((board.power.source, board.power.cluster.source, board.bands.source))
            assert all(idle.source for idle in board.power.idle)
            parts = (cluster.l1, cluster.icache, cluster.timing, cluster.latency, cluster.dma, cluster.l3)
            assert all(part.source for part in parts if part is not None)


def test_stm32l475() -> None:
    board = load_board("stm32l475")
    assert (board.target, board.core, board.clock_hz) == ("cortex-m", "cortex-m4f", 80_000_000)
    assert "dsp" in board.isa
    assert [ram.name for ram in board.data_rams] == ["sram1"]
    assert (board.stack_ram.name, board.code_ram) == ("sram2", board.rams[1])
    assert board.flash.start == 0x08000000
    assert board.flash.bytes == 1 << 20
    assert [(ram.start, ram.bytes) for ram in board.rams] == [(0x20000000, 96 << 10), (0x10000000, 32 << 10)]
    assert board.ranges[0].wait_states[-1] == (80_000_000, 4)
    assert board.operating_point().run_ma == pytest.approx(161 * 80 / 1000)
    assert [(cache.serves, cache.lines * cache.line_bytes) for cache in board.caches] == [
        ("fetch", 1024),
        ("data", 256),
    ]


def test_stm32f756() -> None:
    board = load_board("stm32f756")
    assert (board.core, board.clock_hz) == ("cortex-m7f", 216_000_000)
    assert [ram.name for ram in board.data_rams] == ["dtcm", "sram1", "sram2"]
    assert sum(ram.bytes for ram in board.data_rams) == 320 << 10
    assert board.stack_ram.name == "dtcm"
    assert board.code_ram is None
    points = [board.operating_point(mhz * 1_000_000) for mhz in (216, 180, 144, 80, 30)]
    assert [point.wait_states for point in points] == [7, 5, 4, 2, 0]
    assert [round(1e9 * point.run_ma / point.clock_hz) for point in points] == [579, 573, 485, 498, 546]


def test_memory_at() -> None:
    board = load_board("stm32l475")
    assert board.memory_at(0x20017FFF) is board.rams[0]
    assert board.memory_at(0x20018000) is None


def test_one_uart_and_no_overlap() -> None:
    board = load_board("stm32l475")
    assert [device.name for device in board.peripherals if device.uart] == ["USART1"]
    ranges = sorted((device.base, device.base + device.bytes) for device in board.peripherals)
    assert all(end <= start for (_, end), (start, _) in pairwise(ranges))


def test_unknown_board_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'stm32l475'"):
        load_board("stm32l457")


@pytest.mark.parametrize(
    ("name", "clock", "l1", "l2", "l3", "xpulp", "cores"),
    [
        ("gap8", 175, 64, 512, 8 << 20, True, 8),
        ("gap9", 370, 128, 1536, 32 << 20, True, 8),
        ("mrwolf", 350, 64, 512, None, False, 8),
    ],
)
def test_boards_with_a_cluster(
    name: str, clock: int, l1: int, l2: int, l3: int | None, xpulp: bool, cores: int
) -> None:
    board = load_board(name)
    cluster = board.cluster
    assert cluster is not None
    assert (board.target, board.clock_hz) == ("gap", clock * 1_000_000)
    assert (cluster.l1.bytes, board.rams[0].bytes) == (l1 << 10, l2 << 10)
    assert (cluster.l3.bytes if cluster.l3 else None) == l3
    assert (cluster.controller_xpulp, cluster.cores, board.team()) == (xpulp, cores, cores)


# mW at the points that the figures were measured at: all cores compute, and all wait
@pytest.mark.parametrize(
    ("name", "mhz", "volts", "compute", "wait"),
    [
        ("gap8", 100, "1.0", 48.0, 19.0),
        ("gap9", 240, "0.65", 23.7, 9.3),
        ("gap9", 370, "0.8", 51.9, 18.2),
        ("mrwolf", 50, "0.8", 12.1, 5.9),
        ("mrwolf", 350, "1.2", 140.4, 43.1),
    ],
)
def test_power_of_the_operating_points(name: str, mhz: int, volts: str, compute: float, wait: float) -> None:
    board = load_board(name)
    assert board.power is not None
    point = board.operating_point(mhz * 1_000_000, volts)
    assert board.power.supply_v * point.current_ma(1.0) == pytest.approx(compute, abs=0.1)
    assert board.power.supply_v * point.current_ma(0.0) == pytest.approx(wait, abs=0.1)


def test_more_cores_than_there_are() -> None:
    board = load_board("gap8")
    assert [board.team(cores) for cores in (1, 3, 8, None)] == [1, 3, 8, 8]
    with pytest.raises(UserError, match="9 cores are not possible: 8 compute") as caught:
        board.team(9)
    assert "supported: 1 to 8" in str(caught.value)
    with pytest.raises(UserError, match="9 cores are not possible"):
        load_board("gap9").team(9)  # the ninth one controls the others
    with pytest.raises(UserError, match="0 cores are not possible"):
        board.team(0)
    assert load_board("stm32l475").team(1) == 1
    with pytest.raises(UserError, match="2 cores are not possible: 1 computes"):
        load_board("stm32l475").team(2)

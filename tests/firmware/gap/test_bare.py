"""The runtime on the registers of the open PULP platform, under the simulator: bytes, self-test, faults, cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.elf import Image
from edgekit.emulate.pulp import native
from edgekit.emulate.pulp.machine import CONTROLLER, Context, Machine
from tests.firmware.gap.networks import Box, Network, Step, boxes, source, tiles
from tests.firmware.gap.programs import build_bare

CYCLES = 20_000_000  # allowed between two stops


def without_outside_memory(network: Network) -> Network:
    """The same steps, with what they would fetch already in L2."""
    steps = tuple(replace(step, fetch=(), needs_fetch=False) for step in network.steps)
    return Network(network.size, network.l1_bytes, steps)


NETWORKS = {"tiles": without_outside_memory(tiles()), "boxes": boxes()}


@pytest.fixture(scope="module", params=NETWORKS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Image]:
    network = NETWORKS[request.param]
    return network, build_bare(network, "gap8", tmp_path_factory.mktemp("bare"))


@contextmanager
def started(image: Image, cores: int, requests: int = 0, board: str = "gap8", **options: object) -> Iterator[Machine]:
    with Machine(image, load_board(board), budget=CYCLES, **options) as machine:  # type: ignore[arg-type]
        for name, value in (("ek_cores", cores), ("ek_requests", requests)):
            machine.write(image.symbol(name).address, value.to_bytes(4, "little"))
        yield machine


def serve(machine: Machine, image: Image, given: bytes) -> bytes:
    """One request, from a stop at ``ek_exchange`` to the next one."""
    place = [(CONTROLLER, image.symbol("ek_exchange").address)]
    machine.write(image.symbol("ek_input_buffer").address, given)
    assert machine.run(stop_at=place).reason == native.BREAKPOINT
    return machine.read(image.symbol("ek_output_buffer").address, len(given))


@pytest.mark.parametrize("cores", [1, 2, 3, 4, 8])
def test_same_bytes_with_any_number_of_cores(built: tuple[Network, Image], cores: int) -> None:
    network, image = built
    with started(image, cores, requests=2) as machine:
        machine.run(stop_at=[(CONTROLLER, image.symbol("ek_exchange").address)])
        for seed in (cores, 100 + cores):
            given = np.random.default_rng(seed).integers(0, 256, network.size, np.uint8)
            assert serve(machine, image, given.tobytes()) == network.expected(given)
        stop = machine.run()
        assert (stop.reason, stop.exit_code) == (native.EXIT, 0)


@pytest.mark.parametrize("board", ["gap8", "gap9", "mrwolf"])
def test_selftest_on_every_board(board: str, tmp_path: Path) -> None:
    image = build_bare(NETWORKS["tiles"], board, tmp_path)
    with started(image, 8, board=board) as machine:
        stop = machine.run()
        assert (stop.reason, stop.exit_code, machine.printed) == (native.EXIT, 0, "EK selftest ok\n")


def test_more_cores_than_the_board_has_fail(built: tuple[Network, Image]) -> None:
    _, image = built
    with started(image, 9) as machine:
        assert machine.run().exit_code == 1
        assert machine.printed == "EK selftest FAILED\n"


def test_exception_is_printed_with_core_cause_and_address(tmp_path: Path) -> None:
    network = NETWORKS["tiles"]
    trap = 'if (team.core == 2) { __asm__ volatile(".globl fault\\nfault: ecall"); }'
    image = build_bare(
        network, "gap8", tmp_path, source(network).replace("int32_t end =", f"int32_t end = 0; {trap} (void)")
    )
    with started(image, 4) as machine:
        stop = machine.run()
        address = image.symbol("fault").address
        assert (stop.reason, stop.exit_code) == (native.EXIT, 2)
        assert machine.printed == f"EK fault: hart 00000002 mcause 0000000b mepc {address:08x}\n"


def test_dma_moves_the_bytes_of_the_boxes_and_records(built: tuple[Network, Image]) -> None:
    """Everything that arrives is a box, a record or one of the geometries, which repeat only after a change."""
    network, image = built
    with started(image, 4) as machine:
        machine.run()
        into, out = machine.dma
    boxes_in = sum(box.bytes for step in network.steps for box in (*step.early, *step.late))
    pairs = [(step.count, step.bias) for step in network.steps]
    changes = 1 + sum(before != after for before, after in pairwise(pairs))
    assert into == boxes_in + image.symbol("records").size + 8 * changes
    assert out == sum(box.bytes for step in network.steps for box in step.store)


def empty_steps(count: int) -> Network:
    """Two loads and a store a step, and a kernel that has nothing to do."""
    steps = []
    for i in range(count):
        at = 1_024 * (i % 2)
        loads = (Box(at, 8 * i, 32), Box(at + 256, 3_000 + 8 * i, 32))
        stores = (Box(2_048 + at, 6_000 + 32 * i, 32),)
        early, late = ((), loads) if i == 0 else (loads, ())
        steps.append(Step(min(i, 1), 0, 0, at, at, 2_048 + at, early, late, stores))
    return Network(8_000, 4_096, tuple(steps))


def test_step_costs_little(tmp_path: Path) -> None:
    """All that a step takes besides computing, with everything that it waits for (measured: 262 cycles)."""
    image = build_bare(empty_steps(41), "gap8", tmp_path)
    layer = Context("layer", image.symbol("test_layer_01").address)
    with started(image, 8, requests=1, contexts=[layer]) as machine:
        place = [(CONTROLLER, image.symbol("ek_exchange").address)]
        machine.run(stop_at=place)
        machine.reset_stats()
        machine.run(stop_at=place)
        table = machine.stats()
    cycles = sum(table[name][1, 0] for name in native.CYCLES)
    assert cycles / 40 < 280

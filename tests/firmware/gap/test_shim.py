"""The runtime through PMSIS on this computer: the same bytes with any number of threads, in any order of transfers."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.firmware.gap.networks import Network, boxes, tiles
from tests.firmware.gap.programs import Host, build_host

NETWORKS = {"tiles": tiles, "boxes": boxes}
SDKS = {"pulp-sdk": (), "GAP8": ("-D__GAP8__",), "GAP9": ("-D__GAP9__",)}


@pytest.fixture(scope="module", params=itertools.product(NETWORKS, ("gcc, sanitized", "zig, optimised")))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Host]:
    name, compiler = request.param
    network = NETWORKS[name]()
    return network, build_host(network, compiler, tmp_path_factory.mktemp("shim"))


@pytest.mark.parametrize("order", ["lazy", "eager"])
@pytest.mark.parametrize("cores", [1, 2, 4, 8])
def test_same_bytes_with_any_number_of_cores(built: tuple[Network, Host], cores: int, order: str) -> None:
    network, host = built
    given = np.random.default_rng(cores).integers(0, 256, network.size, np.uint8)
    assert host.run(given.tobytes(), cores, EK_DMA=order) == network.expected(given)


def test_application_passes_its_selftest(built: tuple[Network, Host]) -> None:
    _, host = built
    assert host.selftest(8) == (0, "EK selftest ok\n")


@pytest.mark.parametrize("sdk", SDKS)
def test_differences_between_sdks(sdk: str, tmp_path: Path) -> None:
    network = tiles()
    host = build_host(network, "gcc, sanitized", tmp_path, *SDKS[sdk])
    assert host.selftest(8) == (0, "EK selftest ok\n")
    assert host.run(network.input.tobytes(), 3) == network.expected(network.input)


def test_scratchpad_that_is_too_small_fails(tmp_path: Path) -> None:
    host = build_host(tiles(), "gcc, sanitized", tmp_path, "-DEK_SHIM_L1_BYTES=10240u")
    assert host.selftest(8) == (1, "EK selftest FAILED\n")


def test_more_cores_than_the_board_has_fail(tmp_path: Path) -> None:
    host = build_host(tiles(), "gcc, sanitized", tmp_path, cores=4)
    assert host.selftest(4) == (0, "EK selftest ok\n")
    assert host.selftest(5) == (1, "EK selftest FAILED\n")


def test_missing_image_of_the_outside_memory_is_named(tmp_path: Path) -> None:
    host = build_host(tiles(), "gcc, sanitized", tmp_path)
    (tmp_path / "l3.bin").unlink()
    assert host.selftest(8) == (1, "EK cluster, RAM or l3.bin missing\n")


def test_network_that_forgets_a_wait_gives_other_bytes(tmp_path: Path) -> None:
    """Without the flush at the end of its first layer the second one loads what has not been stored."""
    network = tiles()
    steps = tuple(type(step)(**{**vars(step), "flush": step.flush and step.layer != 0}) for step in network.steps)
    wrong = Network(network.size, network.l1_bytes, steps, network.l3)
    host = build_host(wrong, "gcc, sanitized", tmp_path)
    assert host.run(network.input.tobytes(), 2, EK_DMA="lazy") != network.expected(network.input)

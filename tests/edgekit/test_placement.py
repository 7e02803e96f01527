"""What `auto` moves to RAM, from one traced inference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.boards import load_board
from edgekit.firmware import Firmware
from edgekit.placement import Candidate, build_placed, candidates, choose, placement_line
from edgekit.samples import random_samples
from quant.errors import UserError
from quant.interchange.write import save, to_onnx
from tests.edgekit.conftest import small_graph

BOARD = load_board("stm32l475")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose weights stream through the data cache: 24 channels."""
    path = tmp_path_factory.mktemp("model") / "wide.onnx"
    save(to_onnx(small_graph("wide", channels=24)), path)
    return path


def cycles(folder: Path) -> int:
    firmware = Firmware.load(folder)
    return firmware.trace(random_samples(1, firmware.input)[0]).cost(BOARD.operating_point()).total.cycles.total


def test_auto_saves_what_it_says(model: Path, tmp_path: Path) -> None:
    flash = build_placed(model, BOARD, tmp_path / "flash", "flash")
    auto = build_placed(model, BOARD, tmp_path / "auto", "auto")
    assert flash.report["saved_cycles"] == 0
    assert flash.report["in_ram"] == []
    assert "second" in auto.report["in_ram"]
    assert auto.report["saved_cycles"] == cycles(tmp_path / "flash") - cycles(tmp_path / "auto") > 0
    grown = auto.build.facts["bytes"]["ram"] - flash.build.facts["bytes"]["ram"]
    assert grown == pytest.approx(auto.report["ram_bytes"], abs=64)  # the second build may need less stack


def test_ram_takes_everything(model: Path, tmp_path: Path) -> None:
    placed = build_placed(model, BOARD, tmp_path / "ram", "ram")
    assert placed.report["in_ram"] == [layer["name"] for layer in Firmware.load(tmp_path / "ram").facts["layers"]]
    assert "as asked for" in placement_line(placed.report)


def test_at_zero_wait_states_nothing_pays(model: Path, tmp_path: Path) -> None:
    point = BOARD.operating_point(16_000_000)
    placed = build_placed(model, BOARD, tmp_path / "slow", "auto", point=point)
    assert placed.report["in_ram"] == placed.report["code_in_ram"] == []
    assert "stay in flash" in placement_line(placed.report)


def test_the_host_has_nothing_to_place(model: Path, tmp_path: Path) -> None:
    assert build_placed(model, load_board("host"), tmp_path / "host", "auto").report["choice"] == "flash"


def test_unknown_choice(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'flash'"):
        build_placed(model, BOARD, tmp_path / "out", "flsh")


class Priced:
    """Stands for a traced inference: 1000 cycles in all, and what flash costs of them."""

    def __init__(self, layers: dict[str, int], functions: dict[str, int]) -> None:
        self.waits = layers, functions
        self.code = self.image = self
        self.symbols = {name: type("Symbol", (), {"size": 100}) for name in functions}
        self.total = type("Cost", (), {"cycles": type("Cycles", (), {"total": 1000})})

    def flash_waits(self, point: Any) -> tuple[dict[str, int], dict[str, int]]:
        return self.waits

    def cost(self, point: Any) -> Any:
        return self


def firmware(constants: dict[str, int], ram: int) -> Any:
    layers = [{"name": name, "constant_bytes": size, "functions": [f"f_{name}"]} for name, size in constants.items()]
    facts = {"layers": layers, "bytes": {"ram": ram, "stack": 0}}
    return type("Firmware", (), {"facts": facts, "board": BOARD})


def test_candidates() -> None:
    traced: Any = Priced({"a": 7}, {"f_a": 9, "memcpy": 3})
    assert candidates(firmware({"a": 50}, 0).facts, traced, BOARD.operating_point()) == [
        Candidate("constants", "a", 50, 7),
        Candidate("code", "f_a", 100, 9),
    ]


def test_most_cycles_per_byte_first_within_half_of_what_is_free() -> None:
    free = 96 * 1024 - 2 * 1000  # 1000 bytes may be used
    traced: Any = Priced({"dense": 600, "small": 30, "rare": 0, "large": 370}, {})
    chosen = choose(
        firmware({"dense": 700, "small": 20, "rare": 1, "large": 500}, free), traced, BOARD.operating_point()
    )
    assert chosen.constants == {"small", "dense"}

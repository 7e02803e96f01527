"""Programs that know nothing of EdgeKit, counted by function: what adds up, where it ends, what is refused."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edgekit.cluster_profile import awake_share, profile_report
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp import profile as profiling
from edgekit.emulate.pulp.profile import Bounds, Profile, profile
from quant.errors import UserError
from tests.edgekit.emulate.images import program
from tests.edgekit.emulate.pulp.programs import GAP8, build, cluster_program

# Four cores: each spins in a function of its own length, core 1 loads one word that is not aligned, all meet.
BEFORE = """
L1 u32 data[4] = {1, 2, 3, 4};
NOINLINE void spin(u32 count) { while (count--) ASM("nop"); }
NOINLINE u32 askew(void) { return R((u32)data + 6); }
NOINLINE void last(void) { ASM("nop"); }
"""
BODY = """
TEAM(15);
spin(100 * (core + 1));
if (core == 1) askew();
BARRIER();
if (core != 0) { sleep_for_ever(); }
out("done\\n");
last();
"""


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cluster_program(BODY, tmp_path_factory.mktemp("profile"), cores=15, before=BEFORE).path


@pytest.fixture(scope="module")
def whole(elf: Path) -> Profile:
    return profile(elf, GAP8, Bounds())


def functions(result: Profile) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in profile_report(result, GAP8.operating_point())["functions"]}


def test_functions_and_cores_add_up(whole: Profile) -> None:
    report = profile_report(whole, GAP8.operating_point())
    cores = GAP8.cores + 1
    assert report["core_cycles"] == cores * report["cycles"] == sum(report["stalls"].values())
    assert all(sum(core["stalls"].values()) == report["cycles"] for core in report["cores"])
    for key in ("instructions", "core_cycles", "awake_cycles", "dma_in_bytes"):
        assert sum(row[key] for row in report["functions"]) == report[key]
        assert sum(core[key] for core in report["cores"]) == report[key]
    for row in report["functions"]:
        parts = [sum(core[name] for core in row["by_core"]) for name in row["stalls"]]
        assert parts == list(row["stalls"].values())


def test_a_function_is_counted_on_every_core_without_what_it_calls(whole: Profile) -> None:
    spin = functions(whole)["spin"]
    executed = [core["execute"] for core in spin["by_core"]]
    assert executed[4:] == [0] * (len(executed) - 4)
    steps = [after - before for before, after in pairwise(executed[:4])]
    assert steps == [steps[0]] * 3
    assert steps[0] >= 200  # a NOP and a branch, 100 times more from core to core
    assert "core_main" in functions(whole)
    assert functions(whole)["core_main"]["stalls"]["barrier"] > 0


def test_how_it_ended_what_it_printed_and_what_was_not_aligned(whole: Profile) -> None:
    assert (whole.ended, whole.exit_code, whole.printed) == ("exit with code 0", 0, "done\n")
    assert whole.misaligned.count == 1
    first = profile_report(whole, GAP8.operating_point())["misaligned"]
    assert first["core"] == "cluster core 1"
    assert first["function"].startswith("askew")
    assert int(first["address"], 16) % 4 == 2


def test_energy_follows_the_share_of_awake_cores(elf: Path, whole: Profile) -> None:
    share = awake_share(whole)
    assert 0 < share < 4 / 8  # half of the cores never start
    report = profile_report(whole, GAP8.operating_point())
    point = GAP8.operating_point()
    assert GAP8.power is not None
    expected = report["latency_ms"] * GAP8.power.supply_v * point.current_ma(share) / 1e3
    assert report["energy_mj"] == pytest.approx(expected)
    assert report["energy_mj_low"] < report["energy_mj"] < report["energy_mj_high"]
    assert awake_share(profile(elf, GAP8, Bounds(until="fc_main"))) == 1 / 8  # the controller alone


def test_bounds(elf: Path, whole: Profile) -> None:
    until = profile(elf, GAP8, Bounds(until="last"))
    assert (until.ended, until.exit_code) == ("cluster core 0 reached last", None)
    assert 0 < whole.cycles - until.cycles < 200
    started = profile(elf, GAP8, Bounds(start="last"))
    assert started.cycles == whole.cycles - until.cycles
    assert "spin" not in functions(started)
    controller = profile(elf, GAP8, Bounds(until="fc_main"))
    assert controller.ended == "controller reached fc_main"


@pytest.mark.parametrize("bound", [1, 100, 3000])
def test_a_bound_on_instructions_is_not_exceeded(elf: Path, bound: int) -> None:
    result = profile(elf, GAP8, Bounds(instructions=bound))
    done = int(result.stats["instructions"].sum())
    assert bound - 2 * (GAP8.cores + 1) < done <= bound
    assert result.ended == f"after the bound of {bound:,} instructions"


def test_slices_change_no_cycle(elf: Path, whole: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(profiling, "SLICE", 7)
    result = profile(elf, GAP8, Bounds(), told.append)
    assert result.cycles == whole.cycles
    assert (result.stats == whole.stats).all()
    assert told == sorted(told)
    assert len(told) == whole.cycles // 7


def test_a_function_that_never_runs_is_refused(elf: Path) -> None:
    with pytest.raises(UserError, match="it ended without running 'askew'"):
        profile(elf, GAP8, Bounds(start="askew", instructions=50))
    with pytest.raises(UserError, match="symbol 'nix' is missing"):
        profile(elf, GAP8, Bounds(until="nix"))


def test_an_endless_loop_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = build('NOINLINE void stuck(void) { for (;;) ASM(""); }\nvoid fc_main(void) { stuck(); }\n', tmp_path)
    monkeypatch.setattr(profiling, "BUDGET", 100_000)
    monkeypatch.setattr(profiling, "SLICE", 30_000)
    with pytest.raises(EmulationError, match="no end within 100,000 cycles") as caught:
        profile(image.path, GAP8, Bounds())
    assert "controller at stuck" in str(caught.value)
    assert "--instructions" in str(caught.value)


def test_sleep_without_end_is_reported(tmp_path: Path) -> None:
    image = build('void fc_main(void) { for (;;) ASM("wfi"); }\n', tmp_path)
    with pytest.raises(EmulationError, match="all cores sleep") as caught:
        profile(image.path, GAP8, Bounds(instructions=1000))
    assert "the controller waits for an interrupt line at fc_main" in str(caught.value)


def test_command_line(edgekit: Any, elf: Path) -> None:
    code, out, err = edgekit("profile", elf, "--board", "gap8")
    assert code == 0
    assert "done\n" in err
    assert all(len(line) <= 100 for line in out.splitlines())
    for text in ("spin", "core 3", "controller", "1 misaligned accesses", "of all cores", "exit with code 0"):
        assert text in out
    code, out, err = edgekit("profile", elf, "--board", "mrwolf", "--clock", "50MHz", "--json", "--quiet")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["printed"] == "done\n"
    assert report["exit_code"] == 0
    assert report["latency_ms"] == pytest.approx(report["cycles"] / 50e3)


def test_command_line_refuses(edgekit: Any, elf: Path, tmp_path: Path) -> None:
    arm = program("int main(void) { return 0; }", tmp_path).path
    (tmp_path / "empty.elf").write_bytes(b"")
    (tmp_path / "half.elf").write_bytes(elf.read_bytes()[:3000])
    for path, board, words, message in (
        (elf, "stm32l475", (), "it is for 32-bit RISC-V"),
        (arm, "gap8", (), "it is for Arm Cortex-M"),
        (tmp_path / "empty.elf", "gap8", (), "it is no ELF file"),
        (tmp_path / "half.elf", "gap8", (), "it is damaged"),
        (tmp_path / "none.elf", "gap8", (), "No such file"),
        (elf, "gap8", ("--within", "spin"), "supported: --start, --until and --instructions"),
        (elf, "gap8", ("--clock", "1GHz"), "not possible"),
        (elf, "gap8", ("--range", "3.3 V"), "voltage range"),
    ):
        code, out, err = edgekit("profile", path, "--board", board, "--quiet", *words)
        assert (code, out) == (2, "")
        assert message in err

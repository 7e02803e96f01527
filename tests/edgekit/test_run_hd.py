"""``edgekit run hd``: from made-up EEG to the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.boards import load_board
from deploy.build import build_graph
from edgekit.cli import main
from edgekit.front_end import STAGES
from quant.errors import UserError
from quant.front_end import front_end
from quant.hd.classifier import HdClassifier
from quant.hd.graph import to_graph
from quant.hd.settings import Settings
from quant.interchange.read import read_model
from tests.quant.hd.made_up import trials

pytest.importorskip("pyriemann")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hd") / "run"
    words = "--embedding thermometer --levels 5 --bank 18 --board stm32l475 --beats 2 --quiet"
    assert main(["run", "hd", *words.split(), "--out", str(folder)]) == 0
    return folder


def test_all_machines_agree_on_the_model(out: Path) -> None:
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    assert [entry["different"] for entry in report["agreement"]] == [0, 0, 0]
    assert [entry["samples"] for entry in report["agreement"]] == [72, 72, 2]
    assert report["model"] == "hd-thermometer" and report["training"]["levels"] == 5
    assert front_end(read_model(out / "model.onnx")) is not None


def test_the_report_says_what_the_vectors_are(out: Path) -> None:
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    facts = report["hd"]
    assert (facts["dimension"], facts["bands"], facts["features"]) == (5 * 253, 18, 253)
    assert facts["memory_bits"] == 4 * facts["dimension"]
    assert [point["dimension"] for point in facts["curve"]] == [3 * 253, 5 * 253]
    assert facts["curve"][-1]["accuracy"] == report["accuracy"]["int8"] > 0.4
    assert all(facts["between"][i][i] == 0 for i in range(4))
    page = (out / "report.html").read_text()
    for words in ("Vectors of bits", "Prototypes to each other", "linear SVM", "Confusion matrix, thermometer, bits"):
        assert words in page


def test_the_report_says_what_float32_changes(out: Path) -> None:
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    facts = report["front_end"]
    assert facts["windows"] == facts["decisions"] == 72
    assert facts["features"] == 72 * 18 * 253 and 0 < facts["different"] < 0.05 * facts["features"]
    assert facts["largest"] < 10 and facts["on_board"] == 3
    assert facts["flipped"] <= 0.001 * facts["bits"] and facts["changed"] <= 1
    assert 0 < facts["latency_ms"] < 1000 and set(STAGES) < set(facts["stages"])
    assert "From samples to features" in (out / "report.html").read_text()


def test_help_shows_its_own_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for model in ("hd", "binary-svm"):
        with pytest.raises(SystemExit):
            main(["run", model, "--help"])
        told = capsys.readouterr().out
        assert "--embedding" in told and "--qat-epochs" not in told
        assert "edgekit run hd --embedding" in told and "edgekit run binary-svm --projection" in told
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    told = capsys.readouterr().out
    assert "--qat-epochs" in told and "edgekit run hd --help" in told


def test_a_binary_svm_on_a_cluster(tmp_path: Path) -> None:
    words = "--dim 200 --bank 18 --board gap8 --beats 1 --quiet"
    assert main(["run", "binary-svm", *words.split(), "--out", str(tmp_path / "run")]) == 0
    report: dict[str, Any] = json.loads((tmp_path / "run" / "report.json").read_text())
    assert [entry["different"] for entry in report["agreement"]] == [0, 0, 0]
    assert report["hd"]["embedding"] == "sparse-bipolar" and report["hd"]["dimension"] == 200
    assert report["methods"]["int8"] == "binary SVM, sparse-bipolar" and report["accuracy"]["int8"] > 0.4


def test_what_it_ran_learns_on_the_emulated_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "--embedding learned-ls --dim 100 --learn --bank 18 --board stm32l475 --beats 1 --quiet"
    assert main(["run", "hd", *words.split(), "--out", str(tmp_path / "run")]) == 0
    told = capsys.readouterr().out
    assert "edgekit emulate" in told and "--then-classify" in told
    run = tmp_path / "run"
    words = f"{run}/firmware --learn {run}/shots.npy --class 0 --then-classify {run}/queries.npy --quiet --json"
    assert main(["emulate", *words.split()]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["equal_to_reference"] and found["calls"][17]["outputs"]["seen.learned"] == [36, 18, 18, 18]


def test_vectors_too_long_for_the_board_are_refused_with_the_shortfall(tmp_path: Path) -> None:
    x, y = trials(6, 43, 253, 3)
    classifier = HdClassifier.fit("thermometer", x, y, ("a", "b", "c"), Settings(levels=100))
    with pytest.raises(UserError, match=r"stm32l475[\s\S]*layer 'levels'[\s\S]*81312 bytes too many"):
        build_graph(to_graph(classifier, "hd"), load_board("stm32l475"), tmp_path / "out")


@pytest.mark.parametrize(
    ("model", "words", "told"),
    [
        ("hd", "--readout trained", "its class memory is made of trials"),
        ("binary-svm", "--learn", "come from a support vector machine"),
        ("binary-svm", "--centroids 2", "come from a support vector machine"),
    ],
)
def test_options_of_the_other_model(model: str, words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", model, "--board", "stm32l475", *words.split()]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--embedding termometer", "did you mean 'thermometer'"),
        ("--mode parallel", "unknown combination mode 'parallel'"),
        ("--embedding gaussian --dim 0 --centroids 3", "dimension is 0"),
        ("--embedding thermometer --dim 100", "dimension has no effect"),
        ("--embedding gaussian --levels 5 --density 0.5", "density has no effect"),
        ("--data ecg5000", "its training and test part are fixed"),
        ("--subject 9", "it has no subject 9"),
        ("--fold 3", "there is no fold 3"),
        ("--bank 7", "unknown filter bank '7'"),
    ],
)
def test_mistakes_are_named_first(words: str, told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["run", "hd", "--board", "stm32l475", *words.split(), "--quiet", "--out", str(tmp_path / "out")]
    assert main(command) == 2
    assert told in capsys.readouterr().err


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["run", "hd", "--board", "stm32l475", "--out", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err

"""``edgekit run hd``: from made-up EEG to the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgekit.cli import main
from quant.front_end import front_end
from quant.interchange.read import read_model

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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--embedding termometer", "did you mean 'thermometer'"),
        ("--mode parallel", "unknown combination mode 'parallel'"),
        ("--dim 0 --centroids 3", "dimension is 0"),
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

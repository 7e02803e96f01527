"""``edgekit evaluate hd`` from the command line, in this process."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import onnx
import pytest

from edgekit.cli import main
from quant.interchange.read import from_onnx
from tests.edgekit.tiny_eeg import TINY

WORDS = ["evaluate", "hd", "--data", TINY, "--preset", "whole", "--protocol", "sessions"]
WORDS += ["--subject", "3", "--bank", "18", "--jobs", "1"]


def test_a_whole_evaluation_and_its_continuation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*WORDS, "--embeddings", "thermometer", "--dims", "360", "--boards", "none", "--out", str(tmp_path)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "subject 3, fold 1, thermometer, mode spatial, seed 0" in said.err and "minus SVM" in said.out
    report = json.loads((tmp_path / "evaluation.json").read_text())
    accuracy = {method["name"]: method["accuracy"]["mean"] for method in report["methods"]}
    assert [name for name in accuracy if name.startswith("SVM")] == [
        f"SVM, {kind}" for kind in ("float64", "float32", "float16", "ternary", "binary", "int8 in integers")
    ]
    assert accuracy["SVM, float64"] > 0.9 and accuracy["thermometer, 360 bits"] > 0.6
    assert accuracy["binary SVM, projected, 360 bits"] > 0.7
    command = f"edgekit evaluate hd --data {TINY} --preset whole --protocol sessions --subject 3 "
    command += "--embeddings thermometer --dims 360"
    assert report["boards"] == []
    assert report["command"].startswith(command) and command in (tmp_path / "evaluation.md").read_text()
    assert (tmp_path / "accuracy.svg").read_text().startswith("<svg")

    words[words.index("thermometer")] = "thermometer,gray"
    assert main([*words, "--resume"]) == 0
    assert "4 of 4, 3 kept from before" in capsys.readouterr().err


def test_models_of_the_first_split_are_priced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Building and emulating each takes long and has tests of its own: here, what reaches it."""

    def price(settings: dict[str, str]) -> dict[str, Any]:
        graph = from_onnx(onnx.load_from_string(base64.b64decode(settings["model"])))
        assert graph.inputs[0].elements == 18 * 36 and settings["board"] == "stm32l475"
        return {"problem": None, "cost": {"latency_ms": 2.0, "energy_mj": 0.5}}

    monkeypatch.setattr("edgekit.search.price.price", price)
    words = [*WORDS, "--embeddings", "gray", "--dims", "72,360", "--boards", "stm32l475", "--out", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    methods = json.loads(capsys.readouterr().out)["methods"]
    priced = [method["name"] for method in methods if method["boards"]["stm32l475"]]
    assert priced == [
        "SVM, int8 in integers",
        "sparse-bipolar, all bands at once, 360 bits",
        "binary SVM, projected, 360 bits",
        "binary SVM, trained on bits, 360 bits",
        "gray, 72 bits",
        "gray, 360 bits",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--embeddings", "grey"], "did you mean 'gray'"),
        (["--boards", "stm32l476"], "stm32l475"),
        (["--density", "2"], "density is 2"),
        (["--subject", "4"], "it has no subject 4"),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err

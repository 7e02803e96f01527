"""Verbs on recordings in the published layout of BCI Competition IV-2a, down to eight cluster cores."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.quant.mat_file import run, written


def test_eeg_tcnet_of_one_subject_reaches_the_board(
    edgekit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, session in enumerate("TE"):
        written(tmp_path / "bci-iv-2a" / f"A03{session}.mat", run(number), run(10 + number))
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path))
    out, short = tmp_path / "run", ("--epochs", "1", "--qat-epochs", "1", "--beats", "1")
    words = ("eeg-tcnet", "--data", "bci-iv-2a", "--subject", "3", "--board", "gap8", "--out", out, *short)
    code, text, error = edgekit("run", *words)
    assert code == 0, error
    assert "16 for training, 16 for testing (subject 3, session 1 to session 2)" in text + error
    config = json.loads((out / "config.json").read_text())
    assert config["dataset"] == "bci-iv-2a" and config["network"]["input_shape"] == [1, 22, 1125]
    # One offset and one gain for each of the 22 electrodes reach the C interface.
    header = next(out.rglob("model.h")).read_text()
    assert "_quantize(float raw, int32_t channel)" in header and "offset[22]" in header


def test_a_search_over_all_nine_subjects(edgekit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bci-iv-2a"
    for number, session in enumerate("TE"):
        first = written(folder / f"A01{session}.mat", run(number))
        for subject in range(2, 10):
            shutil.copy(first, folder / f"A0{subject}{session}.mat")
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path))
    out, short = tmp_path / "sweep", ("--epochs", "1", "--qat-epochs", "1", "--jobs", "2")
    words = ("--data", "bci-iv-2a", "--subject", "all", "--grid", "filters=2", "--out", out, *short)
    code, text, error = edgekit("sweep", "eeg-tcnet", *words)
    assert code == 0, error
    assert "9 of 9" in error and "subject 9" in text
    found = json.loads((out / "sweep.json").read_text())
    assert [choice["group"] for choice in found["groups"]] == [f"subject {n}" for n in range(1, 10)]
    assert len(list((out / "models").glob("*.onnx"))) == 9

"""``edgekit run`` on a recording in the published layout of BCI Competition IV-2a, down to eight cluster cores."""

import json
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

"""EEGMMIDB from PhysioNet's EDF files and from the prepared file, and every way in which they can be wrong."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quant.datasets import eegmmidb
from quant.datasets.cache import cache_folder
from quant.datasets.montage import PHYSIONET
from quant.errors import UserError
from tests.quant.edf_file import edf

LABELS = tuple(name.upper().replace("Z", "z").ljust(4, ".") for name in PHYSIONET)  # as PhysioNet pads them
EVENTS = ((0.0, 4.2, "T0"), (4.2, 4.1, "T2"), (8.3, 4.1, "T0"), (12.4, 4.1, "T1"))


def signal() -> np.ndarray:
    """18 s of 64 channels."""
    return np.random.default_rng(0).integers(-200, 200, (64, 160 * 18)).astype(np.int16)


def written(folder: Path, subject: int = 1, run: int = 4, **change: Any) -> Path:
    path = folder / eegmmidb.file_name(subject, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"x": signal(), "labels": LABELS, "events": EVENTS} | change
    path.write_bytes(edf(**parts))
    return path


def silent(line: str) -> None:
    pass


def test_trials_start_at_the_cue(tmp_path: Path) -> None:
    found = eegmmidb.from_edf(written(tmp_path), 1, 4)
    assert found.x.shape == (2, 64, 640) and found.channels == PHYSIONET and found.fs == 160.0
    assert found.y.tolist() == [1, 0] and found.session.tolist() == [4, 4] and found.subject.tolist() == [1, 1]
    for trial, start in enumerate((672, 1984)):
        assert np.array_equal(found.x[trial], signal()[:, start : start + 640])


def test_a_folder_of_edf_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for run in eegmmidb.RUNS:
        written(tmp_path / "eegmmidb", 3, run)
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path))
    found = eegmmidb.recordings(silent, [3])
    assert len(found) == 6 and np.unique(found.session).tolist() == [4, 8, 12] and found.subjects == (3,)
    with pytest.raises(UserError, match=r"S001R04\.edf: this file does not exist"):
        eegmmidb.recordings(silent)
    with pytest.raises(UserError, match="it has no subject 55"):
        eegmmidb.recordings(silent, [55])
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(UserError, match="unset EDGEKIT_DATA to download them"):
        eegmmidb.recordings(silent, [3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fs": 128, "x": np.zeros((64, 128 * 18), np.int16)}, "it was sampled at 128 Hz"),
        ({"x": np.zeros((63, 160 * 18), np.int16), "labels": LABELS[:63]}, "1 channel is missing: Iz"),
        ({"events": EVENTS[:1]}, "no trials with labels"),
        ({"events": (*EVENTS, (16.5, 4.1, "T1"))}, r"the trial at 16\.5 s lasts longer than the recording"),
    ],
)
def test_a_wrong_recording_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        eegmmidb.from_edf(written(tmp_path, **change), 1, 4)
    assert "S001R04.edf" in str(error.value)


def arrays(**change: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "x": np.zeros((3, 64, 640), np.int16),
        "y": np.array([0, 1, 0], np.uint8),
        "subject": np.array([1, 1, 2], np.uint8),
        "run": np.array([4, 8, 4], np.uint8),
        "channels": np.array(LABELS),
        "fs": np.array(160),
    }
    return base | change


def holding_nan() -> np.ndarray:
    x = np.zeros((3, 64, 640), np.float32)
    x[1, 2, 3] = np.nan
    return x


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fs": np.array(128)}, "it was sampled at 128 Hz"),
        ({"channels": np.array(["A1", *LABELS[1:]])}, "1 channel is missing: FC5"),
        ({"x": holding_nan()}, "1 samples are NaN or infinite, first in trial 1, channel FC1"),
        ({"y": np.array([0, -1, 0])}, "1 of 3 trials have no label, first trial 1"),
        ({"y": np.array([0, 1, 2])}, "1 labels are out of range, first 2"),
        ({"y": np.zeros(2, np.uint8)}, "shape"),
        ({"x": np.zeros((3, 64), np.int16)}, "shape"),
    ],
)
def test_a_wrong_prepared_file_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "prepared.npz"
    np.savez(path, **arrays(**change))
    with pytest.raises(UserError, match=message) as error:
        eegmmidb.from_npz(path)
    assert "prepared.npz" in str(error.value)


def test_a_damaged_prepared_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prepared.npz"
    np.savez(path, **arrays())
    assert len(eegmmidb.from_npz(path)) == 3 and len(eegmmidb.from_npz(path, [2])) == 1
    for content in (b"", b"no zip", path.read_bytes()[:5000]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not readable as EEGMMIDB"):
            eegmmidb.from_npz(path)


def test_runs_are_downloaded_with_the_published_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def fetch(url: str, path: Path, sha256: str, instead: str) -> None:
        asked.append((url, sha256))
        written(cache_folder() / "eegmmidb", int(url[-10:-7]), int(url[-6:-4]))

    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    monkeypatch.delenv("EDGEKIT_DATA", raising=False)
    monkeypatch.setattr(eegmmidb, "fetch", fetch)
    said: list[str] = []
    assert len(eegmmidb.recordings(said.append, [1, 54])) == 12
    assert asked[0] == (
        "https://physionet.org/files/eegmmidb/1.0.0/S001/S001R04.edf",
        "3d161f88e1c00632585287d2ce584c2bc0f08862438eb255ea8723e00fac693d",
    )
    assert len(asked) == 6 and [line[-12:] for line in said] == [": 0 of 15 MB", ": 8 of 15 MB"]
    eegmmidb.recordings(said.append, [1])
    assert len(asked) == 6 and len(said) == 2


@pytest.mark.skipif(not os.environ.get("EDGEKIT_DATA"), reason="EDGEKIT_DATA is not set")
def test_the_prepared_file_holds_54_subjects() -> None:
    found = eegmmidb.recordings(silent)
    assert found.x.shape == (2430, 64, 640) and found.x.dtype == np.int16 and found.subjects == eegmmidb.SUBJECTS
    assert set(np.bincount(found.subject)[1:].tolist()) == {45}

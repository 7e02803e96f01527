"""Excerpts: electrodes by name, windows from the cue on, down-sampling without aliases, resampling."""

from dataclasses import replace

import numpy as np
import pytest

from quant.datasets.excerpt import EXCERPTS, Excerpt, excerpt, is_excerpt
from quant.datasets.montage import BCI_IV_2A, PHYSIONET, SUBSETS, electrode, position
from quant.datasets.recordings import Recordings
from quant.errors import UserError
from tests.quant.eeg import recordings


def physionet(signal: np.ndarray) -> Recordings:
    """Two trials of 64 electrodes at 160 Hz, all of them ``signal`` (640,) in int16."""
    x = np.broadcast_to(np.round(signal), (2, 64, 640)).astype(np.int16)
    parts = {"channels": PHYSIONET, "fs": 160.0, "x": x, "y": np.array([0, 1])}
    return replace(recordings(subjects=1, sessions=(0,), trials=2), **parts)


@pytest.mark.parametrize(
    ("name", "shape", "fs", "divisor"),
    [
        ("whole", (64, 640), 160.0, 1),
        ("edge-64", (64, 480), 160.0, 1),
        ("edge-38", (38, 160), 160 / 3, 3),
        ("edge-m7", (38, 107), 160 / 3, 3),
        ("edge-m4f", (38, 54), 160 / 3, 3),
        ("motor-22", (22, 1000), 250.0, 1),
        ("motor-22-1125", (22, 1125), 281.25, 1),
        ("imagery-22", (22, 560), 160.0, 1),
    ],
)
def test_the_named_excerpts_have_the_published_shapes(name: str, shape: tuple, fs: float, divisor: int) -> None:
    found = excerpt(name).apply(physionet(np.zeros(640)))
    assert found.x.shape == (2, *shape) and found.fs == fs and found.divisor == divisor
    assert len(found.channels) == shape[0]
    assert ("resampled" in found.note) == name.startswith("motor")
    assert name in EXCERPTS


@pytest.mark.parametrize("divisor", [2, 3])
def test_down_sampling_keeps_the_band_and_removes_aliases(divisor: int) -> None:
    time = np.arange(640) / 160
    kept = Excerpt(divisor=divisor).apply(physionet(1000 * np.sin(2 * np.pi * 10 * time)))
    expected = 1000 * np.sin(2 * np.pi * 10 * time[::divisor])
    inner = slice(20, -20)
    assert np.abs(kept.x[0, 0] - expected)[inner].max() < 10  # 0.05 dB of ripple and rounded input
    removed = Excerpt(divisor=divisor).apply(physionet(1000 * np.sin(2 * np.pi * 75 * time)))
    assert np.abs(removed.x[0, 0])[inner].max() < 2


def test_resampling_keeps_a_sine() -> None:
    found = Excerpt(rate_hz=250.0).apply(physionet(1000 * np.sin(2 * np.pi * 10 * np.arange(640) / 160)))
    expected = 1000 * np.sin(2 * np.pi * 10 * np.arange(1000) / 250)
    assert np.abs(found.x[0, 0] - expected)[50:-50].max() < 10
    assert found.note == "trials of 4 s resampled from 160 to 250 Hz: 64 x 1000 samples"


def test_electrodes_are_taken_by_name_in_the_subsets_order() -> None:
    numbers = np.arange(64)[None, :, None] * np.ones((2, 1, 640))
    found = Excerpt(8).apply(replace(physionet(np.zeros(640)), x=numbers.astype(np.int16)))
    assert found.channels == SUBSETS[8] == ("C3", "Cz", "C4", "AF3", "AF4", "P3", "P4", "POz")
    assert found.x[0, :, 0].tolist() == [8, 10, 12, 25, 27, 48, 52, 57]


def test_the_window_begins_with_the_cue() -> None:
    found = replace(recordings(samples=64), cue=1.0)
    part = Excerpt(seconds=2.0).apply(found)
    assert np.array_equal(part.x, found.x[:, :, 16:48]) and part.cue == 0.0
    later = Excerpt(start=0.5, seconds=2.0).apply(found)
    assert np.array_equal(later.x, found.x[:, :, 24:56]) and later.cue == 0.0


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ({"electrodes": 10}, "no subset of 10 electrodes"),
        ({"divisor": 4}, "divisor is 4"),
        ({"seconds": 0.0}, "seconds is 0"),
        ({"rate_hz": -1.0}, "rate_hz is -1"),
        ({"start": -0.5, "seconds": 1.0}, "start is -0.5"),
        ({"start": 0.5}, "start is 0.5 with seconds None"),
    ],
)
def test_an_impossible_excerpt_is_refused(view: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Excerpt(**view)


def test_recordings_that_do_not_hold_the_excerpt_are_refused() -> None:
    with pytest.raises(UserError, match="20 channels are missing: Fz, FC3, FC1, FCz, FC2, FC4 and 14 more"):
        Excerpt(22).apply(replace(recordings(), channels=("C3", "Oz", "C4")))
    with pytest.raises(UserError, match="its trials last 2 s after the cue, 3 s are asked for"):
        Excerpt(seconds=3.0).apply(recordings())
    with pytest.raises(UserError, match=r"its trials last 2 s after the cue, 2.5 s are asked for"):
        Excerpt(start=0.5, seconds=2.0).apply(recordings())
    with pytest.raises(UserError, match="did you mean 'edge-m4f'"):
        excerpt("edge-m4")


def test_an_excerpt_may_be_described() -> None:
    assert excerpt("19ch-ds2-2.5s") == Excerpt(19, 2, 2.5) and excerpt("8ch") == Excerpt(8)
    assert excerpt("38ch-ds3-1s") == excerpt("edge-m4f") and excerpt("64ch-3s") == excerpt("edge-64")
    assert is_excerpt("27ch-ds2") and is_excerpt("whole") and not is_excerpt("38ch-3")
    with pytest.raises(UserError, match="no subset of 20 electrodes"):
        excerpt("20ch-ds3-1s")
    with pytest.raises(UserError, match="did you mean '38ch-ds3-1s'"):
        excerpt("38ch-3ds-1s")


def test_subsets_and_positions() -> None:
    assert {count: len(names) for count, names in SUBSETS.items()} == {count: count for count in SUBSETS}
    assert set(BCI_IV_2A) < set(PHYSIONET) and len(set(PHYSIONET)) == 64
    places = [position(name) for name in PHYSIONET]
    assert len(set(places)) == 64
    assert position("Cz") == (0.0, 0.0) and position("C3") == (-2.0, 0.0) and position("FC4") == (2.0, 1.0)
    with pytest.raises(ValueError, match="no electrode"):
        position("EOG1")
    assert [electrode(name) for name in ("Fc5.", "CZ..", "FP1", "Iz", "EOG1")] == ["FC5", "Cz", "Fp1", "Iz", "EOG1"]

"""EDF files: values, annotations, and every fault named with the file."""

from pathlib import Path

import numpy as np
import pytest

from quant.datasets.edf import Event, read
from quant.errors import UserError
from tests.quant.edf_file import edf

LABELS = ("Fc5.", "C3..")
EVENTS = ((0.0, 4.2, "T0"), (4.2, 4.1, "T1"), (8.3, 4.1, "T2"))


def signal(seconds: int = 13) -> np.ndarray:
    return np.random.default_rng(0).integers(-8092, 8093, (2, 160 * seconds)).astype(np.int16)


def stored(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "S001R04.edf"
    path.write_bytes(data)
    return path


def test_values_and_annotations_come_back(tmp_path: Path) -> None:
    found = read(stored(tmp_path, edf(signal(), LABELS, EVENTS)))
    assert found.channels == LABELS and found.fs == 160.0
    assert found.x.dtype == np.float32 and np.array_equal(found.x, signal())
    assert found.events == tuple(Event(*event) for event in EVENTS)


def test_physical_values_are_microvolts(tmp_path: Path) -> None:
    found = read(stored(tmp_path, edf(signal(), LABELS, unit="mV", limits=(-4, 4))))
    expected = (signal().astype(np.float64) + 8092) * (8 / 16184) - 4
    assert np.allclose(found.x, 1000 * expected, atol=1e-3)


def test_mne_reads_the_same(tmp_path: Path) -> None:
    mne = pytest.importorskip("mne")
    path = stored(tmp_path, edf(signal(), LABELS, EVENTS))
    raw = mne.io.read_raw_edf(path, verbose="error")
    found = read(path)
    assert np.allclose(1e6 * raw.get_data(), found.x, atol=1e-3) and raw.info["sfreq"] == found.fs
    theirs = [(note["onset"], note["duration"], note["description"]) for note in raw.annotations]
    assert theirs == [(event.onset, event.duration, event.text) for event in found.events]


@pytest.mark.parametrize("length", [0, 100, 300, 900, 5000, -1, -3000])
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path, length: int) -> None:
    path = stored(tmp_path, edf(signal(), LABELS, EVENTS)[:length])
    with pytest.raises(UserError) as error:
        read(path)
    assert str(path) in str(error.value) and ("header" in str(error.value) or "announces" in str(error.value))


def test_more_bytes_than_announced_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="its header announces"):
        read(stored(tmp_path, edf(signal(), LABELS) + b"12"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not a recording" * 100, "does not start with an EDF header"),
        (edf(signal(), LABELS, kind="EDF+D"), "with gaps"),
        (edf(signal(), LABELS, unit="K"), "channel 'Fc5.' is in 'K'"),
        (edf(signal(), LABELS).replace(b"160     160     ", b"080     240     ", 1), "2 different rates"),
        (edf(signal(), LABELS).replace(b"160     160     ", b"many    160     ", 1), "invalid literal"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        read(stored(tmp_path, data))
    assert "S001R04.edf" in str(error.value)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"S001R04.edf: this file does not exist"):
        read(tmp_path / "S001R04.edf")

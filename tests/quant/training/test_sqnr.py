"""Signal-to-quantization-noise ratios: by hand on a few numbers, then on a trained network."""

from math import isfinite, log10

import numpy as np
import pytest

from quant.datasets.dataset import Dataset
from quant.networks import Model
from quant.training.export import to_graph
from quant.training.freeze import freeze
from quant.training.layerwise import batches
from quant.training.sqnr import Noise, Ratio
from quant.training.train import Run, train


def ratio(*pairs: tuple[list[float], list[float]]) -> float | None:
    result = Ratio()
    for reference, x in pairs:
        result.add(np.array(reference, np.float32), np.array(x, np.float32))
    return result.db


def test_ratio_by_hand() -> None:
    assert ratio(([3, 4], [3, 4.5])) == pytest.approx(20)  # 25 to 0.25
    assert ratio(([3], [3]), ([4], [4.5])) == pytest.approx(20)  # in two parts
    assert ratio(([3, 4], [0, 0])) == pytest.approx(0)
    assert ratio(([1, 1], [3, -1])) == pytest.approx(-10 * log10(4))


def test_equal_values_have_no_ratio_and_a_silent_reference_has_a_number() -> None:
    assert ratio(([3, 4], [3, 4])) is None
    assert ratio(([0, 0], [0, 0])) is None
    silent = ratio(([0, 0], [1, 0]))
    assert silent is not None and isfinite(silent) and silent < -1000


@pytest.fixture(scope="module")
def run(toy: Model, blobs: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(toy, blobs, tmp_path_factory.mktemp("run"))


def noise(run: Run, x: np.ndarray, chunk: int) -> Noise:
    frozen = freeze(run.quantized)
    result = Noise(frozen)
    for batch in batches(run.floating, run.quantized, to_graph(frozen), frozen.input, x, chunk):
        result.add(batch)
    return result


def test_every_layer_of_a_trained_network_has_plausible_ratios(run: Run, blobs: Dataset) -> None:
    x = blobs.scale(blobs.x_test)
    records = [layer.as_json() for layer in noise(run, x, chunk=16).layers]
    assert [record["name"] for record in records] == [
        "stem",
        "depthwise",
        "mean",
        "block.conv1",
        "block.conv2",
        "block.shortcut",
        "block.add",
        "hidden",
        "scores",
    ]
    for record in records:
        assert 5 < record["float_fake_db"] < 60, record
        assert record["float_integer_db"] == pytest.approx(record["float_fake_db"], abs=0.5)
        assert record["fake_integer_db"] is None or record["fake_integer_db"] > record["float_fake_db"] + 10


def test_one_integer_off_is_seen_in_its_layer_only(run: Run, blobs: Dataset) -> None:
    frozen = freeze(run.quantized)
    found = Noise(frozen)
    x = blobs.scale(blobs.x_test[:1])
    (batch,) = batches(run.floating, run.quantized, to_graph(frozen), frozen.input, x)
    for name, layer in frozen.layers.items():  # so that nothing differs at first
        values = batch.fake[name].value.numpy() / layer.output.step + layer.output.zero_point
        batch.integer[name][...] = np.round(values)
    batch.integer["mean"].flat[0] ^= 1
    found.add(batch)
    records = {layer.name: layer.fake_integer.db for layer in found.layers}
    assert [name for name, db in records.items() if db is not None] == ["mean"]
    signal = float(np.square(batch.fake["mean"].value.numpy(), dtype=np.float64).sum())
    assert records["mean"] == pytest.approx(10 * log10(signal / frozen.layers["mean"].output.step ** 2), abs=1e-3)

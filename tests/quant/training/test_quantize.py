"""What model.json says about the layers."""

import json
from pathlib import Path

import pytest
import torch

from quant.datasets.dataset import Dataset
from quant.networks import Model
from quant.training.quantize import Quantized, quantize
from quant.training.train import Run, train


@pytest.fixture(scope="module")
def run(toy: Model, blobs: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(toy, blobs, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def quantized(run: Run, blobs: Dataset) -> Quantized:
    return quantize(run, blobs)


def test_model_json_has_the_noise_of_every_layer_that_is_checked(quantized: Quantized, tmp_path: Path) -> None:
    quantized.save(tmp_path)
    report = json.loads((tmp_path / "model.json").read_text())
    assert report == quantized.report
    assert [layer["name"] for layer in report["sqnr"]] == [record["name"] for record in report["float64_check"]]
    for layer in report["sqnr"]:
        assert set(layer) == {"name", "float_fake_db", "float_integer_db", "fake_integer_db"}


def test_quantizing_leaves_the_caller_s_torch_alone(run: Run, blobs: Dataset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    quantize(run, blobs)
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads

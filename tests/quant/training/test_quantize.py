"""What model.json says about the layers and the examples, and that it agrees with the rest."""

import json
from pathlib import Path

import numpy as np
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


def test_model_json_has_examples_that_agree_with_the_metrics(quantized: Quantized, blobs: Dataset) -> None:
    examples, confusion = quantized.report["examples"], np.array(quantized.report["metrics"]["int8"]["confusion"])
    for label, row in enumerate(confusion):
        mine = [example for example in examples if example["true"] == label]
        assert len(mine) == (row[label] > 0) + (row[label] < row.sum())
        assert all(row[example["int8"]] for example in mine)
    for example in examples:
        assert blobs.y_test[example["index"]] == example["true"]
        assert np.allclose(example["values"], blobs.x_test[example["index"]].reshape(2, -1), atol=1e-4)


def test_examples_hold_the_float_network_s_answers(run: Run, quantized: Quantized, blobs: Dataset) -> None:
    with torch.no_grad():
        answers = run.floating(torch.from_numpy(blobs.scale(blobs.x_test))).argmax(1)
    assert all(answers[example["index"]] == example["float"] for example in quantized.report["examples"])


def test_quantizing_leaves_the_caller_s_torch_alone(run: Run, blobs: Dataset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    quantize(run, blobs)
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads

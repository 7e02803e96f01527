"""Runs: reproducible to the byte, safe to interrupt anywhere, refused where they would mix."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from quant import datasets, networks
from quant.datasets.dataset import Dataset
from quant.errors import UserError
from quant.networks import Model
from quant.networks.recipe import Recipe
from quant.training import checkpoint
from quant.training.loop import Progress, class_weights, epoch_order
from quant.training.quantize import quantize
from quant.training.train import load, train


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def finished(toy: Model, blobs: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(toy, blobs, folder)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_leaves_its_files_and_learns(finished: Path) -> None:
    assert set(content(finished)) == {"config.json", "float.pt", "qat.pt", "history.json", "metrics.json"}
    history = json.loads((finished / "history.json").read_text())
    assert [(r["stage"], r["epoch"]) for r in history] == [
        ("float", 1),
        ("float", 2),
        ("float", 3),
        ("qat", 1),
        ("qat", 2),
    ]
    assert history[0]["loss"] > history[2]["loss"]
    metrics = json.loads((finished / "metrics.json").read_text())
    assert set(metrics) == {"float", "fake_quant"} and np.sum(metrics["float"]["confusion"]) == 90


@pytest.mark.parametrize("stop", [("float", 1), ("float", 3), ("qat", 1), ("qat", 2)])
def test_interrupted_and_resumed_equals_uninterrupted(
    stop: tuple[str, int], toy: Model, blobs: Dataset, finished: Path, tmp_path: Path
) -> None:
    def kill(progress: Progress) -> None:
        torch.rand(7)  # a callback that draws random numbers changes nothing
        if (progress.stage, progress.epoch) == stop:
            raise Killed

    with pytest.raises(Killed):
        train(toy, blobs, tmp_path, on_progress=kill)
    assert not (tmp_path / "metrics.json").exists()
    with pytest.raises(UserError, match="training is not finished"):
        load(tmp_path)
    train(toy, blobs, tmp_path, resume=True)
    assert content(tmp_path) == content(finished)


def test_resuming_a_finished_run_and_an_empty_folder(
    toy: Model, blobs: Dataset, finished: Path, tmp_path: Path
) -> None:
    before = content(finished)
    train(toy, blobs, finished, resume=True, on_progress=lambda p: pytest.fail("it trained again"))
    assert content(finished) == before
    train(toy, blobs, tmp_path / "new", resume=True)
    assert content(tmp_path / "new") == before


def test_another_seed_gives_another_network(toy: Model, blobs: Dataset, finished: Path, tmp_path: Path) -> None:
    train(toy, blobs, tmp_path, seed=1)
    assert content(tmp_path)["float.pt"] != content(finished)["float.pt"]


def test_training_leaves_the_caller_s_torch_alone(toy: Model, blobs: Dataset, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    train(toy, blobs, tmp_path)
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads


def test_a_folder_in_use_is_refused_unless_forced(toy: Model, blobs: Dataset, finished: Path, tmp_path: Path) -> None:
    for name, data in content(finished).items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match="already holds a training run"):
        train(toy, blobs, tmp_path)
    with pytest.raises(UserError) as error:
        train(toy, blobs, tmp_path, seed=3, preset="w7a8", resume=True)
    assert "seed is 3, the run was started with 0" in str(error.value)
    assert "preset is 'w7a8', the run was started with 'int8'" in str(error.value)
    assert content(tmp_path) == content(finished)
    train(toy, blobs, tmp_path, seed=3, force=True)
    assert load(tmp_path).config["seed"] == 3


def test_unknown_preset_is_refused_before_anything_is_written(toy: Model, blobs: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'int8'"):
        train(toy, blobs, tmp_path / "run", preset="int9")
    assert not (tmp_path / "run").exists()


def test_damaged_and_missing_files_are_named(toy: Model, blobs: Dataset, finished: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no training run"):
        load(tmp_path)
    for name in ("float.pt", "config.json"):
        for other, data in content(finished).items():
            (tmp_path / other).write_bytes(data[:40] if other == name else data)
        with pytest.raises(UserError, match="the file is damaged") as error:
            train(toy, blobs, tmp_path, resume=True)
        assert name in str(error.value)


def test_files_are_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    checkpoint.write_json(path, {"epoch": 1})

    def killed(source: str, target: str) -> None:
        raise Killed

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(Killed):
        checkpoint.write_json(path, {"epoch": 2})
    assert checkpoint.read_json(path) == {"epoch": 1}


def test_a_run_becomes_the_same_files_every_time(blobs: Dataset, finished: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        quantized = quantize(load(finished), blobs)
        quantized.save(tmp_path / name)
    assert set(content(tmp_path / "a")) == {"model.onnx", "model.qcdq.onnx", "model.json"}
    assert content(tmp_path / "a") == content(tmp_path / "b")
    report = json.loads((tmp_path / "a" / "model.json").read_text())
    assert set(report["metrics"]) == {"float", "fake_quant", "int8"}
    assert all(record["different"] == 0 for record in report["float64_check"])
    assert report["tensors"]["scores"]["range"][0] == -128 * report["tensors"]["scores"]["scale"]
    assert quantized.graph.info["preprocess"] == {"offset": float(blobs.offset), "gain": float(blobs.gain)}


def test_class_weights_are_inverse_frequencies() -> None:
    labels = torch.tensor([0] * 6 + [1] * 3 + [3])
    weights = class_weights(labels, 5)
    assert weights[2] == weights[4] == 0
    assert torch.allclose(weights[[0, 1, 3]] * torch.tensor([6.0, 3.0, 1.0]), torch.tensor(10 / 3))


def test_balanced_resampling_draws_classes_equally() -> None:
    labels = torch.tensor([0] * 900 + [1] * 90 + [2] * 10)
    torch.manual_seed(0)
    counts = torch.bincount(labels[epoch_order(labels, 3, "resample")])
    assert (counts - 1000 / 3).abs().max() < 60
    assert sorted(epoch_order(labels, 3, "none").tolist()) == list(range(1000))


@pytest.mark.parametrize("balance", ["weights", "resample"])
def test_balancing_helps_the_rare_class(balance: str, toy: Model, blobs: Dataset, tmp_path: Path) -> None:
    found = []
    for choice in ("none", balance):
        recipe = Recipe(batch=16, epochs=6, qat_epochs=1, balance=choice)
        found.append(train(toy, blobs, tmp_path / choice, recipe=recipe).metrics["float"]["confusion"][2][2])
    assert found[1] > found[0]


@pytest.mark.skipif(not os.environ.get("EDGEKIT_DATA"), reason="EDGEKIT_DATA is not set")
def test_ecg_tcn_learns_within_a_few_epochs(tmp_path: Path) -> None:
    recipe = Recipe(epochs=2, qat_epochs=1)
    run = train(networks.model("ecg-tcn"), datasets.load("ecg5000"), tmp_path, recipe=recipe)
    assert run.metrics["fake_quant"]["accuracy"] > 0.85

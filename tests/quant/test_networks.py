"""Layer tables: shapes, parameters and MACs without a training framework; the registry."""

import subprocess
import sys
from typing import Any

import pytest

from quant import networks
from quant.errors import UserError
from quant.networks.layers import Add, BatchNorm, Conv, Dense, Dropout, Flatten, Layer, Pool, Residual, Shape
from quant.networks.network import Network
from quant.networks.recipe import Recipe


def test_ecg_tcn_counts_are_the_published_ones() -> None:
    network = networks.model("ecg-tcn").network
    assert network.weights == 14_641
    assert network.macs == 979_440
    assert network.trainable == 14_799
    assert network.parameters == 14_957
    assert network.output_shape == (5,)


def test_ecg_tcn_table_row_by_row() -> None:
    steps = {step.name: step for step in networks.model("ecg-tcn").network.steps}
    computed = {name: (step.weights, step.macs) for name, step in steps.items() if step.weights}
    assert computed == {
        "conv0": (22, 3_080),
        "b1.conv1": (242, 33_880),
        "b1.conv2": (1_331, 186_340),
        "b1.shortcut": (22, 3_080),
        "b2.conv1": (1_331, 186_340),
        "b2.conv2": (1_331, 186_340),
        "b3.conv1": (1_331, 186_340),
        "b3.conv2": (1_331, 186_340),
        "fc": (7_700, 7_700),
    }
    assert steps["b1.add"].inputs == ("b1.dropout2", "b1.shortcut")
    assert steps["b2.add"].inputs == ("b2.dropout2", "b1.add")
    assert all(step.shape == (11, 140) for name, step in steps.items() if name.startswith("b"))


@pytest.mark.parametrize(
    ("layer", "source", "shape", "weights", "trainable", "parameters", "macs"),
    [
        (Conv("c", kernel=3, channels=4), (2, 10), (4, 8), 24, 24, 24, 192),
        (Conv("c", kernel=3, channels=4, bias=True, bn=BatchNorm()), (2, 10), (4, 8), 24, 36, 44, 192),
        (Conv("c", kernel=4, channels=4, pads=(1, 2)), (2, 10), (4, 10), 32, 32, 32, 320),
        (Conv("c", kernel=3, channels=1, dilation=4, pads=(8, 0), stride=3), (1, 10), (1, 4), 3, 3, 3, 12),
        (
            Conv("c", kernel=(1, 32), channels=8, pads=((0, 0), (15, 16))),
            (1, 22, 1125),
            (8, 22, 1125),
            256,
            256,
            256,
            6_336_000,
        ),
        (
            Conv("c", kernel=(22, 1), channels=16, groups=8, bn=BatchNorm()),
            (8, 22, 1125),
            (16, 1, 1125),
            352,
            384,
            416,
            396_000,
        ),
        (Dense("d", features=4, bias=True), (272,), (4,), 1088, 1092, 1092, 1088),
        (Pool("p", kernel=(1, 8), stride=(1, 8)), (16, 1, 1125), (16, 1, 140), 0, 0, 0, 0),
        (Pool("p", kernel=3, stride=2, kind="max"), (5, 8), (5, 3), 0, 0, 0, 0),
        (Flatten("f"), (3, 4, 5), (60,), 0, 0, 0, 0),
        (Dropout("o"), (3, 4), (3, 4), 0, 0, 0, 0),
    ],
)
def test_layer_arithmetic(
    layer: Layer, source: Shape, shape: Shape, weights: int, trainable: int, parameters: int, macs: int
) -> None:
    assert layer.shape(source) == shape
    assert (layer.weights(source), layer.trainable(source), layer.parameters(source)) == (
        weights,
        trainable,
        parameters,
    )
    assert layer.macs(source) == macs


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ((Conv("c", kernel=11),), "layer 'c': the window is larger than the padded input (1, 8)"),
        ((Conv("c", kernel=(3, 3)),), "layer 'c': kernel, stride, dilation and pads do not fit"),
        ((Conv("c", channels=3, groups=2),), "layer 'c': 2 groups do not divide 1 -> 3 channels"),
        ((Dense("d", features=2),), "layer 'd': needs a flat input, not (1, 8)"),
        ((Flatten("f"), Conv("c")), "layer 'c': needs an input (C, L) or (C, H, W), not (8,)"),
        ((Pool("p", kernel=2, pads=(1, 0)),), "layer 'p': pooling takes no pads and no dilation"),
        ((Residual("b", (Conv("c", channels=2),)),), "layer 'b.add': cannot add (2, 8) and (1, 8)"),
        ((Conv("c"), Conv("c")), "network 'n': two layers are called 'c'"),
        ((Conv("input"),), "network 'n': two layers are called 'input'"),
    ],
)
def test_tables_that_do_not_fit_are_refused(table: tuple[Layer | Residual, ...], message: str) -> None:
    with pytest.raises(UserError) as error:
        _ = Network("n", (1, 8), table).steps
    assert message in str(error.value)


def test_residual_blocks_open_into_named_steps() -> None:
    network = Network("n", (2, 8), (Residual("outer", (Residual("inner", (Conv("c", channels=2),)),)),))
    assert [step.name for step in network.steps] == ["outer.inner.c", "outer.inner.add", "outer.add"]
    assert network.steps[1].inputs == ("outer.inner.c", "input")
    assert network.steps[2].layer == Add("outer.add")


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(UserError, match="did you mean 'ecg-tcn'"):
        networks.model("ecg-tnc")
    with pytest.raises(UserError, match="did you mean 'int8-pot'"):
        networks.model("ecg-tcn").preset("int8-pott")


def test_every_model_names_known_presets_and_a_data_set() -> None:
    from quant.datasets import DATASETS

    for name, model in networks.MODELS.items():
        assert model.name == name and model.dataset in DATASETS and model.description
        assert [model.preset(preset).name for preset in model.presets] == list(model.presets)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"qat_epochs": 31}, "qat_epochs is 31"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"balance": "weight"}, "did you mean 'weights'"),
        ({"decay": "cosin"}, "did you mean 'cosine'"),
    ],
)
def test_recipes_that_cannot_work_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Recipe(**change)


def test_networks_and_data_sets_load_without_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; from quant import datasets, networks"
    subprocess.run([sys.executable, "-c", code], check=True)

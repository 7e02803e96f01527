"""What an evaluation of hyperdimensional classifiers plans."""

from __future__ import annotations

import pytest

from edgekit.evaluation.hd.methods import READOUT_OF, Method, lengths, names, planned
from quant.errors import UserError
from quant.hd.embeddings import EMBEDDINGS
from quant.hd.settings import Settings


def test_the_svm_its_readouts_and_the_embeddings_with_all_seeds() -> None:
    found = list(planned(["thermometer"], [1000, 500, 500], Settings(mode="bind"), 2))
    assert len(found) == 1 + 2 * 2 and found[0] == Method()
    assert {method.dimensions for method in found[1:]} == {(500, 1000)}
    assert [(method.embedding, method.settings.mode, method.readouts) for method in found[1:3]] == [
        (READOUT_OF, "single", True),
        ("thermometer", "bind", False),
    ]
    assert [method.settings.seed for method in found[1:]] == [0, 0, 1, 1]


def test_nothing_is_computed_twice() -> None:
    found = list(planned([READOUT_OF], [500], Settings(mode="single"), 1))
    assert [method.readouts for method in found] == [False, True]


@pytest.mark.parametrize(("asked", "tried"), [([500, 9000], (500,)), ([8000, 9000], (8000,)), ([500], (500,))])
def test_what_is_slow_to_train_is_tried_at_short_vectors(asked: list[int], tried: tuple[int, ...]) -> None:
    *_, slow = planned(["learned-sgd"], asked, Settings(), 1)
    assert slow.dimensions == tried and slow.settings.dimension == tried[-1]


def test_a_method_travels_as_plain_data() -> None:
    for method in planned(["gray"], [500], Settings(), 1):
        assert Method.of(method.facts()) == method


@pytest.mark.parametrize(("mode", "values"), [("spatial", 100), ("single", 4300), ("bind", 100)])
def test_codes_get_as_many_levels_as_fit(mode: str, values: int) -> None:
    method = Method("thermometer", Settings(mode=mode), (10, 1000, 1040, 20000))
    found = [(settings.levels, sizes) for settings, sizes in lengths(method, 100, 43)]
    expected = [2, 10, 200] if values == 100 else [2, 5]
    assert found == [(levels, (values * levels,)) for levels in expected]


def test_embeddings_by_name() -> None:
    assert names("all") == list(EMBEDDINGS)
    assert names("gray, thermometer") == ["gray", "thermometer"]
    with pytest.raises(UserError, match="did you mean 'thermometer'"):
        names("thermometre")

"""Which samples are shown, and what is said of them."""

import numpy as np

from quant.training.examples import examples, recorded


def test_first_right_and_first_wrong_of_every_class() -> None:
    x = np.arange(14, dtype=np.float32).reshape(7, 1, 2)
    true = np.array([2, 0, 2, 0, 0, 2, 4])
    int8 = np.array([2, 1, 2, 0, 0, 4, 0])  # class 0: wrong first; class 2: both; class 4: never right; 1 and 3 absent
    floating = np.array([2, 0, 0, 0, 0, 2, 4])
    assert examples(x, true, floating, int8) == [
        {"index": 3, "values": [6.0, 7.0], "true": 0, "float": 0, "int8": 0},
        {"index": 1, "values": [2.0, 3.0], "true": 0, "float": 0, "int8": 1},
        {"index": 0, "values": [0.0, 1.0], "true": 2, "float": 2, "int8": 2},
        {"index": 5, "values": [10.0, 11.0], "true": 2, "float": 2, "int8": 4},
        {"index": 6, "values": [12.0, 13.0], "true": 4, "float": 4, "int8": 0},
    ]


def test_recorded_values_are_flat_per_channel_and_short() -> None:
    third = np.float32(1 / 3)
    assert recorded(np.full((1, 3), third)) == [0.3333] * 3
    assert recorded(np.full(2, third)) == [0.3333] * 2
    assert recorded(np.full((1, 3, 2), third)) == [[0.3333] * 2] * 3
    assert recorded(np.full((2, 2, 1), third)) == [[0.3333] * 2] * 2

import numpy as np
import pytest

from quant.hd.memory import ClassMemory, majority, tie_bits


def samples(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (count, dimension)).astype(bool)


def test_majority_counts_bit_by_bit() -> None:
    x = samples(7, 50)
    assert np.array_equal(majority(x, tie_bits(0, 50)), x.sum(axis=0) > 3)


def test_ties_take_the_seeded_bits() -> None:
    ones, zeros = np.ones((1, 100), bool), np.zeros((1, 100), bool)
    ties = tie_bits(7, 100)
    assert np.array_equal(majority(np.concatenate([ones, zeros]), ties), ties)
    assert 30 < np.count_nonzero(ties) < 70
    assert not np.array_equal(ties, tie_bits(8, 100))


@pytest.mark.parametrize("dimension", [1, 31, 32, 33, 64, 100, 1000])
def test_distances_for_any_number_of_bits(dimension: int) -> None:
    x, y = samples(9, dimension), np.arange(9) % 3
    memory = ClassMemory.fit(x, y, 3)
    wanted = [[int((row != prototype).sum()) for prototype in memory.rows] for row in x]
    assert memory.distances(x).tolist() == wanted
    assert memory.predict(x).tolist() == np.argmin(wanted, axis=1).tolist()


def test_a_class_never_seen_is_never_the_nearest() -> None:
    x = samples(6, 40)
    memory = ClassMemory.fit(x, np.array([0, 2, 0, 2, 0, 2]), 4)
    far = ~memory.rows[[0, 2]]
    assert memory.distances(far)[:, [1, 3]].tolist() == [[41, 41]] * 2
    assert set(memory.predict(far)) <= {0, 2}


def test_two_centroids_find_both_halves_of_a_class() -> None:
    first, second, other = samples(3, 200, 1)
    noise = np.random.default_rng(2).random((30, 200)) < 0.05
    x = np.concatenate([np.tile(row, (10, 1)) for row in (first, second, other)]) ^ noise
    y = np.repeat([0, 0, 1], 10)
    memory = ClassMemory.fit(x, y, 2, centroids=2)
    assert memory.rows.shape == (4, 200)
    found = {row.tobytes() for row in memory.rows[:2]}
    assert found == {majority(x[:10], tie_bits(0, 200)).tobytes(), majority(x[10:20], tie_bits(0, 200)).tobytes()}
    assert (memory.distances(x).min(axis=1) < 30).all()


def test_two_centroids_of_equal_samples_are_equal() -> None:
    x = np.tile(samples(1, 40), (5, 1))
    memory = ClassMemory.fit(x, np.zeros(5, np.int64), 1, centroids=2)
    assert np.array_equal(memory.rows, x[:2])
    single = ClassMemory.fit(x[:1], np.zeros(1, np.int64), 1, centroids=2)
    assert np.array_equal(single.rows, x[:2])


def test_distances_between_rows() -> None:
    memory = ClassMemory.fit(samples(4, 70), np.arange(4), 4)
    between = memory.between()
    assert np.array_equal(between, between.T) and not between.diagonal().any()
    assert between[0, 1] == np.count_nonzero(memory.rows[0] != memory.rows[1])

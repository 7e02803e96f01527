import numpy as np
import pytest

from quant import splitmix
from quant.hd.modes import combine, key
from quant.hd.seeds import stream


def test_every_bands_key_begins_with_a_word_of_the_stream() -> None:
    seed = stream(3, "keys")
    assert np.array_equal(key(3, 70, 0), splitmix.bits(seed, 0, 70))
    assert np.array_equal(key(3, 70, 1), splitmix.bits(seed, 2, 70))


def test_streams_of_one_seed_differ() -> None:
    assert len({stream(5, purpose) for purpose in ("projection", "keys", "ties", "targets", "centroids")}) == 5


@pytest.mark.parametrize("bands", [1, 2, 5, 43])
def test_modes_as_defined(bands: int) -> None:
    x = np.random.default_rng(bands).integers(0, 2, (bands, 4, 33)).astype(bool)
    bound = combine("bind", iter(x), bands, 1)
    assert np.array_equal(bound, x.sum(axis=0) % 2 == 1)
    spatial = combine("spatial", iter(x), bands, 1)
    keyed = x ^ np.stack([key(1, 33, band) for band in range(bands)])[:, None]
    wanted = x[0] if bands == 1 else keyed.sum(axis=0) > bands // 2
    assert np.array_equal(spatial, wanted)

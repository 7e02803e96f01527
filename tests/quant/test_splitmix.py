"""SplitMix64 against published values, any word at once, and the same in C."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from quant.splitmix import bits, words
from tests.firmware.toolchain import compile_source, host_compiler

# The first outputs for two seeds, as published with implementations of SplitMix64 in many languages.
KNOWN = {
    1234567: [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821],
    0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F],
}


@pytest.mark.parametrize("seed", KNOWN)
def test_published_values(seed: int) -> None:
    assert words(seed, 0, len(KNOWN[seed])).tolist() == KNOWN[seed]


def test_any_word_at_once() -> None:
    assert np.array_equal(words(2**64 - 1, 1000, 5), words(2**64 - 1, 0, 1005)[1000:])


def test_bits_are_those_of_the_words() -> None:
    (first, second) = (int(word) for word in words(5, 7, 2))
    expected = [first >> i & 1 for i in range(64)] + [second >> i & 1 for i in range(6)]
    assert bits(5, 7, 70).tolist() == expected


def test_c_gives_the_same_words(tmp_path: Path) -> None:
    source = """#include "kernels/splitmix.h"
    unsigned long long word(unsigned long long seed, unsigned long long index);
    unsigned long long word(unsigned long long seed, unsigned long long index) {
        return ek_splitmix_word(seed, index);
    }"""
    (tmp_path / "word.c").write_text(source)
    compile_source(host_compiler("zig, sanitized"), tmp_path / "word.c", tmp_path / "word.so", "-shared", "-fPIC")
    library = ctypes.CDLL(str(tmp_path / "word.so"))
    library.word.restype, library.word.argtypes = ctypes.c_uint64, [ctypes.c_uint64] * 2
    for seed, index in ((0, 0), (1234567, 4), (2**64 - 1, 2**40)):
        assert library.word(seed, index) == int(words(seed, index, 1)[0])

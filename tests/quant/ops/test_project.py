"""Projections whose matrix follows from a seed: every form of rows, the matrix written out for ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Unsupported, UserError
from quant.graph import Tensor
from quant.interchange.expand import expanded, not_expandable
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import Project
from tests.quant.machines import check_op, graph_of

SEED = 0xFEDC_BA98_7654_3210
FORMS: tuple[tuple[Any, int], ...] = (("gaussian", 1), ("sparse", 1), ("sparse", 2), ("sparse", 10), ("sparse", 16))


def features(*shape: int) -> Tensor:
    return Tensor("x", shape, DType.S16)


@pytest.mark.parametrize(("distribution", "block"), FORMS)
@pytest.mark.parametrize("shape", [(16,), (70,), (33, 3)])
def test_machines_agree(distribution: Any, block: int, shape: tuple[int, ...]) -> None:
    check_op(Project(37, SEED, distribution, block), features(*shape))


@pytest.mark.parametrize("block", [17, 256, 257, 1000])
def test_wide_blocks(block: int) -> None:
    check_op(Project(9, 7, "sparse", block), features(1013))


@pytest.mark.parametrize("block", [2, 3, 10, 16, 17, 100, 257, 2048])
def test_a_sparse_row_has_one_entry_in_every_block(block: int) -> None:
    """Every place and both signs about equally often, independent of each other."""
    rows = Project(1, 1, "sparse", block).rows(2048, 0, 400)
    padded = np.pad(rows, ((0, 0), (0, -2048 % block))).reshape(400, -1, block)
    assert (np.count_nonzero(padded, axis=2) == 1).all()
    signs, places = padded.sum(axis=2), np.abs(padded).argmax(axis=2)
    full = places[:, : 2048 // block] / block
    n = full.size
    assert abs(signs.mean()) < 4 / np.sqrt(signs.size)
    assert abs(full.mean() - (block - 1) / (2 * block)) < 4 * 0.3 / np.sqrt(n)
    assert abs(np.corrcoef(full.ravel(), signs[:, : full.shape[1]].ravel())[0, 1]) < 4 / np.sqrt(n)


@pytest.mark.parametrize(("distribution", "block"), FORMS)
def test_rows_are_uncorrelated(distribution: Any, block: int) -> None:
    op = Project(1, SEED, distribution, block)
    products = op.rows(4000, 0, 60).astype(np.int64)
    gram = products @ products.T
    norm = 2.0 if distribution == "gaussian" else 1.0
    expected = norm * op.blocks(4000)
    assert np.abs(np.diag(gram) / expected - 1).max() < 0.15
    apart = gram[~np.eye(60, dtype=bool)]
    assert abs(apart.mean()) < 5 * expected / np.sqrt(4000 * apart.size)
    assert np.abs(apart).max() < 6 * norm * 4000**0.5


def test_gaussian_entries() -> None:
    """Binomial of eight fair bits: mean 0, variance 2, -4 to 4."""
    entries = Project(1, 3, "gaussian").rows(1000, 0, 200)
    assert abs(entries.mean()) < 0.02 and abs(entries.var() - 2) < 0.03
    assert (entries.min(), entries.max()) == (-4, 4)


def test_any_row_at_once() -> None:
    op = Project(1, SEED, "sparse", 7)
    assert np.array_equal(op.rows(100, 0, 50)[20:], op.rows(100, 20, 30))


def test_bits_do_not_depend_on_how_the_matrix_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    op, x = Project(100, 1, "sparse", 3), np.random.default_rng(0).integers(-9, 9, (4, 50))
    whole = op.bits(x, 2)
    monkeypatch.setattr("quant.ops.project.CHUNK", 50 * 7)
    assert np.array_equal(op.bits(x, 2), whole)


def test_a_sum_of_nothing_gives_ones() -> None:
    values: dict[str, NDArray] = {"x": np.zeros((1, 20), np.int16)}
    assert check_op(Project(40, 5), features(20), values=values).all()


@pytest.mark.parametrize(("density", "block"), [(1.0, 1), (0.5, 2), (0.1, 10), (0.01, 100), (0.3, 3), (1e-9, 500)])
def test_density(density: float, block: int) -> None:
    assert Project.sparse(10, 0, density, 500) == Project(10, 0, "sparse", block)


@pytest.mark.parametrize("density", [0.0, -0.1, 1.01, float("nan")])
def test_density_outside_its_range(density: float) -> None:
    with pytest.raises(Unsupported, match="density is"):
        Project.sparse(10, 0, density, 500)


def test_macs_are_entries() -> None:
    assert graph_of(Project(10_000, 1, "sparse", 10), features(10_879)).total_macs == 10_000 * 1088
    assert graph_of(Project(8, 1, "gaussian"), features(5, 3)).total_macs == 8 * 3 * 5


def test_the_file_holds_no_matrix() -> None:
    model = to_onnx(graph_of(Project(10_000, SEED, "sparse", 10), features(10_879)))
    assert model.ByteSize() < 2000
    assert from_onnx(model).nodes[0].op == Project(10_000, SEED, "sparse", 10)


def test_a_large_matrix_is_not_written_out() -> None:
    graph = graph_of(Project(1025, 1), features(4))
    reason = "the matrix of 'y' has 1,025 rows; it is written out up to 1,024"
    assert not_expandable(to_onnx(graph)) == reason
    with pytest.raises(Unsupported, match="1,025 rows"):
        expanded(to_onnx(graph))
    assert not_expandable(to_onnx(graph_of(Project(1024, 1), features(4)))) is None


def test_a_matrix_of_unknown_width_is_not_written_out() -> None:
    model = to_onnx(graph_of(Project(8, 1), features(4)))
    model.graph.input[0].name = "another"
    assert not_expandable(model) == "the shape of 'x' is not stated"


@pytest.mark.parametrize(
    ("op", "x", "words"),
    [
        (Project(8, 1), Tensor("x", (4,)), "input 'x' has type s8"),
        (Project(8, 1), features(4, 2, 2), "rank 3"),
        (Project(0, 1), features(4), "dimension is 0"),
        (Project(8, 1, "normal"), features(4), "distribution 'normal' does not exist"),  # type: ignore[arg-type]
        (Project(8, 1, "sparse", 5), features(4), "a block has 5 values\n  supported: 1..4"),
        (Project(8, 1, "sparse", 0), features(4), "a block has 0 values"),
        (Project(8, 1, "gaussian", 2), features(4), "a block has 2 values\n  supported: 1..1"),
        (Project(8, -1), features(4), "seed is -1"),
        (Project(8, 2**64), features(4), "seed is 18446744073709551616"),
        (Project(8, 1), features(65536), "a sum over 65536 values could leave int32"),
        (Project(8, 1, "sparse", 2), features(65536), "a sum over 65536 values"),
        (Project(8, 1, "gaussian"), features(16384), "a sum over 16384 values could leave int32"),
    ],
)
def test_refusals(op: Project, x: Tensor, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(op, x)
    assert words in str(caught.value)


def test_largest_sums_are_taken() -> None:
    graph_of(Project(8, 1), features(65535))
    graph_of(Project(8, 1, "gaussian"), features(16383))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda node: node.input.append("x"), "it has 2 inputs"),
        (
            lambda node: node.attribute.remove(next(a for a in node.attribute if a.name == "dimension")),
            "dimension is 0",
        ),
    ],
)
def test_damaged_models(change: Any, words: str) -> None:
    model = to_onnx(graph_of(Project(4, 1), features(4)))
    change(model.graph.node[0])
    with pytest.raises(UserError) as caught:
        from_onnx(model)
    assert words in str(caught.value)

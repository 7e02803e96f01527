"""Several entries that share constants and states: the host's C code equals the reference, call by call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from deploy.boards import load_board
from deploy.build import build_graph
from deploy.host import HostModel
from deploy.plan import make_plan
from deploy.status import MEANINGS, label_of
from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Entry, Graph, GraphBuilder, State
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import Accumulate, Count, Erase
from quant.reference import initial_states, run_sequence
from tests.quant.learning_models import CLASSES, FEATURES, learner

HOST, BOARD = load_board("host"), load_board("stm32l475")
DONE, NO_CLASS, FULL, NEVER, _ = range(len(MEANINGS))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HostModel:
    folder = tmp_path_factory.mktemp("learner") / "out"
    build_graph(learner(), HOST, folder)
    return HostModel(folder)


def test_a_random_life_equals_the_reference(model: HostModel) -> None:
    graph, rng = learner(), np.random.default_rng(0)
    states = initial_states(graph)
    model.reset()
    for entry in rng.choice(["classify", "learn", "learn", "forget"], 60):
        given = {"x": rng.integers(-128, 128, FEATURES), "label": rng.integers(-1, CLASSES + 1, 1)}
        inputs = {name: given[name] for name in graph.entry(entry).inputs}
        expected, states = run_sequence(graph, {n: v[None] for n, v in inputs.items()}, states, entry)
        _, found = model.call(entry, inputs)
        for name, value in found.items():
            np.testing.assert_array_equal(value, expected[name][0], err_msg=f"{entry}: {name}")
        for name, value in model.states().items():
            np.testing.assert_array_equal(value, states[name], err_msg=f"{entry}: {name}")


def test_selftest_runs_all_entries_and_leaves_nothing(model: HostModel) -> None:
    assert model.selftest()
    assert unchanged(model)


def unchanged(model: HostModel) -> bool:
    """Whether all states are as in the beginning."""
    return all(np.array_equal(model.states()[name], value) for name, value in initial_states(learner()).items())


def test_status(model: HostModel) -> None:
    x = np.arange(FEATURES)
    model.reset()

    def label(value: int) -> dict[str, np.ndarray]:
        return {"x": x, "label": np.array([value])}

    def status(entry: str, value: int = 0) -> int:
        return model.call(entry, label(value))[0]

    assert status("classify") == NEVER
    assert [status("learn", value) for value in (-1, CLASSES, 2**31 - 1)] == [NO_CLASS, FULL, FULL]
    assert unchanged(model)
    assert [status("forget", value) for value in (-5, CLASSES, 1)] == [NO_CLASS, FULL, NEVER]
    assert status("learn", 1) == DONE and status("learn", 1) == DONE and status("classify") == DONE
    _, found = model.call("classify", {"x": x})
    assert found["class"].tolist() == [1] and found["distance"].tolist() == [71, 0, 71]
    assert status("forget", 1) == DONE and status("forget", 1) == NEVER and status("classify") == NEVER


def test_a_file_holds_all_entries() -> None:
    graph = learner(storage="nvm")
    again = from_onnx(to_onnx(graph))
    assert (again.entries, again.tensors) == (graph.entries, graph.tensors)
    assert [state.outputs for state in again.states] == [state.outputs for state in graph.states]
    assert to_onnx(again).SerializeToString(deterministic=True) == to_onnx(graph).SerializeToString(deterministic=True)


def test_onnx_runtime_runs_an_entry_by_its_outputs() -> None:
    """Inputs that an entry does not take may hold anything."""
    graph, rng = learner(), np.random.default_rng(5)
    session = onnxruntime.InferenceSession(to_onnx(graph).SerializeToString(), providers=["CPUExecutionProvider"])
    states = initial_states(graph)
    for name in ("learn", "classify", "learn", "forget", "classify"):
        entry = graph.entry(name)
        given = {"x": rng.integers(-128, 128, (1, FEATURES)).astype(np.int8), "label": np.array([[2]], np.int32)}
        held = {past: value[None].astype(graph.tensors[past].dtype.numpy) for past, value in states.items()}
        wanted = [*entry.outputs, *graph.updates(entry).values()]
        expected, states = run_sequence(graph, {n: given[n] for n in entry.inputs}, states, name)
        for output, value in zip(wanted, session.run(wanted, given | held), strict=True):
            np.testing.assert_array_equal(value, expected[output], err_msg=f"{name}: {output}")


def test_constants_are_shared_and_states_are_written_in_place(tmp_path: Path) -> None:
    built = build_graph(learner(), HOST, tmp_path / "out")
    text = (tmp_path / "out" / "src" / "model_weights.h").read_text()
    assert text.count("static const int8_t layer_00_weight") == 1
    layers = {layer["name"]: layer["output"]["offset"] for layer in built.facts["layers"]}
    for state in built.facts["states"]:
        for form in ("learned", "forgotten"):
            assert layers[f"{state['name']}.{form}"] == state["offset"]
    facts = {entry["name"]: entry for entry in built.facts["entries"]}
    assert facts["learn"]["function"] == "learner_learn" and facts["learn"]["label"]["classes"] == CLASSES
    assert set(facts["classify"]["layers"]) & set(facts["learn"]["layers"]) == {"projected", "query"}


def sums(updates: tuple[str, ...] = (), also: bool = False) -> Graph:
    """int32 sums of int8 features; entry ``peek`` also looks at what the sums would become."""
    b = GraphBuilder("sums")
    memory, x = b.input("memory", (256, 4), DType.S32), b.input("x", (256,), zero_point=3)
    label = b.input("label", (1,), DType.S32)
    after = b.add("after", Accumulate.of(DType.S32, DType.S8), memory, x, label)
    counts = b.input("counts", (4,), DType.S16)
    b.state(State(memory, after, np.zeros((256, 4), np.int64)))
    b.state(State(counts, b.add("more", Count(100), counts, label), np.zeros(4, np.int64)))
    other = b.add("other", Erase(), after if also else counts, label)
    b.entry(Entry("learn", (x, label), ("more",), ("after", "more")))
    b.entry(Entry("peek", (x, label), (other,), updates))
    return b.build()


def test_sums_of_features_in_int32(tmp_path: Path) -> None:
    graph, rng = sums(), np.random.default_rng(3)
    build_graph(graph, HOST, tmp_path / "out")
    model, states = HostModel(tmp_path / "out"), initial_states(graph)
    assert model.selftest()
    for at in (0, 3, 3, 1):
        inputs = {"x": rng.integers(-128, 128, 256), "label": np.array([at])}
        _, states = run_sequence(graph, {n: v[None] for n, v in inputs.items()}, states, "learn")
        model.call("learn", inputs)
    for name, value in model.states().items():
        np.testing.assert_array_equal(value, states[name])
    label = label_of(graph, graph.entry("learn"))
    assert label is not None and (label.tensor, label.classes) == ("label", 4)


def test_an_entry_that_would_write_a_state_by_the_way_is_refused() -> None:
    with pytest.raises(UserError, match=r"(?s)state 'memory'.*entry 'peek' computes 'after' without writing it"):
        make_plan(sums(also=True), BOARD)
    assert make_plan(sums(("after",), also=True), BOARD).arena.size > 256 * 4 * 4

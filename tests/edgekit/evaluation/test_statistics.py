"""What many trainings say together, on a case that can be done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.evaluation import tables
from edgekit.evaluation.statistics import FLOAT, FLOOR, Run, summary

INT8 = "int8 faithful"


def run(group: str, seed: int | None, subjects: list[int], **predictions: list[int]) -> Run:
    """Every label is 1: a prediction of 1 is a hit."""
    names = {"float": FLOAT, "int8": INT8, "floor": FLOOR}
    result = {
        "split": f"split of {group}",
        "held": 0,
        "labels": [1] * len(subjects),
        "subjects": subjects,
        "predictions": {names[name]: labels for name, labels in predictions.items()},
    }
    return Run.of(group, seed, result)


RUNS = [
    run("fold 1", None, [1, 1, 2, 2], floor=[1, 0, 0, 0]),
    run("fold 2", None, [3, 3, 3, 3], floor=[1, 1, 1, 0]),
    run("fold 1", 0, [1, 1, 2, 2], float=[1, 1, 1, 1], int8=[1, 1, 1, 0]),
    run("fold 1", 1, [1, 1, 2, 2], float=[1, 1, 0, 0], int8=[1, 1, 0, 1]),
    run("fold 2", 0, [3, 3, 3, 3], float=[1, 0, 0, 0], int8=[1, 0, 0, 0]),
    run("fold 2", 1, [3, 3, 3, 3], float=[1, 1, 1, 0], int8=[1, 1, 1, 0]),
]


def test_means_and_spreads() -> None:
    found = summary(RUNS)
    assert found["methods"] == [FLOOR, FLOAT, INT8]
    assert found["overall"][FLOAT] == pytest.approx(
        {"mean": 0.625, "std": np.std([1, 0.5, 0.25, 0.75], ddof=1), "count": 4, "seed_std": 0.0}
    )
    assert found["overall"][FLOOR] == {"mean": 0.5, "std": np.std([0.25, 0.75], ddof=1), "count": 2, "seed_std": None}
    assert found["overall"][INT8]["seed_std"] == pytest.approx(np.std([0.5, 0.75], ddof=1))
    assert [group["trials"] for group in found["groups"]] == [4, 4]
    assert found["groups"][0]["accuracy"][FLOOR] == {"mean": 0.25, "std": None, "count": 1}


def test_differences_are_taken_in_pairs() -> None:
    found = summary(RUNS)["paired"]
    assert set(found) == {INT8}
    assert found[INT8]["mean"] == 0.0 and found[INT8]["std"] == pytest.approx(np.std([-0.25, 0.25, 0, 0], ddof=1))
    assert (found[INT8]["lowest"], found[INT8]["highest"], found[INT8]["count"]) == (-0.25, 0.25, 4)
    assert found[INT8]["agreement"] == pytest.approx((0.75 + 0.75 + 1 + 1) / 4)


def test_subjects_gather_all_their_trials_and_seeds() -> None:
    first, second, third = summary(RUNS)["subjects"]
    assert (first["subject"], first["accuracy"]) == (1, {FLOOR: 0.5, FLOAT: 1.0, INT8: 1.0})
    assert second["accuracy"] == {FLOOR: 0.0, FLOAT: 0.5, INT8: 0.5}
    assert third["accuracy"][FLOAT] == 0.5


def test_tables_show_every_row_and_no_number_that_does_not_exist() -> None:
    text = tables.markdown("EEGNet on paper", "edgekit evaluate eegnet", ["A note."], summary(RUNS))
    lines = text.splitlines()
    assert lines[:7] == ["### EEGNet on paper", "", "A note.", "", "```", "edgekit evaluate eegnet", "```"]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0] == ["", "trials", "CSP + LDA, %", "float, %", "int8 faithful, %"]
    assert cells[2] == ["fold 1", "4", "25.00", "75.00 ± 35.36", "75.00 ± 0.00"]
    assert cells[4] == ["all runs", "8", "50.00 ± 35.36", "62.50 ± 32.27", "62.50 ± 25.00"]
    assert cells[5] == ["spread of the seeds' means", "", "-", "± 0.00", "± 17.68"]
    assert cells[6] == ["minus float, in pairs", "", "-", "-", "+0.00 ± 20.41"]
    assert cells[7] == ["same label as float, %", "", "-", "-", "87.50"]
    assert len({len(line) for line in lines if line.startswith("|")}) == 1


def test_one_run_has_no_spread() -> None:
    columns, rows = tables.rows(summary([RUNS[2]]))
    assert [row[2:] for row in rows] == [["100.00", "75.00"]] * 2 + [["-", "-25.00"], ["-", "75.00"]]
    assert columns == ["", "trials", "float, %", "int8 faithful, %"]


def test_trials_held_out_of_training_are_kept_apart() -> None:
    result = {"split": "s", "held": 1, "labels": [1, 0, 0], "subjects": [7, 8, 9], "predictions": {FLOAT: [1, 1, 0]}}
    assert Run.of("g", 0, result).accuracy(FLOAT) == 0.5
    assert Run.of("g", 0, result).subjects.tolist() == [8, 9]
    assert Run.of("g", 0, result, held=True).accuracy(FLOAT) == 1.0

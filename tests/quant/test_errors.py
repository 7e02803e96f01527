"""What users read when an input cannot be used."""

from __future__ import annotations

from quant.errors import Problem, UserError, unknown


def test_a_problem_tells_what_where_what_is_supported_and_what_to_do() -> None:
    text = str(Problem("attribute axis = 0", "node 'cat'", "axis 1", "transpose first"))
    assert text == "node 'cat': attribute axis = 0\n  supported: axis 1\n  what to do: transpose first"
    assert str(Problem("no file")) == "no file"


def test_an_error_carries_all_problems() -> None:
    error = UserError([Problem("a", "x"), Problem("b", "y", fix="c")])
    assert str(error) == "x: a\ny: b\n  what to do: c" and len(error.problems) == 2
    assert UserError(Problem("a")).problems == [Problem("a")]


def test_unknown_names_suggest_the_nearest() -> None:
    assert "did you mean 'stm32l475'?" in str(unknown("board", "stm32l457", ["host", "stm32l475"]))
    assert "choose one of: host, stm32l475" in str(unknown("board", "zzz", ["stm32l475", "host"]))

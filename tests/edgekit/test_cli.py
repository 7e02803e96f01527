"""The command line itself: help, lists, names, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgekit import __version__, cli
from edgekit.verbs import boards, models
from quant.errors import UserError


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help_with_examples_of_itself(edgekit: Any, verb: str) -> None:
    code, out, _ = edgekit(verb, "--help")
    assert code == 0
    assert f"edgekit {verb}" in out.split("examples:")[1]


def test_no_verb_prints_the_help(edgekit: Any) -> None:
    code, out, _ = edgekit()
    assert code == 0
    assert all(verb in out for verb in cli.VERBS)


def test_version(edgekit: Any) -> None:
    assert edgekit("--version") == (0, f"{__version__}\n", "")


def test_unknown_verb_lists_the_verbs(edgekit: Any) -> None:
    code, _, err = edgekit("trian")
    assert code == 2
    assert "train" in err


@pytest.mark.parametrize("verb", ["boards", "models", "datasets", "ops", "doctor"])
def test_json_is_all_there_is_on_standard_output(edgekit: Any, verb: str) -> None:
    code, out, _ = edgekit(verb, "--json")
    assert code == 0
    assert json.loads(out)


def test_boards_and_models_show_sizes(edgekit: Any) -> None:
    assert "1024 KB" in edgekit("boards")[1]
    assert "RM0351" in edgekit("boards", "stm32l475")[1]
    out = edgekit("models")[1]
    assert "14,641" in out
    assert "979,440" in out


def test_ops_shows_kernels_by_target(edgekit: Any) -> None:
    facts = json.loads(edgekit("ops", "--json")[1])
    conv = next(fact for fact in facts if fact["op"] == "conv")
    assert "conv" in conv["kernels"]["host"]
    assert set(conv["kernels"]["host"]) < set(conv["kernels"]["cortex-m"])
    only = json.loads(edgekit("ops", "--target", "cortex-m", "--json")[1])
    assert all(list(fact["kernels"]) == ["cortex-m"] for fact in only)


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("boards", "stm32l457"), "stm32l475"),
        (("ops", "--target", "cortexm"), "cortex-m"),
        (("train", "ecg-tnc"), "ecg-tcn"),
        (("train", "ecg-tcn", "--preset", "int8-pto"), "int8-pot"),
        (("run", "ecgtcn", "--board", "stm32l475"), "ecg-tcn"),
        (("run", "ecg-tcn", "--board", "stm32l4"), "stm32l475"),
        (("run", "ecg-tcn", "--board", "stm32l475", "--compiler", "gc"), "gcc"),
        (("build", "model.onnx", "--board", "stm32l", "--out", "never"), "stm32l475"),
    ],
)
def test_unknown_names_suggest_the_nearest(
    edgekit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], nearest: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = edgekit(*words)
    assert (code, out) == (2, "")
    assert f"did you mean '{nearest}'?" in err
    assert list(tmp_path.iterdir()) == []


def test_run_refuses_a_board_without_price(edgekit: Any, tmp_path: Path) -> None:
    code, _, err = edgekit("run", "ecg-tcn", "--board", "host", "--out", tmp_path / "run")
    assert code == 2
    assert "stm32l475" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("value", ["0", "-3", "many"])
def test_counts_are_positive_numbers(edgekit: Any, value: str) -> None:
    code, _, err = edgekit("run", "ecg-tcn", "--board", "stm32l475", "--beats", value)
    assert code == 2
    assert "--beats" in err


def test_every_problem_is_printed_without_traceback(edgekit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from quant.errors import Problem

    def fail(*_: object) -> None:
        raise UserError([Problem("first", "here", "this", "do that"), Problem("second", "there")])

    monkeypatch.setattr(boards, "run", fail)
    code, out, err = edgekit("boards")
    assert (code, out) == (2, "")
    assert err == "edgekit: here: first\n  supported: this\n  what to do: do that\nedgekit: there: second\n"


def test_interrupt_names_resume_where_it_exists(edgekit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from edgekit import training

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "load_data", interrupt)
    monkeypatch.setattr(models, "run", interrupt)
    code, _, err = edgekit("train", "ecg-tcn", "--out", tmp_path / "run")
    assert code == 130
    assert "--resume" in err
    assert edgekit("models") == (130, "", "edgekit: interrupted\n")


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)
sys.meta_path.insert(0, Absent())
sys.path.append({root!r})
from edgekit.cli import main
sys.exit(main({words!r}))
"""


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        (("train", "ecg-tcn"), "torch", "train"),
        (("quantize", "runs/none"), "torch", "train"),
        (("run", "ecg-tcn", "--board", "stm32l475"), "torch", "train"),
        (("run", "ecg-tcn", "--board", "stm32l475"), "unicorn", "emulate"),
        (("emulate", "FIRMWARE"), "unicorn", "emulate"),
    ],
)
def test_missing_package_names_the_extra(
    tmp_path: Path, firmware: Path, words: tuple[str, ...], package: str, extra: str
) -> None:
    given = [str(firmware) if word == "FIRMWARE" else word for word in words]
    code = WITHOUT.format(package=package, words=given, root=str(Path(cli.__file__).parents[1]))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"'{package}' is not installed" in done.stderr
    assert f"pip install 'edgekit[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_bug_keeps_its_traceback(edgekit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'quant.nowhere'", name="quant.nowhere")

    monkeypatch.setattr(boards, "run", fail)
    with pytest.raises(ModuleNotFoundError):
        edgekit("boards")


def test_no_color_without_terminal_and_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m edgekit boards"
    text = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    done = subprocess.run(f"{command} | true", shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr

"""``edgekit report`` and the reports that it refuses."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.page.render import render
from tests.edgekit.page.sample import priced_without_data, sample


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run folder with a report."""
    (tmp_path / "report.json").write_text(json.dumps(sample()))
    return tmp_path


def test_it_writes_the_page_next_to_the_report(edgekit: Any, finished: Path) -> None:
    page = finished / "report.html"
    assert edgekit("report", finished) == (0, f"page: {page}\n", "")
    assert page.read_text(encoding="utf-8") == render(sample())
    code, out, _ = edgekit("report", finished, "--json")
    assert (code, json.loads(out)) == (0, {"page": str(page)})
    assert sorted(path.name for path in finished.iterdir()) == ["report.html", "report.json"]


def test_it_opens_the_page(edgekit: Any, finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def browser(address: str) -> bool:
        opened.append(address)
        return False

    monkeypatch.setattr(webbrowser, "open", browser)
    code, _, err = edgekit("report", finished, "--open")
    assert code == 0
    assert opened == [(finished / "report.html").as_uri()]
    assert "found no browser" in err


def change(**values: Any) -> Callable[[], str]:
    return lambda: json.dumps(sample() | values)


def without(*path: str) -> Callable[[], str]:
    def text() -> str:
        report = section = sample()
        for key in path[:-1]:
            section = section[key]
        del section[path[-1]]
        return json.dumps(report)

    return text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda: "{", "cannot be read as JSON"),
        (lambda: "[]", "it has format None"),
        (change(format=1), "it has format 1\n  supported: format 2\n"),
        (without("cost", "energy_mj"), "it lacks cost.energy_mj\n"),
        (without("power", "source"), "it lacks power.source\n"),
        (change(layers=[]), "it lacks layers\n"),
        (change(duty=5, layers=[{}]), "it lacks duty, layers[0].name, "),
        (without("classes"), "it lacks classes\n"),
    ],
)
def test_what_cannot_become_a_page_is_refused(edgekit: Any, tmp_path: Path, text: Callable[[], str], said: str) -> None:
    (tmp_path / "report.json").write_text(text())
    code, out, err = edgekit("report", tmp_path)
    assert (code, out) == (2, "")
    assert said in err
    assert "what to do: 'edgekit run ... --resume'" in err
    assert not (tmp_path / "report.html").exists()


def test_a_folder_without_report_is_refused_and_left_alone(edgekit: Any, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        code, _, err = edgekit("report", folder)
        assert code == 2
        assert "it holds no report.json" in err
    assert list(tmp_path.iterdir()) == []


def test_a_report_without_data_is_complete(edgekit: Any, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(priced_without_data()))
    assert edgekit("report", tmp_path)[0] == 0

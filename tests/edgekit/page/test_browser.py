"""The page in a real browser, where one is installed: it is laid out, and never wider than the window."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from edgekit.page.render import render
from tests.edgekit import cluster
from tests.edgekit.page.eeg_sample import eeg_report
from tests.edgekit.page.sample import sample

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# A headless window is never narrower than 500 pixels, a frame is. What it measures becomes an attribute of the dump.
FRAME = """<!DOCTYPE html><body>
<iframe width="{width}" height="800" style="border: 0" srcdoc="{page}" onload="measure(this.contentDocument)"></iframe>
<script>
function measure(page) {{
  const root = page.documentElement, width = (query) => page.querySelector(query).getBoundingClientRect().width;
  document.body.dataset.measured = JSON.stringify({{
    window: root.clientWidth, page: root.scrollWidth, height: root.scrollHeight,
    heads: [...page.querySelectorAll("svg.scalp")].map((head) => head.getBoundingClientRect().width),
    map: width("svg.map"), table: width("table.layers"), bar: width(".total svg"), execute: width(".total rect"),
  }});
}}
</script></body>"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")


def measured(folder: Path, width: int, report: dict[str, Any]) -> dict[str, Any]:
    """Sizes in CSS pixels in a window of this width."""
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width, page=escape(render(report))), encoding="utf-8")
    words = [BROWSER, *QUIET, f"--user-data-dir={folder / 'profile'}", "--dump-dom", frame.as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'data-measured="([^"]*)"', done.stdout)
    assert found, done.stdout[-500:] + done.stderr
    return json.loads(unescape(found[1]))


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(("kind", "map_width"), [("microcontroller", 900), ("cluster", 350)])
def test_the_page_is_as_wide_as_the_window_and_drawn(tmp_path: Path, width: int, kind: str, map_width: int) -> None:
    report = cluster.report() if kind == "cluster" else sample()
    sizes = measured(tmp_path, width, report)
    assert sizes["window"] == sizes["page"] == width
    assert sizes["height"] > 3_000
    assert sizes["table"] > 900  # legible at any width: what does not fit scrolls inside the page
    assert sizes["map"] > map_width
    stalls = report["cost"]["stalls"]
    assert sizes["execute"] / sizes["bar"] == pytest.approx(stalls["execute"] / sum(stalls.values()), abs=0.01)


@pytest.mark.parametrize(("width", "least", "most"), [(360, 120, 160), (1280, 90, 130)])
def test_scalp_maps_lie_in_pairs_under_their_curve(tmp_path: Path, width: int, least: int, most: int) -> None:
    sizes = measured(tmp_path, width, eeg_report())
    assert sizes["window"] == sizes["page"] == width
    assert len(sizes["heads"]) == 16
    assert least < min(sizes["heads"]) and max(sizes["heads"]) < most

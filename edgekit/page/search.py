"""The page of ``edgekit sweep``: accuracy against latency and energy on every board, and the figures as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from edgekit.page import charts
from edgekit.page.comparison import MARGIN, logarithmic, ticks
from edgekit.page.figures import percent, rounded
from edgekit.page.render import environment
from edgekit.search.results import METRICS

WIDTH, HEIGHT = 720.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 32.0, 24.0, 48.0  # of the plot
AXES = {"latency": "latency, ms", "energy": "energy, mJ"}
PACE = (0.5, 1, 2, 5, 10, 20)  # percent between two ticks
LINES = 6  # so many ticks at most

Row = Mapping[str, Any]


def render(found: Mapping[str, Any], title: str, command: str, notes: Sequence[str]) -> str:
    """One HTML page that needs no other file.

    Args:
        found: of :func:`edgekit.search.results.report`.
    """
    rows, method = found["configurations"], found["method"]
    boards = list(rows[0]["boards"])
    pictures = [
        (board, [drawn for metric in METRICS if (drawn := picture(rows, method, board, metric))]) for board in boards
    ]
    template = environment().get_template("search.html.j2")
    return template.render(
        found=found, rows=rows, boards=boards, pictures=pictures, title=title, command=command, notes=notes
    )


def picture(rows: Sequence[Row], method: str, board: str, metric: str) -> Markup:
    """Every configuration that runs on ``board`` as a point with its number; the front is a line.

    Empty where none runs on it.
    """
    able = [(n, row) for n, row in enumerate(rows, 1) if not row["boards"][board]["problem"]]
    if not able:
        return Markup("")
    costs = [row["boards"][board]["cost"][METRICS[metric]] for _, row in able]
    gains = [row["validation"][method]["mean"] for _, row in able]
    x = logarithmic(costs, LEFT, WIDTH - RIGHT)
    lines = levels(min(gains), max(gains))
    y = _linear(lines[0], lines[-1], HEIGHT - BOTTOM, TOP)
    label = f"accuracy against {metric} of {len(able)} configurations on {board}"
    svg = charts.drawing("scatter", label, viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}")
    for value in ticks(min(costs) / MARGIN, max(costs) * MARGIN):
        charts.shape(svg, "line", kind="grid", x1=x(value), x2=x(value), y1=TOP, y2=HEIGHT - BOTTOM)
        charts.text(svg, f"{value:g}", kind="tick", x=x(value), y=HEIGHT - BOTTOM + 18, text_anchor="middle")
    for value in lines:
        charts.shape(svg, "line", kind="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y(value), y2=y(value))
        charts.text(svg, f"{100 * value:g}", kind="tick", x=LEFT - 8, y=y(value) + 4, text_anchor="end")
    charts.text(svg, AXES[metric], kind="axis", x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 8, text_anchor="middle")
    charts.text(svg, "accuracy on held-out trials, %", kind="axis", x=8, y=TOP - 10)
    fronts = [metric in row["boards"][board]["front"] for _, row in able]
    worth = sorted((cost, gain) for cost, gain, ahead in zip(costs, gains, fronts, strict=True) if ahead)
    charts.shape(svg, "polyline", kind="front", points=" ".join(f"{x(cost)},{y(gain)}" for cost, gain in worth))
    for (n, row), cost, gain, ahead in zip(able, costs, gains, fronts, strict=True):
        tooltip = f"{row['label']}: {percent(gain)}, {rounded(cost)} {AXES[metric].split()[-1]}"
        kind = "point" if ahead else "beaten"
        charts.shape(svg, "circle", tooltip, kind=kind, cx=x(cost), cy=y(gain), r=5)
        charts.text(svg, str(n), kind="label", x=x(cost) + 8, y=y(gain) - 6)
    return charts.markup(svg)


def levels(low: float, high: float) -> list[float]:
    """Shares around ``low`` and ``high`` at an even pace, at least two."""
    for pace in PACE:
        first, last = int(100 * low // pace), int(-(-100 * high // pace))
        last = max(last, first + 1)
        if last - first < LINES:
            break
    return [pace * step / 100 for step in range(first, last + 1)]


def _linear(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: round(start + (end - start) * (value - low) / (high - low), 2)

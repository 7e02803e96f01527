"""Frequency responses of temporal filters: magnitude in dB, relative to the strongest frequency."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgekit.page.charts import drawing, markup, shape, text
from edgekit.page.figures import MINUS

LEFT, RIGHT, TOP, BOTTOM = 34.0, 10.0, 16.0, 34.0  # margins, in units of the picture
WIDTH, HEIGHT = 300.0, 170.0
POINTS = 512  # of the transform: taps and zeros
FLOOR, LINE = -40.0, 20.0  # lowest value shown and distance of the lines, dB
STEPS = (0.1, 1, 2, 5, 10, 20, 25, 50, 100, 200, 500)  # Hz between ticks
MOST_TICKS = 6
BANDS = (("µ", "mu", 8.0, 13.0), ("β", "beta", 13.0, 30.0))  # rhythms of motor imagery: name, style, from, to, Hz


def response(taps: Sequence[float]) -> NDArray[np.float64] | None:
    """|H| in dB relative to its maximum at POINTS / 2 + 1 frequencies from 0 to fs / 2, not below FLOOR.

    None where all taps are zero.
    """
    magnitude = np.abs(np.fft.rfft(taps, max(POINTS, len(taps))))
    if not magnitude.any():
        return None
    return 20 * np.log10(np.maximum(magnitude / magnitude.max(), 10 ** (FLOOR / 20)))


def strongest(taps: Sequence[float], fs: float | None) -> str:
    """Where |H| is largest, in words; without ``fs`` as a share of the sampling rate."""
    values = response(taps)
    if values is None:
        return "all taps are zero"
    share = int(values.argmax()) / (2 * (len(values) - 1))
    return f"{share:.3f} fs" if fs is None else f"{share * fs:.1f} Hz"


def response_plot(filters: Sequence[Sequence[float]], fs: float | None, label: str) -> Markup:
    """One line per filter over 0 to fs / 2, with the rhythms of motor imagery behind them where ``fs`` is known."""
    half = 0.5 if fs is None else fs / 2
    words = " and ".join(strongest(taps, fs) for taps in filters)
    svg = drawing("response", f"{label}: strongest at {words}", viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}")
    if fs is not None:
        _bands(svg, half)
    _axes(svg, half, "frequency / sampling rate" if fs is None else "Hz")
    for taps in filters:
        values = response(taps)
        if values is not None:
            frequencies = np.linspace(0, half, len(values))
            points = (f"{_x(f, half):.1f},{_y(v):.1f}" for f, v in zip(frequencies, values, strict=True))
            shape(svg, "polyline", points=" ".join(points))
    return markup(svg)


def ticks(half: float) -> list[float]:
    """Round frequencies from 0 to ``half``."""
    step = next((step for step in STEPS if half / step < MOST_TICKS), STEPS[-1])
    return [step * number for number in range(int(half / step + 1e-9) + 1)]


def _x(frequency: float, half: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * frequency / half


def _y(decibels: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * decibels / FLOOR


def _bands(svg: ET.Element, half: float) -> None:
    for name, style, low, high in BANDS:
        if low < half:
            start, end = _x(low, half), _x(min(high, half), half)
            box = {"x": f"{start:.1f}", "y": f"{TOP:g}", "width": f"{end - start:.1f}"}
            shape(svg, "rect", f"{name}: {low:g} to {high:g} Hz", kind=style, height=f"{_y(FLOOR) - TOP:g}", **box)
            text(svg, name, x=f"{(start + end) / 2:.1f}", y=TOP - 4, text_anchor="middle")


def _axes(svg: ET.Element, half: float, unit: str) -> None:
    for decibels in np.arange(0, FLOOR - 1, -LINE):
        y = _y(decibels)
        shape(svg, "line", kind="grid", x1=f"{LEFT:g}", x2=f"{WIDTH - RIGHT:g}", y1=f"{y:g}", y2=f"{y:g}")
        words = f"{MINUS}{-decibels:g}" if decibels else "0 dB"
        text(svg, words, x=LEFT - 6, y=f"{y + 4:g}", text_anchor="end")
    for frequency in ticks(half):
        text(svg, f"{frequency:g}", x=f"{_x(frequency, half):.1f}", y=HEIGHT - BOTTOM + 15, text_anchor="middle")
    text(svg, unit, x=WIDTH - RIGHT, y=HEIGHT - 4, text_anchor="end")

"""List the data sets, where each is read from on this machine, and what of a recording a network may be shown."""

from __future__ import annotations

import argparse
import os

from edgekit.screen import Screen, table
from quant.datasets import DATASETS, Source
from quant.datasets.cache import cache_folder
from quant.datasets.excerpt import DESCRIPTION, EXCERPTS, Excerpt

EXAMPLES = ("edgekit datasets", "EDGEKIT_DATA=/my/data edgekit datasets")


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace, screen: Screen) -> int:
    folder = os.environ.get("EDGEKIT_DATA")
    place = f"EDGEKIT_DATA = {folder}" if folder else f"downloaded once into {cache_folder()}"
    facts = [
        {
            "name": source.name,
            "description": source.description,
            "origin": source.origin,
            "excerpt": source.default.excerpt,
            "protocol": source.default.protocol,
        }
        for source in DATASETS.values()
    ]
    rows = [(source.name, source.description, source.origin, split(source)) for source in DATASETS.values()]
    views = {name: words(view) for name, view in EXCERPTS.items()}
    screen.show(
        {"datasets": facts, "excerpts": views, "from": place},
        table(("data set", "what it is", "origin", "by default"), rows),
        "",
        table(("excerpt of EEG", "what of a trial"), [*views.items(), ("38ch-ds3-1s ...", DESCRIPTION)]),
        "",
        place,
    )
    return 0


def split(source: Source) -> str:
    """Excerpt and protocol that are taken where nothing else is asked for."""
    default = source.default
    return "fixed split" if default.protocol is None else f"{default.excerpt}, {default.protocol}"


def words(view: Excerpt) -> str:
    """An excerpt in words."""
    parts = [f"{view.electrodes} electrodes"] if view.electrodes else []
    since = f"{view.start:g} s after the cue" if view.start else "the cue"
    parts += [f"{view.seconds:g} s from {since} on"] if view.seconds else []
    parts += ["every 3rd sample" if view.divisor == 3 else "every 2nd sample"] if view.divisor > 1 else []
    parts += [f"resampled to {view.rate_hz:g} Hz"] if view.rate_hz else []
    return ", ".join(parts) or "all of it"

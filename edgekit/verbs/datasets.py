"""List the data sets, and where each is read from on this machine."""

from __future__ import annotations

import argparse
import os

from edgekit.screen import Screen, table
from quant.datasets import DATASETS
from quant.datasets.cache import cache_folder

EXAMPLES = ("edgekit datasets", "EDGEKIT_DATA=/my/data edgekit datasets")


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace, screen: Screen) -> int:
    folder = os.environ.get("EDGEKIT_DATA")
    place = f"EDGEKIT_DATA = {folder}" if folder else f"downloaded once into {cache_folder()}"
    facts = [
        {"name": source.name, "description": source.description, "origin": source.origin}
        for source in DATASETS.values()
    ]
    rows = [(fact["name"], fact["description"], fact["origin"]) for fact in facts]
    screen.show({"datasets": facts, "from": place}, table(("data set", "what it is", "origin"), rows), "", place)
    return 0

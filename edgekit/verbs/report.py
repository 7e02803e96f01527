"""Write report.html of a run again, from its report.json: one page that needs no other file and no network."""

from __future__ import annotations

import argparse
import json
import webbrowser
from pathlib import Path
from typing import Any

from edgekit.pipeline import PAGE, REPORT
from edgekit.screen import Screen
from quant.errors import Problem, UserError

EXAMPLES = ("edgekit report runs/ecg", "edgekit report runs/ecg --open")
AGAIN = "'edgekit run ... --resume' writes it again"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of 'edgekit run'; the page goes there too")
    parser.add_argument("--open", action="store_true", help="show the page in the browser")


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.page.render import render
    from quant.datasets.cache import write_atomic

    page = options.run / PAGE
    write_atomic(page, render(load(options.run / REPORT)).encode())
    if options.open and not webbrowser.open(page.resolve().as_uri()):
        screen.say(f"found no browser to open {page} with")
    screen.show({"page": str(page)}, f"page: {page}")
    return 0


def load(path: Path) -> dict[str, Any]:
    """A report that can become a page.

    Raises:
        UserError: absent, unreadable, of another format, or incomplete.
    """
    from edgekit.page.schema import FORMAT, missing

    if not path.is_file():
        fix = f"'edgekit run ... --out {path.parent}' writes it"
        raise UserError(Problem(f"it holds no {path.name}", f"run folder {path.parent}", fix=fix))
    try:
        report = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(Problem(f"it cannot be read as JSON: {error}", str(path), fix=AGAIN)) from error
    found = report.get("format") if isinstance(report, dict) else None
    if found != FORMAT:
        raise UserError(Problem(f"it has format {found}", str(path), f"format {FORMAT}", AGAIN))
    if lacks := missing(report):
        raise UserError(Problem(f"it lacks {', '.join(lacks)}", str(path), fix=AGAIN))
    return report

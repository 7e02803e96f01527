"""docs/data.md names every data set, excerpt, protocol and standardisation that there is."""

from pathlib import Path

from quant.datasets import DATASETS
from quant.datasets.excerpt import EXCERPTS
from quant.datasets.protocols import PROTOCOLS
from quant.datasets.standardize import METHODS

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_the_page_names_everything_that_can_be_chosen() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names = [*DATASETS, *EXCERPTS, *PROTOCOLS, "standardize channel", "`sample`", "`none`"]
    assert [name for name in names if name not in text] == [] and len(METHODS) == 3

"""What is compared: support vector machines, their read-outs in bits, and every embedding at every dimension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from quant.errors import unknown
from quant.hd.embeddings import EMBEDDINGS, embedding
from quant.hd.settings import Settings

ALL = "all"
READOUT_OF = "sparse-bipolar"  # the projection that binary support vector machines are published with
DIMENSIONS = (1000, 2000, 5000, 10000)
LONGEST = {"learned-sgd": 1000}  # bits: each is trained, and ten thousand of them take a minute per split


@dataclass(frozen=True)
class Method:
    """A support vector machine, or one embedding at several dimensions.

    Attributes:
        embedding: its name; None: an SVM on the features themselves.
        settings: of the embedding, at its largest dimension.
        dimensions: bits of a vector, ascending. Codes get as many levels as come closest; other embeddings are fitted
            once, at the largest dimension, and shorter vectors are the first bits of the longest.
        readouts: whether the SVM's read-outs in bits are tried, too, besides the majority of each class.
    """

    embedding: str | None = None
    settings: Settings | None = None
    dimensions: tuple[int, ...] = ()
    readouts: bool = False

    def facts(self) -> dict[str, Any]:
        """As plain data, for a job; :meth:`of` reads it."""
        return {**asdict(self), "dimensions": list(self.dimensions)}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Method:
        settings = None if facts["settings"] is None else Settings(**facts["settings"])
        return cls(facts["embedding"], settings, tuple(facts["dimensions"]), facts["readouts"])

    @property
    def title(self) -> str:
        if self.embedding is None or self.settings is None:
            return "SVM"
        return f"{self.embedding}, mode {self.settings.mode}, seed {self.settings.seed}"


def names(text: str) -> list[str]:
    """Of embeddings, from a list separated by commas, or ``all``.

    Raises:
        UserError: an unknown embedding.
    """
    if text == ALL:
        return list(EMBEDDINGS)
    found = [word.strip() for word in text.split(",") if word.strip()]
    for name in found:
        if name not in EMBEDDINGS:
            raise unknown("embedding", name, EMBEDDINGS)
    return found


def planned(chosen: Sequence[str], dimensions: Sequence[int], base: Settings, seeds: int) -> Iterator[Method]:
    """The SVM, its read-outs in bits, then the embeddings, with each seed.

    Read-outs see all features at once (mode ``single``), as published; embeddings see them as ``base.mode`` says. What
    is slow to train is left out above :data:`LONGEST`.
    """
    sizes = tuple(sorted(set(dimensions)))
    yield Method()
    for seed in range(seeds):
        own = replace(base, dimension=sizes[-1], seed=seed)
        yield Method(READOUT_OF, replace(own, mode="single"), sizes, readouts=True)
        for name in chosen:
            if name != READOUT_OF or own.mode != "single":
                able = tuple(size for size in sizes if size <= LONGEST.get(name, size)) or sizes[:1]
                yield Method(name, replace(own, dimension=able[-1]), able)


def lengths(method: Method, features: int, bands: int) -> Iterator[tuple[Settings, tuple[int, ...]]]:
    """What has to be fitted for samples of ``bands`` times ``features``, and the vectors' lengths that each fit has."""
    assert method.embedding is not None and method.settings is not None
    settings = method.settings
    if embedding(method.embedding).sizes != "levels":
        yield settings, method.dimensions
        return
    values = features * bands if settings.mode == "single" else features
    for levels in sorted({max(2, round(dimension / values)) for dimension in method.dimensions}):
        yield replace(settings, levels=levels), (values * levels,)

"""The embeddings by name."""

from __future__ import annotations

from quant.errors import unknown
from quant.hd.embedding import Embedding
from quant.hd.embeddings.codes import Gray, Thermometer

EMBEDDINGS: dict[str, type[Embedding]] = {kind.name: kind for kind in (Thermometer, Gray)}


def embedding(name: str) -> type[Embedding]:
    """The embedding of that name; raises UserError naming the nearest one."""
    if name not in EMBEDDINGS:
        raise unknown("embedding", name, EMBEDDINGS)
    return EMBEDDINGS[name]

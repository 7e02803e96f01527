"""The embeddings by name."""

from __future__ import annotations

from quant.errors import unknown
from quant.hd.embedding import Embedding
from quant.hd.embeddings.codes import Gray, Thermometer
from quant.hd.embeddings.learned_ls import LearnedLs
from quant.hd.embeddings.learned_sgd import LearnedSgd
from quant.hd.embeddings.projections import Gaussian, SparseBipolar

KINDS: tuple[type[Embedding], ...] = (Thermometer, Gray, Gaussian, SparseBipolar, LearnedLs, LearnedSgd)
EMBEDDINGS = {kind.name: kind for kind in KINDS}


def embedding(name: str) -> type[Embedding]:
    """The embedding of that name; raises UserError naming the nearest one."""
    if name not in EMBEDDINGS:
        raise unknown("embedding", name, EMBEDDINGS)
    return EMBEDDINGS[name]

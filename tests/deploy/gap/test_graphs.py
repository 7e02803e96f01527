"""What the generated graphs cover: the suites that run them promise it."""

from __future__ import annotations

from collections import Counter

from deploy.gap.plan import ClusterPlan
from quant.ops import OPS, Conv
from tests.deploy.gap.graphs import GRAPHS, generated, tight
from tests.quant.bit_models import all_bit_graphs


def test_they_cover_every_operator_and_every_way_to_cut() -> None:
    seen: Counter[str] = Counter()
    for seed in range(GRAPHS):
        graph = generated(seed)
        assert len(graph.nodes) >= 4
        seen.update({node.op.kind for node in graph.nodes})
        seen.update(_features(tight(graph)[1]))
    for graph in all_bit_graphs():  # tests/edgekit/test_bit_graphs.py
        seen.update({node.op.kind for node in graph.nodes})
    assert {op.kind for op in OPS} <= set(seen), "an operator is missing"
    for feature in ("rows in 3", "columns in 3", "channels in 3", "elements in 3"):
        assert seen[feature] >= 5, (feature, seen)
    for feature in (
        "odd channels",
        "dilation",
        "padding larger than a tile",
        "fused",
        "streamed",
        "full requantization",
    ):
        assert seen[feature] >= 3, (feature, seen)


def _features(plan: ClusterPlan) -> set[str]:
    found = set()
    for group, tiling in zip(plan.groups, plan.tilings, strict=True):
        spatial = isinstance(group.last.site.op, Conv) or group.region.size[:2] != (1, 1)
        names = ("rows in 3", "columns in 3", "channels in 3" if spatial else "elements in 3")
        found |= {name for name, count in zip(names, tiling.counts, strict=True) if count >= 3}
        found |= {"fused"} if group.fused else set()
        found |= {"streamed"} if any(s.slots for s in (*tiling.inputs, tiling.output)) else set()
        for work in (work for visit in tiling.visits for work in visit):
            op, y = work.tile.site.op, work.tile.site.output
            if not isinstance(op, Conv):
                continue
            found |= {"odd channels"} if y.shape[0] % 2 else set()
            found |= {"dilation"} if max(op.dilations) > 1 else set()
            found |= set() if op.requant.high_word_only else {"full requantization"}
            if any(pad > size for pad, size in zip(op.pads, work.tile.site.inputs[0].shape[1:], strict=False)):
                found.add("padding larger than a tile")
    return found

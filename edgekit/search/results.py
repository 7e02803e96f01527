"""What a search found: every configuration's accuracy and price, which are worth their price, which suits whom.

Whatever is chosen is chosen by trials held out of the training part; accuracy on the test part is then an honest
figure of what was chosen. The best of many on the test part itself would flatter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.evaluation.statistics import FLOAT, Run, spread

METRICS = {"latency": "latency_ms", "energy": "energy_mj"}


@dataclass(frozen=True, eq=False)
class Configuration:
    """One point of the grid.

    Attributes:
        facts: what the table says beside accuracy: parameters, macs and settings.
        held, tested: its runs, on trials held out of the training part and on the test part.
        prices: by board, what :func:`price.price` gives.
    """

    label: str
    facts: Mapping[str, Any]
    held: Sequence[Run]
    tested: Sequence[Run]
    prices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def groups(self) -> list[str]:
        return list(dict.fromkeys(run.group for run in self.tested))

    def validation(self, method: str, group: str | None = None) -> dict[str, Any]:
        """Accuracy on held-out trials, of all runs or of one fold or subject."""
        return _accuracy(self.held, method, group)

    def test(self, method: str, group: str | None = None) -> dict[str, Any]:
        """The same on the test part."""
        return _accuracy(self.tested, method, group)


def _accuracy(runs: Sequence[Run], method: str, group: str | None) -> dict[str, Any]:
    return spread([run.accuracy(method) for run in runs if group in (None, run.group)])


def front(costs: Sequence[float], gains: Sequence[float]) -> list[bool]:
    """Which points no other one beats: none is as cheap and as good, and cheaper or better."""
    pairs = list(zip(costs, gains, strict=True))
    return [not any(c <= cost and g >= gain and (c < cost or g > gain) for c, g in pairs) for cost, gain in pairs]


def best(configurations: Sequence[Configuration], method: str, group: str | None = None) -> Configuration:
    """The highest accuracy on held-out trials; of equals the one with the fewest MACs."""
    return max(configurations, key=lambda c: (c.validation(method, group)["mean"], -c.facts["macs"]))


def report(configurations: Sequence[Configuration], method: str, boards: Sequence[str]) -> dict[str, Any]:
    """Everything as JSON.

    ``configurations``  accuracy of float and integer network (``validation``, ``test``), facts, and per board the
                        price with ``front``: for which metrics no other configuration is better in both
    ``groups``          per fold or subject: the configuration that held-out trials choose, its accuracy on both parts
    ``fixed``           the one configuration that is best for all, chosen in the same way
    ``variable``        mean over the groups' own choices
    """
    rows = [_row(c, method) for c in configurations]
    for board in boards:
        able = [n for n, c in enumerate(configurations) if not c.prices[board]["problem"]]
        gains = [configurations[n].validation(method)["mean"] for n in able]
        for metric, key in METRICS.items():
            costs = [configurations[n].prices[board]["cost"][key] for n in able]
            for n, worth in zip(able, front(costs, gains), strict=True):
                if worth:
                    rows[n]["boards"][board]["front"].append(metric)
    names = configurations[0].groups()
    groups = [_choice(best(configurations, method, name), method, name) for name in names]
    return {
        "method": method,
        "configurations": rows,
        "groups": groups,
        "fixed": _choice(best(configurations, method), method, None),
        "variable": {part: float(np.mean([g[part] for g in groups])) for part in ("validation", "test", "test_float")},
    }


def _row(c: Configuration, method: str) -> dict[str, Any]:
    return {
        "label": c.label,
        **c.facts,
        "validation": {name: c.validation(name) for name in (FLOAT, method)},
        "test": {name: c.test(name) for name in (FLOAT, method)},
        "boards": {board: {**found, "front": []} for board, found in c.prices.items()},
    }


def _choice(c: Configuration, method: str, group: str | None) -> dict[str, Any]:
    return {
        "group": group,
        "label": c.label,
        "validation": c.validation(method, group)["mean"],
        "test": c.test(method, group)["mean"],
        "test_float": c.test(FLOAT, group)["mean"],
    }

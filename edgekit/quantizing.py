"""What the verbs ``quantize`` and ``run`` share: export, evaluation on the test set and the float64 check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.screen import Screen
from quant.datasets import Dataset

if TYPE_CHECKING:
    from quant.training.quantize import Quantized
    from quant.training.train import Run


def quantize(run: Run, data: Dataset, out: Path, screen: Screen) -> Quantized:
    """Write model.onnx, model.qcdq.onnx and model.json into ``out``."""
    from quant.training.quantize import quantize

    with screen.step("integer network") as step:
        result = quantize(run, data)
        result.save(out)
        step.end(f"int8 {100 * result.report['metrics']['int8']['accuracy']:.2f} %, {check_line(result.report)}")
    return result


def check_line(report: Mapping[str, Any]) -> str:
    """The float64 check in words."""
    records: Sequence[Mapping[str, Any]] = report["float64_check"]
    values, different = (sum(record[key] for record in records) for key in ("values", "different"))
    wrong = unexplained(report)
    if wrong:
        return f"{different:,} of {values:,} values differ from float64, first in layer '{wrong[0]}'"
    return f"float64 rounds to the same integers ({values:,} values, {different} at ties)"


def unexplained(report: Mapping[str, Any]) -> list[str]:
    """Layers with differences that no tie explains; anything but none is a defect of EdgeKit."""
    return [record["name"] for record in report["float64_check"] if record["unexplained"]]

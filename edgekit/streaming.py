"""``--streaming HOP``: the model as a stream."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgekit import training
from edgekit.options import orders_of, positive
from quant.errors import Problem, UserError
from quant.streaming import MODES, stream

MODEL = "step.onnx"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every verb that can make a stream of a window model."""
    group = parser.add_argument_group("streaming")
    group.add_argument("--streaming", type=positive, metavar="HOP", help="samples per call of PREFIX_step")
    group.add_argument(
        "--streaming-mode",
        choices=MODES,
        help="exact (default): the bytes of the whole window at every hop; causal: those of one run over the recording",
    )


def mode(options: argparse.Namespace) -> str:
    """The mode that was asked for; raises UserError for a mode without a hop."""
    if options.streaming_mode and not options.streaming:
        raise UserError(Problem("there is no hop", "--streaming-mode", fix="add --streaming HOP"))
    return options.streaming_mode or "exact"


@contextmanager
def step_model(model: Path, options: argparse.Namespace) -> Iterator[Path]:
    """The file of the step model, or ``model`` itself where no stream was asked for.

    Raises:
        UserError: the model cannot be streamed like this.
    """
    from quant.interchange.read import read_model
    from quant.interchange.write import save, to_onnx

    chosen = mode(options)
    if not options.streaming:
        yield model
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        save(to_onnx(stream(read_model(model), options.streaming, chosen)), path)
        yield path


def check(options: argparse.Namespace, data: Any) -> None:
    """Raises UserError where the network that ``data`` asks for cannot be streamed: before it is trained."""
    from quant.networks.order import in_order
    from quant.training.train import design_of, fitted
    from quant.training.untrained import random_graph

    chosen = mode(options)
    if options.streaming:
        model = training.model(options)
        (order,) = orders_of(options.order, model)
        network = fitted(model, design_of(data, order, model.config(options.config) if options.config else None))
        stream(random_graph(in_order(network, order)), options.streaming, chosen)

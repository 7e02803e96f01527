"""One training stage: Adam, safe to kill and to resume after any epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler

from quant.networks.recipe import Balance, Decay
from quant.training import checkpoint
from quant.training.modules import FloatNetwork
from quant.training.quantized import scores

Stage = Literal["float", "qat"]


@dataclass(frozen=True)
class Progress:
    """State after an epoch: mean training loss and accuracy (0..1) over its batches."""

    stage: Stage
    epoch: int
    epochs: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Schedule:
    """Length and step size of a stage."""

    stage: Stage
    epochs: int
    learning_rate: float
    batch: int
    decay: Decay = "cosine"
    balance: Balance = "none"


def seed_everything(seed: int, stage: Stage, epoch: int) -> None:
    """Start the random generator (order of beats, dropout) afresh from the epoch's own number.

    No generator state has to survive an interruption, and nothing that a callback draws can change the result.
    """
    entropy = np.random.SeedSequence([seed, ("float", "qat").index(stage), epoch])
    torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Inverse class frequencies, scaled to a mean of one over the training set; absent classes get zero."""
    counts = torch.bincount(labels, minlength=classes).float()
    return torch.where(counts > 0, len(labels) / ((counts > 0).sum() * counts.clamp(min=1)), 0.0)


def epoch_order(labels: Tensor, classes: int, balance: Balance) -> Tensor:
    """Indices of the beats of one epoch: a permutation, or draws with equal probability per class."""
    if balance == "resample":
        return torch.multinomial(class_weights(labels, classes)[labels], len(labels), replacement=True)
    return torch.randperm(len(labels))


def fit(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    schedule: Schedule,
    seed: int,
    *,
    classes: int,
    state_file: Path | None = None,
    begin: Callable[[int, torch.optim.Optimizer], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[dict[str, Any]]:
    """Train ``model`` in place on inputs (N, *input_shape) float32 and labels (N,) int64.

    ``state_file``: written after every epoch and, where it exists for this stage, continued from. Stopping after any
    epoch and calling again gives the same model, bit for bit, as one uninterrupted call.

    ``begin``: called before every epoch with its number, from 0, and the optimizer.

    Returns:
        One record per epoch: stage, epoch, loss, accuracy and the learning rate it ended with.
    """
    state: dict[str, Any] | None = None
    if state_file and state_file.exists():
        state = checkpoint.load(state_file)
        state = state if state["stage"] == schedule.stage else None
    if state:
        model.load_state_dict(state["model"])  # before the optimizer: Brevitas makes new parameters for this
    optimizer = torch.optim.Adam(model.parameters(), schedule.learning_rate)
    batches = -(-len(x) // schedule.batch)
    scheduler: LRScheduler = ConstantLR(optimizer, factor=1.0)
    if schedule.decay == "cosine":
        scheduler = CosineAnnealingLR(optimizer, schedule.epochs * batches)
    if state:
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
    history: list[dict[str, Any]] = state["history"] if state else []
    floating = model if isinstance(model, FloatNetwork) else None
    moments = floating.moments(x) if floating else None
    loss_weights = class_weights(y, classes) if schedule.balance == "weights" else None
    for epoch in range(len(history), schedule.epochs):
        seed_everything(seed, schedule.stage, epoch)
        if begin:
            begin(epoch, optimizer)
        model.train()
        total, correct = 0.0, 0
        for batch in epoch_order(y, classes, schedule.balance).split(schedule.batch):
            output = scores(model(x[batch]) if moments is None else model(x[batch], moments[batch]))
            loss = F.cross_entropy(output, y[batch], weight=loss_weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if floating:
                floating.constrain()
            scheduler.step()
            total += loss.item() * len(batch)
            correct += int((output.argmax(1) == y[batch]).sum())
        done = Progress(schedule.stage, epoch + 1, schedule.epochs, total / len(x), correct / len(x))
        rate = scheduler.get_last_lr()[0]
        history.append(
            {"stage": done.stage, "epoch": done.epoch, "loss": done.loss, "accuracy": done.accuracy, "rate": rate}
        )
        if state_file:
            parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
            state = {name: part.state_dict() for name, part in parts.items()}
            checkpoint.save(state_file, {"stage": schedule.stage, **state, "history": history})
        if on_progress:
            on_progress(done)
    return history


@contextmanager
def reproducible(threads: int) -> Iterator[None]:
    """Deterministic torch with ``threads`` threads; the caller's settings and random state come back afterwards."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1])

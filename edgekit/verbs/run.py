"""Everything in one go: train, quantize, build, emulate, compare all machines byte for byte, report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise

from edgekit import delivery, energy, streaming, training
from edgekit.screen import Screen

EXAMPLES = (
    "edgekit run ecg-tcn --board stm32l475 --seed 0 --out runs/ecg",
    "edgekit run ecg-tcn --board gap8 --cores 8 --out runs/ecg-gap8",
    "edgekit run ecg-tcn --board stm32l475 --out runs/ecg --resume",
    "edgekit run q-eegnet --board mrwolf                          # made-up EEG: no download",
    "edgekit run eegnet --data eegmmidb --preset edge-m4f --board stm32l475",
    "edgekit run eeg-tcnet --data bci-iv-2a --subject 3 --config S3 --board gap8 --order spatial-first",
    "edgekit run ecg-tcn --board stm32l475 --out runs/quick --epochs 2 --qat-epochs 1 --beats 10",
    "edgekit run eeg-tcnet --board gap8 --order spatial-first --streaming 64 --streaming-mode causal",
    "edgekit run hd --help                                        # hyperdimensional classifiers",
    "edgekit run binary-svm --help                                # support vector machines with binary weights",
    "edgekit run mann-eegnet --help                               # EEGNet with a memory of bits",
)


# Models that are no networks: what `edgekit run NAME` takes is in another module of edgekit/verbs.
OTHERS = {"hd": "run_hd", "binary-svm": "run_hd", "mann-eegnet": "run_mann"}


def instead(words: Sequence[str]) -> str | None:
    """The module for the model that the command line names, where it is another than this one."""
    named = (word for before, word in pairwise(words) if word in OTHERS and not before.startswith("-"))
    return next((OTHERS[word] for word in named), None)


def arguments(parser: argparse.ArgumentParser) -> None:
    training.arguments(parser)
    delivery.arguments(parser)
    streaming.arguments(parser)
    energy.core_argument(parser)
    energy.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    # Whatever is missing or misspelt is reported before the training, not after it.
    import quant.training.train  # noqa: F401
    from edgekit import hops, quantizing
    from edgekit.samples import stored

    target = delivery.Target.of(options)
    out = training.folder(options)
    data = training.load_data(training.selection(options), screen)
    streaming.check(options, data)
    trained = training.train(options, data, out, screen)
    quantized = quantizing.quantize(trained, data, out, screen)
    entry = quantized.graph.inputs[0]
    assert entry.scale is not None
    inputs = stored(data.scale(data.x_test), entry.scale, entry.zero_point)
    done = delivery.deliver(quantized.graph, out, inputs, target, quantized.report, trained.config, screen)
    extra = []
    if options.streaming:
        trials = hops.Trials(inputs, data.y_test, len(data.classes))
        how = (quantized.graph, options.streaming, streaming.mode(options), target.board, out, trials, target.beats)
        cost = done.report["cost"]
        done.report["streaming"], compared = hops.price_step(*how, target.build, target.cores, cost, screen)
        done.agreements.extend(compared)
        extra = hops.lines(done.report)
    faults = [f"float64 check: layer '{name}' differs" for name in quantizing.unexplained(quantized.report)]
    return delivery.conclude(done, out, target, options.placement, screen, extra, faults)

"""A binary hyperdimensional classifier in one go: features, fit, build, emulate, compare all machines, report.

'hd' bundles the training trials of each class; 'binary-svm' makes the rows of its class memory from a linear support
vector machine. Both find the nearest row in Hamming distance.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit import delivery, energy
from edgekit.folders import RUN_FILE, check_run_folder
from edgekit.options import natural, positive
from edgekit.screen import Screen
from quant.datasets.choice import FOLDS, Choice
from quant.datasets.protocols import PROTOCOLS
from quant.errors import Problem, UserError
from quant.features.filter_bank import BANKS
from quant.hd.embedding import Embedding
from quant.hd.embeddings import EMBEDDINGS, embedding
from quant.hd.settings import MODES, Settings
from quant.hd.svm_readout import READOUTS

if TYPE_CHECKING:
    from edgekit import hd

EXAMPLES = (
    "edgekit run hd --embedding thermometer --board stm32l475               # made-up EEG: no download",
    "edgekit run hd --embedding gray --levels 21 --data eegmmidb --subject 7 --board stm32f756",
    "edgekit run hd --embedding learned-sgd --dim 1000 --data eegmmidb --fold 2 --board gap8   # needs torch",
    "edgekit run hd --embedding sparse-bipolar --dim 2048 --mode bind --centroids 2 --board gap9",
    "edgekit run hd --embedding learned-ls --dim 1000 --learn --board stm32l475    # then: edgekit emulate --learn",
    "edgekit run binary-svm --projection sparse-bipolar --dim 10000 --density 0.1 --board stm32l475",
)
EXCERPT = "imagery-22"
DATA = "synthetic-eeg"
DEFAULTS = {"hd": ("thermometer", "spatial"), "binary-svm": ("sparse-bipolar", "single")}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", choices=tuple(DEFAULTS), help="what makes the class memory")
    parser.add_argument("--out", type=Path, help="folder to write (default: runs/MODEL)")
    parser.add_argument("--force", action="store_true", help="write into a folder that is not empty")
    kind = parser.add_argument_group("classifier")
    names = ", ".join(EMBEDDINGS)
    kind.add_argument("--embedding", "--projection", help=f"{names} (default: thermometer; binary-svm: sparse-bipolar)")
    kind.add_argument("--mode", help=f"how bands become one vector: {', '.join(MODES)} (default: spatial, svm: single)")
    kind.add_argument("--dim", type=int, help=f"bits of projections ({Settings.dimension}) and learned vectors (1000)")
    kind.add_argument(
        "--levels", type=int, help=f"bits of a feature, thermometer ({Settings.levels}) and Gray codes (5)"
    )
    kind.add_argument("--density", type=float, help=f"share of nonzero entries, sparse-bipolar ({Settings.density})")
    kind.add_argument("--centroids", type=int, help="rows of each class in the memory, 1 (default) or 2")
    kind.add_argument("--seed", type=natural, default=0, help="of everything random (default 0)")
    kind.add_argument(
        "--readout",
        choices=READOUTS,
        help="binary-svm: of the features' SVM (default), or of the vectors'",
    )
    kind.add_argument("--learn", action="store_true", help="hd: with entries that learn and forget on the device")
    data = parser.add_argument_group("data")
    data.add_argument("--data", default=DATA, help="data set ('edgekit datasets' lists them; default: made up)")
    data.add_argument("--bank", default="43", help=f"bands of the features: {', '.join(BANKS)} (default 43)")
    data.add_argument("--protocol", help="how trials are split: " + ", ".join(PROTOCOLS))
    data.add_argument("--subject", type=positive, default=1, help="whose trials (default 1)")
    data.add_argument("--fold", type=positive, help="which part tests (default 1)")
    delivery.arguments(parser)
    energy.core_argument(parser)
    energy.arguments(parser)


def settings_of(options: argparse.Namespace, kind: type[Embedding]) -> Settings:
    """The settings that the command line asks for; raises UserError for one out of range or without effect."""
    asked = {"dimension": options.dim, "levels": options.levels, "density": options.density}
    asked["centroids"] = options.centroids
    mode = options.mode or DEFAULTS[options.model][1]
    given = {key: value for key, value in asked.items() if value is not None}
    read = (kind.sizes, *kind.reads, "centroids")
    if idle := [
        Problem(f"{key} has no effect", f"embedding '{kind.name}'", ", ".join(read)) for key in given if key not in read
    ]:
        raise UserError(idle)
    return Settings(mode=mode, seed=options.seed, **{**kind.usual, **given})


def readout_of(options: argparse.Namespace) -> str | None:
    """How a support vector machine becomes the class memory; None where it holds bundles.

    Raises:
        UserError: options that belong to the other model.
    """
    if options.model == "hd":
        if options.readout:
            raise UserError(Problem("its class memory is made of trials", "--readout", "edgekit run binary-svm"))
        return None
    for name, given in (("--learn", options.learn), ("--centroids 2", options.centroids == 2)):
        if given:
            what = "the rows of its class memory come from a support vector machine, not from trials"
            raise UserError(Problem(what, name, "edgekit run hd"))
    return options.readout or READOUTS[0]


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit import hd
    from quant.datasets.cache import write_atomic

    target = delivery.Target.of(options)
    name = options.embedding or DEFAULTS[options.model][0]
    kind, readout = embedding(name), readout_of(options)
    settings = settings_of(options, kind)
    kind.require()
    out: Path = options.out or Path("runs") / options.model
    check_run_folder(out, False, options.force)
    choice = Choice(EXCERPT, options.protocol, options.subject, options.fold, FOLDS)
    task = hd.load(options.data, choice, options.bank, screen)
    config: dict[str, Any] = {"model": options.model, "preset": name, "dataset": task.dataset, "bank": options.bank}
    config |= {"subject": options.subject, "fold": options.fold, **vars(settings)}
    write_atomic(out / RUN_FILE, (json.dumps(config, indent=2) + "\n").encode())
    title = f"hd-{name}" if options.model == "hd" else options.model
    fitted = hd.fit(title, name, settings, task, out, screen, readout, options.learn)
    inputs = task.test.x.reshape(-1, *fitted.graph.inputs[0].shape)
    done = delivery.deliver(fitted.graph, out, inputs, target, fitted.quantized, config, screen)
    done.report["hd"] = fitted.facts
    method = f"{name}, bits" if options.model == "hd" else f"binary SVM, {name}"
    done.report["methods"] = {"float": hd.REFERENCE, "int8": method}
    front, faults = front_end(target, out, task, fitted, screen)
    done.report["front_end"] = front
    lines = [*front["lines"], *hd.lines(fitted.facts, task.classes)]
    if options.learn:
        lines += hd.write_shots(task, out)
    return delivery.conclude(done, out, target, options.placement, screen, lines, faults)


def front_end(
    target: delivery.Target, out: Path, task: hd.Task, fitted: hd.Fitted, screen: Screen
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The entry ``front_end`` of the report, from the samples of the test trials; and what is wrong."""
    from edgekit.firmware import Firmware
    from edgekit.front_end import changes, measure
    from edgekit.pipeline import FIRMWARE, HOST

    wanted = task.test.x
    with screen.step("front end") as step:
        firmware, flat = Firmware.load(out / FIRMWARE), wanted.reshape(len(wanted), -1)
        found = measure(firmware, out / HOST, fitted.graph, task.windows, flat, target.build.point, target.cores)
        if found.features is None:
            step.end("on the host only")
            return found.report, found.faults
        got, classifier = found.features.reshape(wanted.shape), fitted.classifier
        facts, words = changes(
            (classifier.encode(wanted), classifier.encode(got)), (classifier.predict(wanted), classifier.predict(got))
        )
        step.end(f"{found.report['latency_ms']:.1f} ms on {target.board.name}")
    return {**found.report, **facts, "lines": [*found.report["lines"], *words]}, found.faults

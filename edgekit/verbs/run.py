"""Everything in one go: train, quantize, build, emulate, compare all machines byte for byte, report."""

from __future__ import annotations

import argparse
import json
import sys

from edgekit import energy, placement, streaming, training
from edgekit.options import positive
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
)


def arguments(parser: argparse.ArgumentParser) -> None:
    training.arguments(parser)
    parser.add_argument("--board", required=True, help="board to build for ('edgekit boards' lists them)")
    parser.add_argument("--compiler", default="zig", help="zig (default) or gcc (the target's own)")
    parser.add_argument("--beats", type=positive, default=100, help="test inputs for the emulated board (default 100)")
    parser.add_argument(
        "--placement", help="auto (default): in RAM what the emulator finds to pay; flash; ram; not on clusters"
    )
    placement.memory_argument(parser)
    streaming.arguments(parser)
    energy.core_argument(parser)
    energy.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    # Whatever is missing or misspelt is reported before the training, not after it.
    import quant.training.train  # noqa: F401
    from deploy.build import refuse_memory
    from deploy.compilers import check_compiler
    from edgekit import hops, pipeline, quantizing
    from edgekit.page.render import render
    from edgekit.report import make_cluster_report, make_report, summary
    from edgekit.samples import stored
    from quant.datasets.cache import write_atomic

    board = pipeline.emulated_board(options.board)
    if not board.cluster:
        import edgekit.emulate.cortex_m  # noqa: F401
    point = board.operating_point(options.clock, options.range)
    check_compiler(board.target, board.core, options.compiler)
    cores = board.team(options.cores)
    refuse_memory(board, options.memory)
    build = pipeline.BuildOptions(options.compiler, options.placement or "auto", point, options.memory)
    placement.check(build.placement)
    out = training.folder(options)
    data = training.load_data(training.selection(options), screen)
    streaming.check(options, data)
    trained = training.train(options, data, out, screen)
    quantized = quantizing.quantize(trained, data, out, screen)
    entry = quantized.graph.inputs[0]
    assert entry.scale is not None
    inputs = stored(data.scale(data.x_test), entry.scale, entry.zero_point)
    model = out / "model.onnx"
    arguments = (model, quantized.graph, board, out, inputs, options.beats, build)
    priced: pipeline.Priced | pipeline.PricedCluster
    if board.cluster:
        priced = pipeline.price_cluster(*arguments, cores, screen)
        report = make_cluster_report(
            priced.firmware.facts,
            board,
            priced.simulation.cost,
            energy.duty(options),
            priced.firmware.facts["sha256"],
            priced.agreements,
            quantized.report,
            trained.config,
        )
    else:
        priced = pipeline.price(*arguments, screen)
        report = make_report(
            priced.firmware,
            priced.result,
            priced.traced,
            point,
            energy.duty(options),
            priced.placement,
            priced.agreements,
            quantized.report,
            trained.config,
        )
    agreements, extra = list(priced.agreements), []
    if options.streaming:
        trials = hops.Trials(inputs, data.y_test, len(data.classes))
        how = (quantized.graph, options.streaming, streaming.mode(options), board, out, trials, options.beats, build)
        report["streaming"], compared = hops.price_step(*how, cores, report["cost"], screen)
        agreements += compared
        extra = hops.lines(report)
    write_atomic(out / pipeline.REPORT, (json.dumps(report, indent=1) + "\n").encode())
    write_atomic(out / pipeline.PAGE, render(report).encode())
    place = f"report in {out / pipeline.PAGE}, everything else beside it"
    lines = [*summary(report, priced.firmware.facts, board), *placement.no_flash(board, options.placement), *extra]
    screen.show(report, "", *lines, place)
    faults = pipeline.disagreements(agreements)
    faults += [f"float64 check: layer '{name}' differs" for name in quantizing.unexplained(quantized.report)]
    for fault in faults:
        print(f"edgekit: {fault}", file=sys.stderr)
    return 1 if faults else 0

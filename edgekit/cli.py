"""The command ``edgekit``: reads the command line, runs one verb, turns mistakes into messages.

Exit codes: 0 done, 1 machines disagree (or ``doctor`` found a fault), 2 a mistake in the input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from edgekit import __version__, rooms

# verb -> its line in `edgekit --help`; edgekit/verbs/<verb>.py is loaded only when it is asked for.
VERBS = {
    "run": "everything: train, quantize, build, emulate, compare all machines, report",
    "train": "train a network in float, then with fake quantization",
    "quantize": "write a trained network as integer ONNX",
    "export": "write an integer model of bits as QONNX",
    "build": "turn an integer model.onnx into a C project and firmware",
    "emulate": "run firmware on inputs and price it, layer by layer",
    "profile": "price any bare-metal program, function by function",
    "evaluate": "accuracy over all folds and several seeds, float and int8 in pairs",
    "sweep": "search over configurations, for every subject and for the boards",
    "compare": "runs and boards side by side: one table, one picture",
    "calibrate": "hold the cost model against published measurements",
    "report": "write the report page of a run again",
    "models": "list the networks that can be trained",
    "boards": "list the boards that can be built for",
    "ops": "list the supported operators and their kernels",
    "datasets": "list the data sets",
    "doctor": "check this installation",
}

EPILOG = """first steps:
  edgekit run ecg-tcn --board stm32l475 --out runs/ecg
  edgekit build model.onnx --board stm32l475 --out firmware-mine
  edgekit <verb> --help        examples and options of a verb
"""


def parser(verb: str | None = None, words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The command line; only ``verb`` gets its own options, which may depend on the other ``words``."""
    main_parser = argparse.ArgumentParser(
        prog="edgekit",
        description="From quantization-aware training to microcontroller firmware, with the cost known before.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main_parser.add_argument("--version", action="store_true", help="print the version and exit")
    verbs = main_parser.add_subparsers(dest="verb", metavar="VERB")
    for name, summary in VERBS.items():
        sub = verbs.add_parser(name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name != verb:
            continue
        module = import_module(f"edgekit.verbs.{name}")
        if hasattr(module, "instead"):
            module = import_module(f"edgekit.verbs.{module.instead(words) or name}")
        sub.description = module.__doc__
        sub.epilog = "examples:\n" + "\n".join(f"  {line}" for line in module.EXAMPLES)
        module.arguments(sub)
        sub.add_argument("--json", action="store_true", help="print the result as JSON")
        sub.add_argument("--quiet", "-q", action="store_true", help="no progress")
        sub.set_defaults(module=module)
    return main_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    if messages := rooms.intruders():
        for message in messages:
            print(f"edgekit: {message}", file=sys.stderr)
        return 2
    words = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in words if not word.startswith("-")), None)
    options = parser(verb, words).parse_args(words)
    if options.version:
        print(__version__)
        return 0
    if options.verb is None:
        parser().print_help()
        return 0
    return _guarded(options)


def _guarded(options: argparse.Namespace) -> int:
    from deploy.paths import zig_cache
    from edgekit.optional import advice
    from edgekit.screen import Screen
    from quant.errors import Problem, UserError

    if cache := zig_cache():
        os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(cache))
    try:
        return options.module.run(options, Screen(options.json, options.quiet)) or 0
    except UserError as error:
        return _refuse(error.problems)
    except ModuleNotFoundError as error:
        known = advice(error.name)
        if known is None:
            raise
        return _refuse([Problem(known[0], f"edgekit {options.verb}", fix=known[1])])
    except KeyboardInterrupt:
        again = "; the same command with --resume continues" if hasattr(options, "resume") else ""
        print(f"edgekit: interrupted{again}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone (edgekit ... | head): nothing more can be said, also not while Python shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _refuse(problems: Sequence[object]) -> int:
    for problem in problems:
        print(f"edgekit: {problem}", file=sys.stderr)
    return 2

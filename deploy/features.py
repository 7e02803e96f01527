"""Front end -> C text: the tables of its bands and ``PREFIX_features``, from samples to the model's input."""

from __future__ import annotations

from typing import Any

from deploy.boards import Board
from deploy.raw_input import c_float
from quant.device_front_end import device_front_end
from quant.front_end import FrontEnd, front_end
from quant.graph import Graph

HEADER = "features/riemann.h"
FLOAT_UNITS = ("fpv4-sp-d16", "fpv5-sp-d16", "rv32imfc")
WAITING_CORE = "cortex-m4f"  # its multiplications and additions take two cycles, one where something else comes between
PER_LINE = 6
BLOCK = 32  # EK_TIMES


def has_float(board: Board) -> bool:
    """Whether every core of the board has an FPU of its own."""
    return board.target == "host" or any(name in FLOAT_UNITS for name in board.isa)


def on_board(graph: Graph, board: Board) -> FrontEnd | None:
    """The front end that the project has a function for; None where the model has none or the board no FPU.

    Raises:
        UserError: the model's description of it makes no sense.
    """
    front = front_end(graph)
    return front if front is not None and has_float(board) else None


def facts(graph: Graph, board: Board, prefix: str) -> dict[str, Any] | None:
    """For ``build.json``: what stands in front of the model's input; None where nothing does."""
    front = front_end(graph)
    if front is None:
        return None
    here = has_float(board)
    return {
        "channels": front.channels,
        "samples": front.samples,
        "bands": front.bands,
        "function": f"{prefix}_features" if here else None,
        "reason": None if here else f"{board.name} has no FPU in every core: its input is the int16 features",
        "sample_bytes": sample_bytes(front),
        "table_bytes": table_bytes(front) if here else 0,
    }


def sample_bytes(front: FrontEnd) -> int:
    """Bytes of one window of int16 samples."""
    return 2 * front.channels * front.samples


def table_bytes(front: FrontEnd) -> int:
    """Bytes of the constants of all bands."""
    return 4 * front.bands * (5 + front.channels**2) + 12 + front.channels


def readme(graph: Graph, board: Board, prefix: str) -> str:
    """What a project's README says of the front end; nothing for a model without one."""
    front = front_end(graph)
    if front is None:
        return ""
    window = f"windows of int16 samples ({front.channels} channels of {front.samples}, one after the other)"
    if not has_float(board):
        reason = f"{board.name} has no FPU in every core: they come from elsewhere"
        return f"\nThe input is int16 features of {window}. {reason}.\n"
    return f"""
The input is int16 features of {window}. `{prefix}_features(samples, features)` in
`src/features.c` computes them in float32; compile it with `-ffp-contract=off` for the bytes that EdgeKit has compared.
`docs/features.md` of EdgeKit bounds its error.
"""


def scratch_bytes(front: FrontEnd) -> int:
    """Bytes of ``ek_scratch``."""
    n = front.channels
    return 4 * (n * n + max(BLOCK * n, 2 * n * n) + 8 * n)


def prototype(prefix: str) -> str:
    """The C function's declaration, without semicolon."""
    return f"void {prefix}_features(const int16_t *samples, int16_t *features)"


def declarations(front: FrontEnd, prefix: str) -> list[str]:
    """For ``model.h``."""
    upper = prefix.upper()
    return [
        f"/* Samples, int16 ({front.channels} channels, {front.samples}), one step is {front.unit:.9g}; row-major */",
        f"#define {upper}_SAMPLE_BYTES {sample_bytes(front)}",
        "/* The model's input from one window of samples, in float32. Not reentrant. */",
        f"{prototype(prefix)};",
        "",
    ]


def for_runtime(front: FrontEnd, prefix: str, arena: int) -> str:
    """For ``ek_model.h``, behind what every model has; ``arena``: bytes of the model's arena."""
    text = (
        f"/* There is a front end: its windows of int16 samples. */\n#define EK_SAMPLE_BYTES {sample_bytes(front)}\n\n"
    )
    if arena >= sample_bytes(front):
        text += "/* Nothing else needs the arena before the features are there. */\n"
        text += f"extern uint8_t {prefix}_arena[{arena}];\n#define EK_SAMPLES ((int8_t *){prefix}_arena)\n\n"
    return text + f"/* The model's input from a window of samples; both aligned to 2 bytes. */\n{ADAPTER};\n\n"


def adapter(prefix: str) -> list[str]:
    """The C function that the runtime calls, which knows no model."""
    return [ADAPTER, "{", f"    {prefix}_features(samples, features);", "}", ""]


ADAPTER = "void ek_model_features(const void *samples, void *features)"


def tables(front: FrontEnd) -> list[str]:
    """C definitions of ``shared`` and ``bands``."""
    device = device_front_end(front)
    numbers = f"{front.samples}, {c_float(float(device.ridge))}, {c_float(float(device.steps))}"
    parents = ", ".join(map(str, device.parents))
    lines = [f"static const ek_window_features shared = {{{numbers}, {{{parents}}}}};", ""]
    lines += [f"static const ek_band bands[{front.bands}] = {{"]
    for factors, gain, whitening in zip(device.sections, device.gains, device.whitening, strict=True):
        sections = ", ".join(c_float(value) for value in factors.tolist())
        lines += [f"    {{{{{{{sections}}}}}, {c_float(float(gain))},", "     {"]
        words = [c_float(value) for value in whitening.ravel().tolist()]
        lines += [f"         {', '.join(words[at : at + PER_LINE])}," for at in range(0, len(words), PER_LINE)]
        lines += ["     }},"]
    return [*lines, "};", ""]


def source(front: FrontEnd, prefix: str, heading: str, core: str = "host") -> str:
    """``features.c`` for one core; compile it with -ffp-contract=off."""
    lines = [heading, *(["#define EK_RESULTS_WAIT"] if core == WAITING_CORE else [])]
    lines += [f"#define EK_CHANNELS {front.channels}", "", f'#include "{HEADER}"', ""]
    lines += [f"{prototype(prefix)};", "", *tables(front)]
    lines += ["static ek_scratch scratch;", "", prototype(prefix), "{"]
    lines += [f"    for (int32_t band = 0; band < {front.bands}; band++) {{"]
    lines += ["        ek_features_band(&shared, &bands[band], samples, &scratch, features + band * EK_TRIANGLE);"]
    return "\n".join([*lines, "    }", "}", ""])

"""Worst-case stack of a linked Thumb-2 image, from its machine code: no compiler report is needed, none is trusted.

Every function's control flow is followed with the stack depth at each instruction; calls and tail calls give the call
graph. What has no bound this way (recursion, calls through pointers, stack sizes known only at run time) is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploy.elf import Image, Symbol
from deploy.stack_frame import Call, Frame, analyse
from quant.errors import Problem, UserError

# Registers stacked on exception entry, with and without those of the FPU, and the padding that aligns them
# (Armv7-M Architecture Reference Manual, B1.5.7).
BASIC_FRAME = 32
EXTENDED_FRAME = 104
ALIGNMENT = 4

VECTORS = 16


@dataclass(frozen=True)
class StackReport:
    """The deepest the stack can get.

    Attributes:
        bytes: worst case: the deepest call chain, an exception's frame and its handler; rounded up to a multiple of 8.
        chain: (function, bytes of its frame at the next call), from reset to the deepest function.
        exception_bytes: part of ``bytes`` for an exception at the worst moment.
    """

    bytes: int
    chain: tuple[tuple[str, int], ...]
    exception_bytes: int


def worst_case_stack(image: Image, entry: str | None = None) -> StackReport:
    """Bounds the stack of everything reachable from ``entry`` (default: the ELF entry point) and of exception handlers.

    Raises:
        UserError: recursion, an indirect call or a stack size that depends on data; names the function.
    """
    walk = _Walk(image)
    start = image.function_at(image.entry) if entry is None else image.symbol(entry)
    if start is None:
        raise UserError(
            Problem("the entry point is no function", where=str(image.path), fix="link without stripping symbols")
        )
    depth, chain = walk.deepest(start, ())
    handlers = [walk.deepest(handler, ())[0] for handler in _handlers(image)]
    frame = EXTENDED_FRAME if walk.uses_float else BASIC_FRAME
    exception = frame + ALIGNMENT + max(handlers, default=0)
    return StackReport(-(-(depth + exception) // 8) * 8, chain, exception)


def _handlers(image: Image) -> list[Symbol]:
    """Functions in the vector table, which starts the image's first loaded segment; reset is no exception."""
    first = min(image.segments, key=lambda segment: segment.load_address)
    table = first.data[: 4 * VECTORS]
    entries = [int.from_bytes(table[at : at + 4], "little") & ~1 for at in range(8, len(table), 4)]
    functions = {address: image.function_at(address) for address in entries if address}
    return [function for address, function in functions.items() if function and function.address == address]


class _Walk:
    """Depth-first walk over the call graph; remembers every function's result."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._done: dict[int, tuple[int, tuple[tuple[str, int], ...]]] = {}
        self.uses_float = False

    def deepest(self, function: Symbol, callers: tuple[str, ...]) -> tuple[int, tuple[tuple[str, int], ...]]:
        if function.name in callers:
            loop = " -> ".join((*callers[callers.index(function.name) :], function.name))
            raise UserError(
                Problem(
                    f"recursion: {loop}",
                    where=self._image.path.name,
                    supported="call graphs without cycles",
                    fix="replace the recursion by a loop",
                )
            )
        if function.address not in self._done:
            frame = analyse(self._image, function)
            self.uses_float |= frame.uses_float
            self._done[function.address] = self._combine(function, frame, (*callers, function.name))
        return self._done[function.address]

    def _combine(
        self, function: Symbol, frame: Frame, callers: tuple[str, ...]
    ) -> tuple[int, tuple[tuple[str, int], ...]]:
        best = frame.depth
        chain: tuple[tuple[str, int], ...] = ((function.name, frame.depth),)
        for call in frame.calls:
            below, inner = self.deepest(self._target(function, call), callers)
            if call.depth + below > best:
                best, chain = call.depth + below, ((function.name, call.depth), *inner)
        return best, chain

    def _target(self, function: Symbol, call: Call) -> Symbol:
        target = self._image.function_at(call.target)
        if target is None:
            raise UserError(
                Problem(f"{function.name} calls 0x{call.target:08x}, which is no function", where=self._image.path.name)
            )
        return target

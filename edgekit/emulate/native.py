"""The emulator's C part: compiled once with ``zig cc`` into the cache, loaded with ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import platform
import sys
import tempfile
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from deploy.compilers import host_compiler
from quant.datasets.cache import cache_folder, write_atomic

SOURCES = ("machine.h", "trace.c", "bus.c", "flash.c", "memory.c")

# Mirrors the events of machine.h.
(
    FLASH_FETCH, FLASH_AHEAD, RAM_FETCH, FLASH_DATA, RAM_DATA, WRITE_BACK, UNALIGNED, EXECUTE, LOAD_USE, DROPPED,
    EVENTS,
) = range(11)  # fmt: skip
NONE = 0xFFFFFFFF
MEMORY_EVENTS = {
    "flash_fetch": FLASH_FETCH,
    "flash_ahead": FLASH_AHEAD,
    "ram_fetch": RAM_FETCH,
    "flash_data": FLASH_DATA,
    "ram_data": RAM_DATA,
    "write_back": WRITE_BACK,
    "unaligned": UNALIGNED,
}

# Mirrors ek_block of machine.h.
BLOCK = np.dtype(
    [
        ("executions", "<u8"),
        ("taken", "<u8"),
        ("taken_wide", "<u8"),
        ("mispredicted", "<u8"),
        ("events", "<u8", (EVENTS,)),
        ("address", "<u4"),
        ("size", "<u4"),
        ("context", "<u4"),
        ("instructions", "<u4"),
        ("wide_target", "<u4"),
        ("enters", "<u4"),
        ("expectation", "<u4"),
        ("padding", "<u4"),
    ]
)

# Mirrors the enumeration of machine.h.
(
    RUNNING, IDLE, BUDGET, SELF_LOOP, NESTING, REACHED, NO_MEMORY, NO_PERIPHERAL, NO_FPU, POWER_CUT, WRONG_KEY,
    OWN_IMAGE, STALE_CACHE,
) = range(13)  # fmt: skip
EXITED, ASLEEP = 13, 14  # by semihosting, by WFI or WFE; only the Python side knows

PLAIN, LOAD, STORE, DIVIDE_SIGNED, DIVIDE_UNSIGNED, OTHER = range(6)


class TracedInstruction(ctypes.Structure):
    """Mirrors ek_instruction of machine.h."""

    _fields_ = (
        ("base", ctypes.c_int32),
        ("index", ctypes.c_int32),
        ("offset", ctypes.c_int32),
        *((name, ctypes.c_uint8) for name in ("kind", "shift", "bytes", "count", "execute", "load_use")),
        ("overlaps", ctypes.c_uint8),
        ("padding", ctypes.c_uint8),
    )


class FlashPart(ctypes.Structure):
    """Mirrors ek_flash_part of machine.h."""

    NAMES = ("base", "bytes", "page_bytes", "bank_bytes", "registers", "protected_offset", "protected_bytes")
    _fields_ = tuple((name, ctypes.c_uint32) for name in NAMES)


class FlashWork(ctypes.Structure):
    """Mirrors ek_flash_work of machine.h."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in ("erases", "programs", "stalls"))


LEAVE = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint64)
DESCRIBE = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(TracedInstruction))


class Unicorn(ctypes.Structure):
    """Mirrors ek_unicorn of machine.h: addresses of unicorn's functions."""

    NAMES = ("mem_read", "reg_read", "emu_stop")
    _fields_ = tuple((name, ctypes.c_void_p) for name in NAMES)


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The loaded library with its prototypes; compiles it on first use (some seconds)."""
    lib = ctypes.CDLL(str(_build()))
    pointer, word, wide = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    prototypes: dict[str, tuple[object, list[object]]] = {
        "ek_trace_new": (pointer, [pointer, pointer, word, wide, wide, wide, LEAVE]),
        "ek_trace_free": (None, [pointer]),
        "ek_trace_blocks": (wide, [pointer, pointer]),
        "ek_trace_reason": (word, [pointer]),
        "ek_trace_context": (word, [pointer]),
        "ek_trace_address": (word, [pointer]),
        "ek_trace_runs": (wide, [pointer]),
        "ek_trace_executed": (wide, [pointer]),
        "ek_memory_new": (pointer, [pointer, pointer, word, word, DESCRIBE]),
        "ek_memory_free": (None, [pointer]),
        "ek_memory_cache": (word, [pointer, word, word, word, word, word]),
        "ek_memory_region": (ctypes.c_int, [pointer, word, word, word, word, word, word]),
        "ek_bus_new": (pointer, [pointer, ctypes.c_char_p, wide, wide]),
        "ek_bus_free": (None, [pointer]),
        "ek_bus_add": (ctypes.c_int, [pointer, word, word]),
        "ek_bus_reset": (None, [pointer, word, word]),
        "ek_bus_follow": (ctypes.c_int, [pointer, word, word, word, word, word]),
        "ek_bus_uart": (None, [pointer, word, word, word, word, word]),
        "ek_bus_flash": (None, [pointer, pointer]),
        "ek_bus_page": (pointer, [pointer, word]),
        "ek_bus_sent": (wide, [pointer, pointer]),
        "ek_bus_taken": (wide, [pointer]),
        "ek_flash_new": (pointer, [pointer, pointer, pointer, pointer, word]),
        "ek_flash_free": (None, [pointer]),
        "ek_flash_cut": (None, [pointer, wide, ctypes.c_int, wide]),
        "ek_flash_done": (None, [pointer, pointer]),
        "ek_flash_take_nmi": (ctypes.c_int, [pointer]),
    }
    for name, (result, arguments) in prototypes.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def address_of(function: object) -> int:
    """The machine address of a ctypes function."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def _build() -> Path:
    folder = files("edgekit.emulate") / "native"
    texts = {name: (folder / name).read_bytes() for name in SOURCES}
    key = hashlib.sha256(f"{importlib.metadata.version('ziglang')} {sys.platform} {platform.machine()}".encode())
    for text in texts.values():
        key.update(text)
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    target = cache_folder() / f"emulate-{key.hexdigest()[:20]}{suffix}"
    if not target.exists():
        with tempfile.TemporaryDirectory() as scratch:
            sources = [Path(scratch) / name for name in SOURCES]
            for source in sources:
                source.write_bytes(texts[source.name])
            compiled = Path(scratch) / target.name
            units = [source for source in sources if source.suffix == ".c"]
            host_compiler().compile(units, compiled, "-shared", "-fPIC", "-fvisibility=hidden")
            write_atomic(target, compiled.read_bytes())
    return target

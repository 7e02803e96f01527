"""The emulator's C part: compiled once with ``zig cc`` into the cache, loaded with ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np

SOURCES = ("machine.h", "trace.c", "bus.c")

# Mirrors ek_block of machine.h.
BLOCK = np.dtype(
    [
        ("executions", "<u8"),
        ("taken", "<u8"),
        ("taken_wide", "<u8"),
        ("address", "<u4"),
        ("size", "<u4"),
        ("context", "<u4"),
        ("instructions", "<u4"),
        ("wide_target", "<u4"),
        ("enters", "<u4"),
    ]
)

# Mirrors the enumeration of machine.h.
RUNNING, IDLE, BUDGET, SELF_LOOP, NESTING, REACHED, NO_MEMORY, NO_PERIPHERAL = range(8)

LEAVE = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint64)


class Unicorn(ctypes.Structure):
    """Mirrors ek_unicorn of machine.h: addresses of unicorn's functions."""

    _fields_ = (("mem_read", ctypes.c_void_p), ("reg_read", ctypes.c_void_p), ("emu_stop", ctypes.c_void_p))


def cache_folder() -> Path:
    """Where compiled helpers are kept: ``$EDGEKIT_CACHE``, else the user's cache folder."""
    if chosen := os.environ.get("EDGEKIT_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgekit"


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The loaded library with its prototypes; compiles it on first use (some seconds)."""
    lib = ctypes.CDLL(str(_build()))
    pointer, word, wide = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    prototypes: dict[str, tuple[object, list[object]]] = {
        "ek_trace_new": (pointer, [pointer, pointer, word, wide, wide, LEAVE]),
        "ek_trace_free": (None, [pointer]),
        "ek_trace_blocks": (wide, [pointer, pointer]),
        "ek_trace_reason": (word, [pointer]),
        "ek_trace_context": (word, [pointer]),
        "ek_trace_address": (word, [pointer]),
        "ek_trace_runs": (wide, [pointer]),
        "ek_trace_instructions": (wide, [pointer]),
        "ek_bus_new": (pointer, [pointer, ctypes.c_char_p, wide]),
        "ek_bus_free": (None, [pointer]),
        "ek_bus_add": (ctypes.c_int, [pointer, word, word]),
        "ek_bus_reset": (None, [pointer, word, word]),
        "ek_bus_follow": (ctypes.c_int, [pointer, word, word, word, word]),
        "ek_bus_uart": (None, [pointer, word, word, word, word, word]),
        "ek_bus_page": (pointer, [pointer, word]),
        "ek_bus_sent": (wide, [pointer, pointer]),
        "ek_bus_taken": (wide, [pointer]),
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
    key = hashlib.sha256(importlib.metadata.version("ziglang").encode() + platform.platform().encode())
    for text in texts.values():
        key.update(text)
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    target = cache_folder() / f"emulate-{key.hexdigest()[:20]}{suffix}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            for name, text in texts.items():
                (Path(scratch) / name).write_bytes(text)
            compiled = Path(scratch) / target.name
            command = [sys.executable, "-m", "ziglang", "cc", "-O2", "-shared", "-fPIC", "-std=c99"]
            command += ["-fno-sanitize=all", "-fvisibility=hidden", "-o", str(compiled)]
            command += [str(Path(scratch) / name) for name in SOURCES if name.endswith(".c")]
            subprocess.run(command, check=True, capture_output=True, text=True)
            os.replace(compiled, target)  # another process may have been faster: same bytes
    return target

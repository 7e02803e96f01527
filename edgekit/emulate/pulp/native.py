"""The simulator's C part: compiled once with ``zig cc`` into the cache, loaded with ctypes."""

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

from deploy.boards import Board
from deploy.compilers import host_compiler
from quant.datasets.cache import cache_folder, write_atomic

# Mirrors the enumeration of machine.h.
(
    RUNNING, EXIT, BREAKPOINT, LEFT, BUDGET, DEADLOCK, ILLEGAL, FETCH, NO_MEMORY, NO_REGISTER, MISALIGNED, LOOP,
    NESTING, CSR, DMA_COMMAND, ROUNDING, HOST,
) = range(17)  # fmt: skip
ANY_CORE = 0xFFFFFFFF

# Mirrors the reasons to sleep.
AWAKE, CLOCK_OFF, WAIT_EVENT, WAIT_LINE, WAIT_MUTEX, WAIT_DISPATCH, WAIT_DMA_ID, WAIT_DMA_QUEUE = range(8)

# Mirrors the counters of machine.h; the cycles of a core are the sum over CYCLES.
CYCLES = ("execute", "load_use", "branch", "conflict", "icache", "memory", "dma_wait", "barrier", "idle")
COUNTERS = np.dtype(
    [(name, "<u8") for name in ("instructions", *CYCLES, "dma_in", "dma_out", "misaligned")], align=False
)


class Stop(ctypes.Structure):
    """Mirrors ek_stop."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in ("reason", "core", "pc", "address", "context", "exit_code"))


class Watch(ctypes.Structure):
    """Mirrors ek_watch."""

    _fields_ = (("core", ctypes.c_uint32), ("what", ctypes.c_uint32))


class Config(ctypes.Structure):
    """Mirrors ek_config."""

    TIMING = ("mul", "mulh", "divide_min", "divide_max", "load_use", "branch_taken", "jump", "misaligned")
    LATENCY = (
        "pe_l2", "pe_cluster_peripheral", "pe_soc_peripheral", "fc_l2", "fc_l1", "fc_cluster_peripheral",
        "fc_soc_peripheral", "barrier", "wake",
    )  # fmt: skip
    DMA = ("latency_in", "latency_out", "rate_in", "rate_out", "line_in", "line_out", "ids")
    _fields_ = tuple(
        (name, ctypes.c_uint32)
        for name in (
            "pes", "fc_xpulp", "floating_point", "l1_base", "l1_bytes", "banks", "l2_base", "l2_bytes", "icache_bytes",
            "icache_line", "icache_ways", "icache_miss", *TIMING, *LATENCY, *(f"dma_{name}" for name in DMA),
        )
    )  # fmt: skip


def config_of(board: Board) -> Config:
    """What the simulator needs of a board's data."""
    cluster = board.cluster
    assert cluster is not None, board.name
    l2 = next(memory for memory in board.memories if memory.name == "l2")
    cache = cluster.icache
    return Config(
        pes=board.cores,
        fc_xpulp=cluster.controller_xpulp,
        floating_point=cluster.floating_point,
        l1_base=cluster.l1.start,
        l1_bytes=cluster.l1.bytes,
        banks=cluster.l1.banks,
        l2_base=l2.start,
        l2_bytes=l2.bytes,
        icache_bytes=cache.bytes,
        icache_line=cache.line_bytes,
        icache_ways=cache.ways,
        icache_miss=cache.miss_cycles,
        **{name: getattr(cluster.timing, name) for name in Config.TIMING},
        **{name: getattr(cluster.latency, name) for name in Config.LATENCY},
        **{f"dma_{name}": getattr(cluster.dma, name) for name in Config.DMA},
    )


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The loaded library with its prototypes; compiles it on first use (some seconds)."""
    lib = ctypes.CDLL(str(_build()))
    pointer, word, wide, integer = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int
    prototypes: dict[str, tuple[object, list[object]]] = {
        "ek_pulp_new": (pointer, [ctypes.POINTER(Config)]),
        "ek_pulp_free": (None, [pointer]),
        "ek_pulp_contexts": (integer, [pointer, pointer, word]),
        "ek_pulp_functions": (integer, [pointer, pointer, pointer, word]),
        "ek_pulp_l3": (integer, [pointer, ctypes.c_char_p, word, word, wide, wide]),
        "ek_pulp_boot": (None, [pointer, word]),
        "ek_pulp_read": (integer, [pointer, word, word, pointer]),
        "ek_pulp_write": (integer, [pointer, word, word, ctypes.c_char_p]),
        "ek_pulp_run": (integer, [pointer, pointer, word, pointer, word, wide, ctypes.POINTER(Stop)]),
        "ek_pulp_stats": (None, [pointer, pointer]),
        "ek_pulp_reset_stats": (None, [pointer]),
        "ek_pulp_cycles": (wide, [pointer]),
        "ek_pulp_now": (wide, [pointer]),
        "ek_pulp_output": (wide, [pointer, pointer]),
        "ek_pulp_misaligned": (wide, [pointer, ctypes.POINTER(Stop)]),
        "ek_pulp_core": (None, [pointer, word, pointer]),
    }
    for name, (result, arguments) in prototypes.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def _build() -> Path:
    folder = files("edgekit.emulate.pulp") / "native"
    texts = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith((".c", ".h"))}
    key = hashlib.sha256(f"{importlib.metadata.version('ziglang')} {sys.platform} {platform.machine()}".encode())
    for name in sorted(texts):
        key.update(texts[name])
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    target = cache_folder() / f"pulp-{key.hexdigest()[:20]}{suffix}"
    if not target.exists():
        with tempfile.TemporaryDirectory() as scratch:
            for name, text in texts.items():
                (Path(scratch) / name).write_bytes(text)
            units = sorted(Path(scratch).glob("*.c"))
            compiled = Path(scratch) / target.name
            math = () if sys.platform == "win32" else ("-lm",)
            host_compiler().compile(units, compiled, "-shared", "-fPIC", "-fvisibility=hidden", *math)
            write_atomic(target, compiled.read_bytes())
    return target

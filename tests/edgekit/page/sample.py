"""A report like those of ECG-TCN on the STM32L475. TEST DATA: every figure here is invented, none was measured."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

STALLS = ("execute", "load_use", "branch", "fetch", "data")
CLOCK_HZ, RUN_MA, SUPPLY_V = 80_000_000, 12.88, 3.3
UJ_PER_CYCLE = RUN_MA * SUPPLY_V / CLOCK_HZ * 1e3
WHY = "fewest predicted cycles of 2 that fit"
WHY_CONV0 = f"one input channel: {WHY}"
ONLY = "the only one that fits"

# name, operator, why its kernel, MACs, executed MACs, cycles by category, RAM, flash, placement
LAYERS = (
    ("conv0", "conv", WHY_CONV0, 3_080, 3_300, (6_347, 214, 648, 1_022, 131), 2_140, 832, "flash"),
    ("b1.conv1", "conv", WHY, 33_880, 33_132, (40_724, 2_610, 4_206, 5_133, 902), 3_680, 1_472, "flash"),
    ("b1.conv2", "conv", WHY, 186_340, 183_810, (168_405, 9_870, 14_385, 18_240, 4_911), 6_680, 3_672, "ram"),
    ("b1.shortcut", "conv", WHY_CONV0, 3_080, 3_102, (18_855, 1_204, 2_465, 3_480, 377), 3_640, 1_032, "flash"),
    ("b1.add", "add", ONLY, 0, 0, (13_875, 770, 789, 2_215, 0), 3_080, 388, "flash"),
    ("b2.conv1", "conv", WHY, 186_340, 182_424, (171_041, 12_240, 17_280, 21_014, 5_240), 6_920, 3_672, "ram"),
    ("b2.conv2", "conv", WHY, 186_340, 182_424, (171_040, 12_240, 17_282, 20_870, 5_238), 6_920, 2_860, "ram"),
    ("b2.add", "add", ONLY, 0, 0, (13_875, 770, 789, 2_215, 0), 3_080, 0, "flash"),
    ("b3.conv1", "conv", WHY, 186_340, 171_600, (162_751, 11_880, 16_398, 22_961, 6_013), 7_400, 3_672, "flash"),
    ("b3.conv2", "conv", WHY, 186_340, 171_600, (162_753, 11_880, 16_400, 23_104, 6_021), 7_400, 2_860, "flash"),
    ("b3.add", "add", ONLY, 0, 0, (13_876, 770, 789, 2_217, 0), 3_080, 0, "flash"),
    ("fc", "dense", WHY, 7_700, 7_700, (11_611, 1_540, 1_945, 1_102, 3_890), 1_545, 8_164, "flash"),
)  # fmt: skip
OVERHEAD = (181, 22, 58, 47, 11)
OVERHEAD_INSTRUCTIONS = 174

# name, kind, offset, bytes, first and last step
BUFFERS = (
    ("input", "tensor", 0, 1_540, 0, 5),
    ("b1.conv1", "tensor", 1_544, 1_540, 2, 8),
    ("b2.conv1", "tensor", 0, 1_540, 6, 11),
    ("b3.conv1", "tensor", 5_864, 1_540, 9, 12),
    ("fc", "tensor", 0, 5, 12, 13),
    ("scratch of conv0", "scratch", 1_544, 600, 1, 1),
    ("scratch of b1.conv1", "scratch", 3_088, 600, 2, 2),
    ("scratch of b1.conv2", "scratch", 3_088, 3_600, 3, 3),
    ("scratch of b1.shortcut", "scratch", 3_088, 560, 4, 4),
    ("scratch of b2.conv1", "scratch", 3_088, 3_840, 6, 6),
    ("scratch of b2.conv2", "scratch", 3_088, 3_840, 7, 7),
    ("scratch of b3.conv1", "scratch", 1_544, 4_320, 9, 9),
    ("scratch of b3.conv2", "scratch", 1_544, 4_320, 10, 10),
)

CLASSES = ("normal", "R-on-T PVC", "PVC", "supraventricular", "unclassified")
CONFUSION = {
    "float": [
        [2_603, 15, 1, 8, 0],
        [36, 1_541, 9, 4, 0],
        [10, 42, 31, 3, 0],
        [88, 14, 2, 71, 0],
        [9, 8, 3, 2, 0],
    ],
    "int8": [
        [2_602, 16, 1, 8, 0],
        [35, 1_543, 8, 4, 0],
        [10, 44, 29, 3, 0],
        [90, 14, 2, 69, 0],
        [9, 9, 2, 2, 0],
    ],
}
# index, true class, float, int8
EXAMPLES = (
    (0, 0, 0, 0), (17, 0, 0, 0), (2_640, 1, 1, 1), (3_002, 1, 1, 1),
    (4_226, 2, 2, 2), (4_251, 2, 2, 1), (4_310, 3, 3, 3), (4_486, 4, 0, 0),
)  # fmt: skip
# layer, float to fake quantization, float to integers, fake quantization to integers (None: identical), in dB
SQNR = (
    ("conv0", 42.31, 42.31, None), ("b1.conv1", 38.07, 38.05, 71.24), ("b1.conv2", 35.92, 35.90, 66.83),
    ("b1.shortcut", 40.18, 40.18, None), ("b1.add", 34.75, 34.71, 63.02), ("b2.conv1", 33.46, 33.40, 60.11),
    ("b2.conv2", 31.88, 31.83, 58.97), ("b2.add", 32.64, 32.58, 58.40), ("b3.conv1", 30.27, 30.21, 57.15),
    ("b3.conv2", 28.94, 28.86, 56.32), ("b3.add", 30.55, 30.47, 56.04), ("fc", 33.19, 33.02, 54.73),
)  # fmt: skip


def sample() -> dict[str, Any]:
    """A new report of format 2, every section filled."""
    return deepcopy(_report())


def priced_without_data() -> dict[str, Any]:
    """The report of a model that was only priced: nothing that needs a data set or a training."""
    report = sample()
    for key in ("accuracy", "balanced_accuracy", "confusion", "classes", "examples", "sqnr"):
        del report[key]
    for key in ("agreement", "training", "preset", "seed", "dataset"):
        del report[key]
    return report


def _report() -> dict[str, Any]:
    layers = [_layer(*row) for row in LAYERS]
    totals = [sum(layer["stalls"][name] for layer in layers) for name in STALLS]
    stalls = {name: total + more for name, total, more in zip(STALLS, totals, OVERHEAD, strict=True)}
    cycles = sum(stalls.values())
    latency_ms = cycles / CLOCK_HZ * 1e3
    energy_mj = cycles * UJ_PER_CYCLE / 1e3
    examples = [
        {"index": index, "values": _beat(true, index), "true": true, "float": fp, "int8": q}
        for index, true, fp, q in EXAMPLES
    ]
    return {
        "format": 2,
        "model": "ecg-tcn",
        "preset": "int8",
        "seed": 0,
        "dataset": "ecg5000",
        "board": "stm32l475",
        "core": "cortex-m4f",
        "cores": 1,
        "accuracy": {name: _trace(matrix) for name, matrix in CONFUSION.items()},
        "balanced_accuracy": {"float": 0.5571, "int8": 0.5504},
        "classes": list(CLASSES),
        "confusion": CONFUSION,
        "params": 14_641,
        "macs": 979_440,
        "executed_macs": 939_092,
        "cost": {
            "cycles": cycles,
            "instructions": sum(layer["instructions"] for layer in layers) + OVERHEAD_INSTRUCTIONS,
            "latency_ms": latency_ms,
            "latency_ms_low": latency_ms * 0.95,
            "latency_ms_high": latency_ms * 1.08,
            "energy_mj": energy_mj,
            "energy_mj_low": energy_mj * 0.85,
            "energy_mj_high": energy_mj * 1.2,
            "clock_hz": CLOCK_HZ,
            "firmware_clock_hz": CLOCK_HZ,
            "wait_states": 4,
            "voltage_range": "range 1",
            "overhead_cycles": sum(OVERHEAD),
            "stalls": stalls,
        },
        "power": {
            "run_ma": RUN_MA,
            "run_ua_per_mhz": 161.0,
            "supply_v": SUPPLY_V,
            "source": "measured by third parties under neural-network load at 3.3 V",
            "sleep_ua": 1.12,
            "sleep_mode": "Stop 2 with RTC",
            "sleep_source": "DS10969 table of Stop 2 currents, 25 °C",
        },
        "duty": {
            "period_s": 1.0,
            "battery_mah": 100.0,
            "average_ua": 218.4,
            "active_share": latency_ms / 1e3,
            "battery_days": 19.08,
            "battery_days_low": 16.3,
            "battery_days_high": 22.41,
        },
        "memory": {
            "arena_bytes": 7_408,
            "ram_bytes": 17_924,
            "flash_bytes": 44_744,
            "stack_bytes": 160,
            "weight_bytes": 21_696,
            "stack_used_bytes": 120,
            "ram_available": 131_072,
            "flash_available": 1_048_576,
            "arena_bound_bytes": 7_408,
        },
        "placement": {
            "choice": "auto",
            "code_in_ram": ["conv_smlad_0"],
            "in_ram": [layer["name"] for layer in layers if layer["placement"] == "ram"],
            "ram_bytes": 10_204,
            "saved_cycles": 58_310,
            "reason": "these three layers lose most to flash, and their code and constants leave 113,148 bytes of RAM",
        },
        "layers": layers,
        "timeline": {
            "arena_bytes": 7_408,
            "steps": ["input", *(layer["name"] for layer in layers), "output"],
            "buffers": [
                dict(zip(("name", "kind", "offset", "bytes", "first", "last"), row, strict=True)) for row in BUFFERS
            ],
        },
        "sqnr": [
            {"name": name, "float_fake_db": fake, "float_integer_db": whole, "fake_integer_db": conversion}
            for name, fake, whole, conversion in SQNR
        ],
        "examples": examples,
        "bands": {
            "cycles_percent": 8,
            "energy_percent": 20,
            "why": "cycles: the flash cache's replacement is not published; energy: parts differ, and so do boards",
        },
        "agreement": [
            _agreement("ONNX Runtime", 4_500, 13, 77_512_500),
            _agreement("host C", 4_500, 12, 70_582_500),
            _agreement("emulated stm32l475", 100, 12, 1_568_500),
        ],
        "image_sha256": "5a3c" * 16,
        "versions": {"edgekit": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "torch": "2.13.0", "ziglang": "0.17.1"},
        "training": {
            "format": 1,
            "model": "ecg-tcn",
            "dataset": "ecg5000",
            "data_sha256": "83e3" * 16,
            "preset": "int8",
            "seed": 0,
            "recipe": {"batch": 30, "epochs": 40, "learning_rate": 0.001, "qat_epochs": 10, "decay": "cosine"},
            "threads": 1,
            "versions": {"torch": "2.13.0", "brevitas": "0.13.4"},
        },
    }


def _layer(
    name: str,
    op: str,
    why: str,
    macs: int,
    executed: int,
    split: tuple[int, ...],
    ram: int,
    flash: int,
    placement: str,
) -> dict[str, Any]:
    return {
        "name": name,
        "op": op,
        "kernel": f"{op}_smlad",
        "why": why,
        "macs": macs,
        "executed_macs": executed,
        "instructions": split[0],
        "cycles": sum(split),
        "stalls": dict(zip(STALLS, split, strict=True)),
        "energy_uj": sum(split) * UJ_PER_CYCLE,
        "ram_bytes": ram,
        "flash_bytes": flash,
        "placement": placement,
    }


def _agreement(machine: str, samples: int, layers: int, values: int) -> dict[str, Any]:
    rest = {"different": 0, "first": None}
    return {"machine": machine, "samples": samples, "layers": layers, "values": values, **rest}


def _trace(confusion: list[list[int]]) -> float:
    return sum(row[number] for number, row in enumerate(confusion)) / sum(map(sum, confusion))


def _beat(kind: int, seed: int) -> list[float]:
    """140 made-up samples: three bumps whose size depends on the class, and a deterministic ripple."""
    bumps = ((0.12, 0.5, 0.03), (0.3 + 0.03 * kind, -4.0 + 0.6 * kind, 0.04), (0.85, 1.8 - 0.5 * kind, 0.09))
    return [
        round(
            sum(height * math.exp(-(((index / 139 - at) / width) ** 2)) for at, height, width in bumps)
            + 0.06 * math.sin(index * 0.9 + seed),
            4,
        )
        for index in range(140)
    ]

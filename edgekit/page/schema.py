"""What a report must hold before it can become a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMAT = 2  # of report.json

# A key's shape: None for a value, a mapping for a section, a list of one shape for a list that is not empty.
Shape = Any


def _values(words: str) -> dict[str, Shape]:
    return dict.fromkeys(words.split())


STALLS = _values("execute load_use branch fetch data")
COST = _values(
    "cycles instructions latency_ms latency_ms_low latency_ms_high energy_mj energy_mj_low energy_mj_high clock_hz "
    "firmware_clock_hz wait_states voltage_range overhead_cycles"
)
LAYER = _values(
    "name op kernel why macs executed_macs instructions cycles energy_uj ram_bytes flash_bytes placement",
)
REQUIRED: dict[str, Shape] = {
    **_values("model board core cores params macs executed_macs image_sha256 versions"),
    "cost": {**COST, "stalls": STALLS},
    "power": _values("run_ma run_ua_per_mhz supply_v source sleep_ua sleep_mode sleep_source"),
    "duty": _values(
        "period_s battery_mah average_ua active_share battery_days battery_days_low battery_days_high",
    ),
    "memory": _values(
        "arena_bytes ram_bytes flash_bytes stack_bytes weight_bytes stack_used_bytes ram_available flash_available "
        "arena_bound_bytes"
    ),
    "placement": _values("choice in_ram code_in_ram ram_bytes saved_cycles reason"),
    "layers": [{**LAYER, "stalls": STALLS}],
    "timeline": {**_values("arena_bytes steps"), "buffers": [_values("name kind offset bytes first last")]},
    "bands": _values("cycles_percent energy_percent why"),
}
# A cluster has other memories and other ways to lose time; nothing is placed, and the picture of its L2 may be absent.
CLUSTER_STALLS = _values("execute load_use branch conflict icache l2 dma barrier idle")
CLUSTER_COST = {key: shape for key, shape in COST.items() if key != "wait_states"}
CLUSTER_LAYER = _values(
    "name op kernel why macs executed_macs instructions cycles energy_uj awake dma_in_bytes dma_out_bytes tiles "
    "constants constant_bytes"
)
CLUSTER_REQUIRED: dict[str, Shape] = {
    **{key: shape for key, shape in REQUIRED.items() if key not in ("placement", "timeline")},
    "cost": {**CLUSTER_COST, "stalls": CLUSTER_STALLS},
    "cluster": {
        **_values(
            "cores cores_available awake l3_wait_cycles controller_cycles dma_in_bytes dma_out_bytes start_ms start_mj"
        ),
        "by_core": [CLUSTER_STALLS],
    },
    "power": _values(
        "run_ma run_mw compute_mw waiting_mw controller_mw supply_v source sleep_ua sleep_mode sleep_source"
    ),
    "memory": _values(
        "l1_arena_bytes l1_stacks_bytes l1_bytes l1_available l2_arena_bytes l2_constants_bytes l2_code_bytes "
        "l2_stack_bytes l2_bytes l2_available l3_constants_bytes l3_bytes l3_available weight_bytes"
    ),
    "layers": [{**CLUSTER_LAYER, "stalls": CLUSTER_STALLS}],
}
# A model can be priced without data, and without having been trained here: these may be absent, null or empty.
OPTIONAL: dict[str, Shape] = {
    **_values("classes dataset training"),
    "data": _values("split note"),
    "accuracy": _values("float int8"),
    "balanced_accuracy": _values("float int8"),
    "confusion": _values("float int8"),
    "examples": [_values("index values true float int8")],
    "sqnr": [_values("name float_fake_db float_integer_db fake_integer_db")],
    "streaming": {
        **_values("mode hop window delay function macs window_macs state_bytes"),
        "memory": {},
        "hop_cost": _values("cycles instructions latency_ms energy_mj"),
        "window_cost": _values("cycles instructions latency_ms energy_mj"),
        "layers": [_values("name positions computed kept state_bytes why")],
        "agreement": [_values("machine samples layers values different first")],
    },
    "hd": {
        **_values("embedding description mode dimension features bands centroids memory_bits fit_seconds"),
        "curve": [_values("dimension accuracy")],
        "between": [[None]],
        "distances": [None],
    },
    "front_end": _values("lines"),
    "memory_sizes": [_values("label width backbone classifier projection memory before after smaller")],
    "methods": _values("float int8"),
    "left_out": [_values("machine reason")],
    "agreement": [_values("machine samples layers values different first")],
    "eeg": {**_values("channels fs depth subjects"), "temporal": [None], "spatial": [None]},
}
SUBJECTS: Shape = [_values("subject trials float int8")]


def missing(report: Mapping[str, Any]) -> list[str]:
    """Everything that the page needs and the report lacks, as ``cost.cycles`` or ``layers[3].why``."""
    present = {key: shape for key, shape in OPTIONAL.items() if report.get(key)}
    if "eeg" in present and report["eeg"].get("subjects"):
        present["eeg"] = {**present["eeg"], "subjects": SUBJECTS}
    named = _values("classes") if {"confusion", "examples", "eeg"} & present.keys() else {}
    required = CLUSTER_REQUIRED if "cluster" in report else REQUIRED
    drawn = {"timeline": REQUIRED["timeline"]} if report.get("timeline") else {}
    return _gaps(report, {**required, **drawn, **present, **named}, "")


def _gaps(value: Any, shape: Shape, where: str) -> list[str]:
    if shape is None:
        return []
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return [where]
        return [gap for position, item in enumerate(value) for gap in _gaps(item, shape[0], f"{where}[{position}]")]
    if not isinstance(value, Mapping):
        return [where]
    paths = {key: f"{where}.{key}" if where else key for key in shape}
    absent = [paths[key] for key in shape if key not in value]
    return absent + [gap for key in shape if key in value for gap in _gaps(value[key], shape[key], paths[key])]

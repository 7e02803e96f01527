"""Whatever runs what was built for a board."""

from __future__ import annotations

from pathlib import Path

from edgekit.agreement import EmulatedBoard, Machine, SimulatedCluster, host_library
from edgekit.firmware import Firmware


def machine(folder: Path, board_name: str) -> Machine:
    if board_name == "host":
        return host_library(folder)
    firmware = Firmware.load(folder)
    if firmware.board.cluster:
        return SimulatedCluster(firmware, firmware.board.operating_point(), None)
    return EmulatedBoard(firmware)

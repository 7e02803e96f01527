"""The networks whose cost the baseline keeps, and the boards that each runs on."""

from __future__ import annotations

from dataclasses import dataclass

from quant.networks.ecg_tcn import ECG_TCN
from quant.networks.eeg_tcnet import eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.network import Network
from quant.networks.order import Order, in_order


@dataclass(frozen=True)
class Entry:
    """A network of the baseline.

    Attributes:
        name: as figures name it.
        published: its table, whose MACs count whatever the order.
        order: of temporal and spatial convolution; None where there is no choice.
        boards: that it is built for.
        memory: bytes of tensors, buffers and constants that clusters may use.
    """

    name: str
    published: Network
    order: Order | None
    boards: tuple[str, ...]
    memory: int | None = None

    @property
    def network(self) -> Network:
        """The table in its order."""
        return in_order(self.published, self.order)


def _both(name: str, network: Network) -> tuple[Entry, Entry]:
    boards = ("gap8", "host", "stm32f756", "stm32l475")
    return (
        Entry(f"{name}, faithful", network, "faithful", boards),
        Entry(f"{name}, spatial-first", network, "spatial-first", boards),
    )


ENTRIES = (
    Entry("ecg-tcn", ECG_TCN, None, ("gap8", "gap9", "mrwolf", "stm32f756", "stm32l475")),
    *_both("eegnet 38x54", eegnet(38, 54, 4, 3)),
    *_both("q-eegnet 22x1125", q_eegnet(22, 1125, 4)),
    Entry("q-eegnet 22x1125, faithful, 36 KB", q_eegnet(22, 1125, 4), "faithful", ("gap8", "mrwolf"), 36 * 1024),
    *_both("eeg-tcnet 22x1125", eeg_tcnet(22, 1125, 4)),
)

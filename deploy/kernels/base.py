"""What a kernel variant declares: the nodes it takes, how it packs constants, its scratch memory and its cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import NDArray

from deploy.box import Box, start, whole
from deploy.layout import Layout, channels_last
from quant.dtypes import DType
from quant.graph import Tensor
from quant.ops import Op

Order = Callable[[tuple[int, ...]], Layout]  # shape -> storage order

C_TYPE = {DType.S8: "int8_t", DType.S16: "int16_t", DType.S32: "int32_t", DType.B1: "uint32_t"}


def c_size(ctype: str) -> int:
    """Bytes of one element of a fixed-width C integer type."""
    return int("".join(filter(str.isdigit, ctype))) // 8


@dataclass(frozen=True, eq=False)
class Array:
    """A constant in flash.

    Attributes:
        label: becomes part of the C symbol (``weight``, ``channel`` ...).
        ctype: element type; for a struct type ``values`` has one row per element, one column per field.
        values: integers.
        weight: whether its bytes count as weights in the size table.
    """

    label: str
    ctype: str
    values: NDArray
    weight: bool = False

    @property
    def nbytes(self) -> int:
        """Its bytes in flash."""
        return self.values.size * c_size(self.ctype)


@dataclass(frozen=True)
class Call:
    """One call of a C kernel: ``function(&geometry, inputs..., output, arrays..., scratch)``.

    Attributes:
        geometry: struct type and its fields, emitted as a literal so that the compiler specialises the kernel.
        inputs: which of the node's inputs are passed, in order.
        arrays: constants, in parameter order.
        scratch: bytes of working memory; 0 leaves the parameter out.
    """

    function: str
    geometry: tuple[str, Mapping[str, int]]
    inputs: tuple[int, ...] = (0,)
    arrays: tuple[Array, ...] = ()
    scratch: int = 0


@dataclass(frozen=True)
class Site:
    """A node as a kernel sees it: operator, tensors and the layouts they are stored in.

    Attributes:
        takes: what of every input the operator reads, if not all of it. Operators on one element at a time take one
            piece of memory; kernels that move data take any box; windows say it with their pads.
    """

    name: str
    op: Op
    inputs: tuple[Tensor, ...]
    output: Tensor
    layouts: tuple[Layout, ...]
    out_layout: Layout
    takes: tuple[Box, ...] = ()

    def take(self, position: int) -> Box:
        """What of an input the operator reads."""
        return self.takes[position] if self.takes else whole(self.inputs[position].shape)


class Kernel(ABC):
    """A kernel variant.

    Attributes:
        name: the variant's name in reports.
        op: operator it implements.
        isa: ``portable`` or an instruction-set feature that the board must list.
        header: C header below ``firmware/kernels``.
        mnemonics: instructions that the compiled layer must contain, checked on the disassembly.
        team: whether all cores of a cluster call it, each for its share of the work (``ek_team``).
        reads, writes: storage orders that inputs and the output may have.
        any_layout: takes and gives any storage order instead.
    """

    name: ClassVar[str]
    op: ClassVar[type[Op]]
    isa: ClassVar[str] = "portable"
    header: ClassVar[str]
    mnemonics: ClassVar[tuple[str, ...]] = ()
    team: ClassVar[bool] = False
    reads: ClassVar[tuple[Order, ...]] = (channels_last,)
    writes: ClassVar[tuple[Order, ...]] = (channels_last,)
    any_layout: ClassVar[bool] = False

    def misplaced(self, site: Site) -> str | None:
        """Why storage orders do not suit this variant; None when they do."""
        if self.any_layout:
            return None
        for x, layout in zip(site.inputs, site.layouts, strict=True):
            if not any(layout.same_order(order(x.shape)) for order in self.reads):
                return "it reads another storage order"
        suits = any(site.out_layout.same_order(order(site.output.shape)) for order in self.writes)
        return None if suits else "it writes another storage order"

    def unsupported(self, site: Site) -> str | None:
        """Why this variant cannot run the node, whatever its storage orders are; None when it can."""
        return None

    def refusal(self, site: Site) -> str | None:
        """Why this variant cannot run the node as it is stored; None when it can."""
        return self.unsupported(site) or self.misplaced(site)

    @abstractmethod
    def calls(self, site: Site) -> Sequence[Call]:
        """The C calls that compute the node, in order."""

    def skipped(self, site: Site, position: int) -> int:
        """Bytes of an input before the first one that its calls are given."""
        x = site.inputs[position]
        return start(site.take(position), x.shape) * x.dtype.bits // 8

    def scratch(self, site: Site) -> int:
        """Bytes of working memory that its calls need; overridden where asking :meth:`calls` would be slow."""
        return max(call.scratch for call in self.calls(site))

    @abstractmethod
    def cycles(self, site: Site) -> float:
        """Static estimate of its cycles, for choosing between variants."""

    def executed_macs(self, site: Site) -> int:
        """MACs it really executes (skipped padding is less, padded channels are more than the table's)."""
        return 0

    def inplace(self, site: Site) -> tuple[int, ...]:
        """Inputs whose memory the output may take: they are no longer read when the first output byte is written."""
        return ()

"""Executes a table of steps on bytes, with the operators' reference in place of kernels.

Transfers that may overlap with computation run at the earliest or at the latest moment that the table allows; both have
to give the same bytes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from deploy.box import slices
from deploy.gap.plan import ClusterPlan
from deploy.gap.schedule import make_steps
from deploy.gap.steps import Pointer, Step, Transfer
from deploy.kernels.base import Site
from quant.dtypes import DType
from quant.ops import AveragePool, BinaryConv, Conv, MaxPool
from quant.ops.binary import finished, signs
from quant.requant import Requant

Moment = Literal["early", "late"]
Window = Conv | AveragePool | MaxPool


class Interpreter:
    """One inference of a plan; ``moment``: when transfers run that need not wait."""

    def __init__(self, plan: ClusterPlan, moment: Moment) -> None:
        self.plan, self.moment = plan, moment
        self.steps = make_steps(plan)
        constants = b"".join(chunk.image for chunk in plan.chunks if not chunk.in_l3)
        self.memories = {
            "l1": bytearray(b"\x57" * plan.l1_bytes),
            "arena": bytearray(b"\x57" * plan.l2.size),
            "constants": bytearray(constants),
            "l3": bytearray(b"".join(chunk.image for chunk in plan.chunks if chunk.in_l3)),
        }
        self.moved: dict[str, list[int]] = {layer.node.name: [0, 0] for layer in plan.layers}

    def run(self, inputs: dict[str, NDArray]) -> dict[str, NDArray]:
        """Every layer's output that is stored whole, and the model's outputs; inputs (*shape)."""
        plan = self.plan
        for tensor in plan.graph.inputs:
            data = plan.layouts[tensor.name].image(inputs[tensor.name], tensor.dtype)
            self._write(plan.outside(tensor.name), data)
        results: dict[str, NDArray] = {}
        fetches = [step.fetch for step in self.steps if step.fetch]
        for fetch in fetches[:2]:
            self._write(Pointer("arena", fetch.l2), self.memories["l3"][fetch.l3 : fetch.l3 + fetch.bytes])
        done = 0
        waiting: list[tuple[Step, Transfer]] = []
        loaded: set[int] = set()
        for index, step in enumerate(self.steps):
            self._load(step, step.late)
            if index not in loaded:
                self._load(step, step.early)
            if step.fetch:
                done += 1
                for fetch in fetches[done + 1 : done + 2]:
                    self._write(Pointer("arena", fetch.l2), self.memories["l3"][fetch.l3 : fetch.l3 + fetch.bytes])
            if self.moment == "early" and index + 1 < len(self.steps):
                self._load(self.steps[index + 1], self.steps[index + 1].early)
                loaded.add(index + 1)
            if step.call is self._calls(step)[-1]:
                self._compute(step)
            for one, transfer in waiting:
                self._store(one, transfer)
            waiting = [(step, transfer) for transfer in step.store]
            if step.flush or self.moment == "early":
                for one, transfer in waiting:
                    self._store(one, transfer)
                waiting = []
            if step.flush:
                name = step.layer.node.output
                results[name] = self._tensor(name, plan.pointer(name))
        for tensor in plan.graph.outputs:
            results[tensor.name] = self._tensor(tensor.name, plan.outside(tensor.name))
        return results

    def _calls(self, step: Step) -> list[object]:
        if step.tile is None:
            return list(step.layer.calls)
        return [s.call for s in self.steps if s.tile is step.tile]

    def _compute(self, step: Step) -> None:
        site = step.tile.site if step.tile else step.layer.site
        values = []
        calls = [s for s in self.steps if s.layer is step.layer and s.tile is step.tile]
        pointers = {i: at for s in calls for i, at in zip(s.call.inputs, s.x, strict=True)}
        for i, (tensor, layout) in enumerate(zip(site.inputs, site.layouts, strict=True)):
            at = pointers[i] if i in pointers else self.plan.pointer(step.layer.node.inputs[i])
            loaded = layout.tensor(self._read(at, tensor.nbytes), tensor.dtype, tensor.shape)[slices(site.take(i))]
            values.append(loaded[None].astype(np.int64))
        taken = [replace(x, shape=tuple(b - a for a, b in site.take(i))) for i, x in enumerate(site.inputs)]
        result = evaluate(site, values) if step.tile else site.op.evaluate(values, taken)
        image = site.out_layout.image(result[0].reshape(site.output.shape), site.output.dtype)
        self._write(step.y, image)

    def _tensor(self, name: str, at: Pointer) -> NDArray:
        tensor = self.plan.need.tensor(name)
        return self.plan.layouts[name].tensor(self._read(at, tensor.nbytes), tensor.dtype, tensor.shape)

    def _load(self, step: Step, transfers: tuple[Transfer, ...]) -> None:
        for transfer in transfers:
            data = b"".join(self._read(replace(transfer.l2, offset=at), transfer.length) for at in lines(transfer))
            self._write(Pointer("l1", transfer.l1), data)
            self.moved[step.layer.node.name][0] += len(data)

    def _store(self, step: Step, transfer: Transfer) -> None:
        for number, at in enumerate(lines(transfer)):
            data = self._read(Pointer("l1", transfer.l1 + number * transfer.length), transfer.length)
            self._write(replace(transfer.l2, offset=at), data)
            self.moved[step.layer.node.name][1] += len(data)

    def _read(self, at: Pointer, size: int) -> bytes:
        memory = self.memories[at.memory]
        assert at.offset >= 0 and at.offset + size <= len(memory), (at, size, len(memory))
        return bytes(memory[at.offset : at.offset + size])

    def _write(self, at: Pointer, data: bytes | bytearray) -> None:
        memory = self.memories[at.memory]
        assert at.offset >= 0 and at.offset + len(data) <= len(memory), (at, len(data), len(memory))
        memory[at.offset : at.offset + len(data)] = data


def lines(transfer: Transfer) -> list[int]:
    """Offsets outside L1 of a transfer's lines."""
    return [
        transfer.l2.offset + plane * transfer.plane_stride + line * transfer.line_stride
        for plane in range(transfer.planes)
        for line in range(transfer.lines)
    ]


def evaluate(site: Site, values: list[NDArray]) -> NDArray:
    """The reference on a part of a layer: windows that reach outside of it see the zero point, pads may be negative."""
    if isinstance(site.op, BinaryConv):
        return on_bits(site.op, site, values[0])
    if not isinstance(site.op, Window):
        return site.op.evaluate(values, list(site.inputs))
    op, rank = cast(Conv, site.op), len(site.op.kernel)
    dilations = op.dilations if isinstance(site.op, Conv) else (1,) * rank
    x = values[0]
    low = -128 if isinstance(site.op, MaxPool) else site.inputs[0].zero_point
    for axis in range(rank):
        size = x.shape[2 + axis]
        need = (site.output.shape[1 + axis] - 1) * op.strides[axis] + (op.kernel[axis] - 1) * dilations[axis] + 1
        at = np.arange(need) - op.pads[axis]
        seen = np.take(x, np.clip(at, 0, size - 1), axis=2 + axis)
        inside = ((at >= 0) & (at < size)).reshape(-1, *[1] * (rank - 1 - axis))
        x = np.where(inside, seen, low)
    whole = replace(site.inputs[0], shape=x.shape[1:])
    return replace(site.op, pads=(0,) * 2 * rank).evaluate([x], [whole])


def on_bits(op: BinaryConv, site: Site, x: NDArray) -> NDArray:
    """A convolution on bits: an int8 convolution of signs whose zero point is what padding holds."""
    plain = Requant.of(1 << 30, 30, zero_point=0, lo=-(1 << 31), hi=(1 << 31) - 1)
    conv = Conv(signs(op.weight), op.bias, plain, op.strides, op.dilations, op.pads)
    given = (replace(site.inputs[0], dtype=DType.S8),)
    return finished(evaluate(replace(site, op=conv, inputs=given), [signs(x)]), op.finish)

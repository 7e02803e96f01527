"""What timing and the memory model need to know of a decoded Thumb instruction."""

from __future__ import annotations

from dataclasses import dataclass

import capstone
from capstone import arm

LOADS = frozenset(("ldr", "ldrb", "ldrh", "ldrsb", "ldrsh", "ldrex", "ldrexb", "ldrexh", "ldrt", "ldrbt", "ldrht"))
STORES = frozenset(("str", "strb", "strh", "strt", "strbt", "strht", "strex", "strexb", "strexh"))
LOAD_MULTIPLE = frozenset(("ldm", "ldmdb", "pop", "vldmia", "vldmdb", "vpop"))
STORE_MULTIPLE = frozenset(("stm", "stmdb", "push", "vstmia", "vstmdb", "vpush"))
MULTIPLE = LOAD_MULTIPLE | STORE_MULTIPLE
ON_STACK = frozenset(("push", "pop", "vpush", "vpop"))
DOUBLE = frozenset(("ldrd", "strd"))
FLOAT_MEMORY = frozenset(("vldr", "vstr"))
TABLE_BRANCHES = frozenset(("tbb", "tbh"))
DIVISIONS = frozenset(("sdiv", "udiv"))
BRANCHES = frozenset(("b", "bl", "bx", "blx", "cbz", "cbnz"))
WRITE_THEIR_FIRST = frozenset(("ldr", "mov", "add"))


@dataclass(frozen=True)
class Instruction:
    """One decoded instruction; registers are capstone's numbers.

    Attributes:
        base, index, shift, offset: the address of its data: offset + base + (index << shift), of the lowest word.
            ``base`` is 0 where the address is a constant, and then ``offset`` is the whole address.
        registers: transfers of a load or store of several registers, in words.
        shifted: an operand passes the shifter.
        conditional: part of an IT block, so that it may be skipped.
        operands: registers in the order written, for divisions.
    """

    name: str
    written: frozenset[int]
    read: frozenset[int]
    base: int
    index: int
    shift: int
    offset: int
    base_update: bool
    registers: int
    shifted: bool
    conditional: bool
    jumps: bool
    operands: tuple[int, ...]

    @property
    def address(self) -> frozenset[int]:
        """Registers that its data's address is made of."""
        return frozenset(register for register in (self.base, self.index) if register)

    @property
    def is_load(self) -> bool:
        """A single load."""
        return self.name in LOADS

    @property
    def is_memory(self) -> bool:
        return self.transfer_bytes > 0

    @property
    def is_store(self) -> bool:
        return self.name in STORES or self.name in STORE_MULTIPLE or self.name in ("strd", "vstr")

    @property
    def transfer_bytes(self) -> int:
        """Bytes of one transfer; 0 where no memory is accessed."""
        if self.name in LOADS or self.name in STORES:
            kind = self.name.removeprefix("ldr").removeprefix("str").removeprefix("ex").removeprefix("s")
            return {"b": 1, "h": 2}.get(kind[:1], 4)
        if self.name in TABLE_BRANCHES:
            return 1 if self.name == "tbb" else 2
        return 4 if self.name in MULTIPLE or self.name in DOUBLE or self.name in FLOAT_MEMORY else 0

    @property
    def transfers(self) -> int:
        """How many of them."""
        if self.name in MULTIPLE:
            return self.registers
        if self.name in DOUBLE or (self.name in FLOAT_MEMORY and any(map(is_double, self.read | self.written))):
            return 2
        return 1


def is_double(register: int) -> bool:
    """Whether it is a double-precision register, two words."""
    return bool(arm.ARM_REG_D0 <= register <= arm.ARM_REG_D31)


def decode(code: capstone.CsInsn) -> Instruction:
    """Reduces a decoded instruction to its :class:`Instruction`."""
    name = code.insn_name()
    registers = [operand.reg for operand in code.operands if operand.type == arm.ARM_OP_REG]
    in_registers = [operand for operand in code.operands if operand.type != arm.ARM_OP_MEM]
    read, written = (frozenset(group) for group in code.regs_access())
    base, index, shift, offset = _address(code)
    listed: list[int] = []
    if name in MULTIPLE:
        base = arm.ARM_REG_SP if name in ON_STACK else registers[0]
        listed = registers if name in ON_STACK else registers[1:]
        words = sum(2 if is_double(register) else 1 for register in listed)
        offset = -4 * words if name in ("push", "vpush") or name.endswith("db") else 0
    loaded = listed if name in LOAD_MULTIPLE else registers[:1] if name in WRITE_THEIR_FIRST else []
    return Instruction(
        name=name,
        written=written,
        read=read,
        base=base,
        index=index,
        shift=shift,
        offset=offset,
        base_update=code.writeback,
        registers=sum(2 if is_double(register) else 1 for register in listed),
        shifted=any(operand.shift.type != arm.ARM_SFT_INVALID for operand in in_registers),
        conditional=code.cc not in (arm.ARM_CC_INVALID, arm.ARM_CC_AL) and name not in ("it", "b"),
        jumps=name in BRANCHES or name in TABLE_BRANCHES or arm.ARM_REG_PC in loaded,
        operands=tuple(registers),
    )


def _address(code: capstone.CsInsn) -> tuple[int, int, int, int]:
    """Base, index, shift and offset of a single access; what post-indexing adds comes after the access."""
    operand = next((operand for operand in code.operands if operand.type == arm.ARM_OP_MEM), None)
    if operand is None:
        return 0, 0, 0, 0
    memory = operand.mem
    shift = operand.shift.value if operand.shift.type == arm.ARM_SFT_LSL else 0
    post_indexed = code.writeback and code.operands[-1].type != arm.ARM_OP_MEM
    offset = 0 if post_indexed else memory.disp
    if memory.base == arm.ARM_REG_PC:
        pc = code.address + 4
        return 0, memory.index, shift, (pc if code.insn_name() in TABLE_BRANCHES else pc & ~3) + offset
    return memory.base, memory.index, shift, offset

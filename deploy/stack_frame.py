"""The stack depth along all paths of one Thumb-2 function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import capstone
from capstone import arm

from deploy.elf import Image, Symbol
from quant.errors import Problem, UserError

SP, PC, LR = arm.ARM_REG_SP, arm.ARM_REG_PC, arm.ARM_REG_LR

# Code of a compiler has one depth at each address. Paths that do not exist (behind a call that never returns) may add
# another one; a loop that allocates adds one each time around.
DEPTHS_PER_ADDRESS = 16


@dataclass(frozen=True, order=True)
class Call:
    """A call or tail call: address of the callee and the caller's stack depth in bytes at that moment."""

    target: int
    depth: int


@dataclass(frozen=True)
class Frame:
    """One function's own stack: deepest point in bytes, its calls, and whether it touches the FPU."""

    depth: int
    calls: tuple[Call, ...]
    uses_float: bool


def analyse(image: Image, function: Symbol) -> Frame:
    """Follows all paths through the function.

    Raises:
        UserError: jumps or calls through a register, or a stack pointer that is not a constant away from the caller's.
    """
    code = {instruction.address: instruction for instruction in image.disassemble(function)}
    seen: dict[int, set[int]] = {}
    calls: set[Call] = set()
    deepest = 0
    pending = [(function.address, 0)]
    while pending:
        address, depth = pending.pop()
        if address not in code or depth in seen.setdefault(address, set()):
            continue
        seen[address].add(depth)
        if len(seen[address]) > DEPTHS_PER_ADDRESS:
            raise _refuse(image, code[address], "the stack grows in a loop")
        instruction = code[address]
        after = depth + _change(image, instruction)
        if after < 0:
            continue  # entered behind a call that never returns
        deepest = max(deepest, after)
        for target in _long_jump(image, code, instruction) or _targets(image, function, instruction):
            if function.address <= target < function.end and not _is_call(instruction):
                pending.append((target, after))
            else:
                calls.add(Call(target, after))
        if _continues(instruction):
            pending.append((address + instruction.size, depth if _leaves(instruction) else after))
    uses_float = any(code[address].insn_name().startswith("v") for address in seen)
    return Frame(deepest, tuple(sorted(calls)), uses_float)


def _change(image: Image, instruction: capstone.CsInsn) -> int:
    """By how many bytes the instruction grows the stack."""
    name, operands = instruction.insn_name(), instruction.operands
    if name in ("push", "vpush", "pop", "vpop"):
        size = sum(8 if arm.ARM_REG_D0 <= operand.reg <= arm.ARM_REG_D31 else 4 for operand in operands)
        return size if name in ("push", "vpush") else -size
    if SP not in instruction.regs_access()[1]:
        return 0
    if _is_conditional(instruction):
        raise _refuse(image, instruction, "the stack pointer changes under a condition")
    if name in ("sub", "add", "subw", "addw") and operands[-1].type == arm.ARM_OP_IMM and operands[-2].reg == SP:
        return int(operands[-1].imm) if name.startswith("sub") else -int(operands[-1].imm)
    memory = _memory(instruction)
    if memory is not None and instruction.writeback and memory.base == SP and not memory.index:
        step = int(operands[-1].imm) if instruction.post_index else int(memory.disp)
        return step if operands[-1].subtracted else -step
    raise _refuse(image, instruction, "the stack pointer is set from a register")


def _targets(image: Image, function: Symbol, instruction: capstone.CsInsn) -> list[int]:
    """Addresses this instruction may branch to, other than the next instruction and the caller."""
    name, operands = instruction.insn_name(), instruction.operands
    if name in ("b", "bl", "cbz", "cbnz"):
        return [int(operands[-1].imm) & ~1]
    if name in ("tbb", "tbh"):
        return _table(image, function, instruction)
    if (name in ("bx", "blx") or PC in instruction.regs_access()[1]) and not _returns(instruction):
        raise _refuse(image, instruction, "an indirect jump or call")
    return []


def _long_jump(image: Image, code: dict[int, capstone.CsInsn], instruction: capstone.CsInsn) -> list[int]:
    """The target of a linker's veneer, which reaches what a branch cannot.

    Either movw, movt and bx of one register, or a load of the program counter from the word behind it.
    """
    memory = _memory(instruction)
    if instruction.insn_name() == "ldr" and instruction.operands[0].reg == PC and memory is not None:
        if memory.base != PC or memory.index:
            return []
        literal = (instruction.address + 4 & ~3) + memory.disp
        return [int.from_bytes(image.read(literal, 4), "little") & ~1]
    high, low = code.get(instruction.address - 4), code.get(instruction.address - 8)
    if instruction.insn_name() != "bx" or high is None or low is None:
        return []
    if (low.insn_name(), high.insn_name()) not in (("movw", "movt"), ("mov", "movt")):
        return []
    if {low.operands[0].reg, high.operands[0].reg} != {instruction.operands[0].reg}:
        return []
    return [(int(high.operands[1].imm) << 16 | int(low.operands[1].imm)) & ~1]


def _returns(instruction: capstone.CsInsn) -> bool:
    """Whether a jump through a register or memory takes the return address."""
    name, last = instruction.insn_name(), instruction.operands[-1]
    memory = _memory(instruction)
    if name in ("bx", "mov"):
        return bool(last.type == arm.ARM_OP_REG and last.reg == LR)
    return name in ("pop", "ldm") or (name == "ldr" and memory is not None and memory.base == SP)


def _memory(instruction: capstone.CsInsn) -> Any:
    return next((operand.mem for operand in instruction.operands if operand.type == arm.ARM_OP_MEM), None)


def _table(image: Image, function: Symbol, instruction: capstone.CsInsn) -> list[int]:
    """Targets of a table branch; the table follows the instruction."""
    if instruction.operands[0].mem.base != PC:
        raise _refuse(image, instruction, "an indirect jump or call")
    start = instruction.address + instruction.size
    end = min((begin for begin, _ in image.code_ranges(function) if begin >= start), default=function.end)
    width = 1 if instruction.insn_name() == "tbb" else 2
    table = image.read(start, end - start)
    entries = (int.from_bytes(table[at : at + width], "little") for at in range(0, len(table), width))
    return [start + 2 * entry for entry in entries if entry]


def _continues(instruction: capstone.CsInsn) -> bool:
    if instruction.insn_name() in ("cbz", "cbnz", "bl") or _is_conditional(instruction):
        return True
    return not _leaves(instruction) and instruction.insn_name() != "udf"


def _leaves(instruction: capstone.CsInsn) -> bool:
    name = instruction.insn_name()
    return name in ("b", "bx", "tbb", "tbh") or (name != "bl" and PC in instruction.regs_access()[1])


def _is_call(instruction: capstone.CsInsn) -> bool:
    return bool(instruction.insn_name() == "bl")


def _is_conditional(instruction: capstone.CsInsn) -> bool:
    return instruction.cc not in (arm.ARM_CC_AL, arm.ARM_CC_INVALID) and instruction.insn_name() != "it"


def _refuse(image: Image, instruction: capstone.CsInsn, what: str) -> UserError:
    place = image.describe(instruction.address)
    return UserError(
        Problem(
            f"the stack has no computable bound: {what} ({instruction.mnemonic} {instruction.op_str})",
            where=f"{image.path.name}, {place}",
            supported="direct calls, frames of constant size, no recursion",
            fix="rewrite the function without variable-length arrays, alloca or function pointers",
        )
    )

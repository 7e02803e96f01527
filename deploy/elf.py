"""What EdgeKit needs from a linked ELF file for Arm or RISC-V: the image, symbols, sizes and disassembly."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import capstone
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from deploy.boards import Board
from quant.errors import Problem, UserError


@dataclass(frozen=True)
class Symbol:
    """A function or object; the address has no Thumb bit."""

    name: str
    address: int
    size: int
    is_function: bool

    @property
    def end(self) -> int:
        """First address behind the symbol."""
        return self.address + self.size


@dataclass(frozen=True)
class Section:
    """An allocated section: run-time address, size in bytes, and whether it has bytes in the file."""

    name: str
    address: int
    size: int
    has_bytes: bool


@dataclass(frozen=True)
class Segment:
    """Bytes to be placed at ``load_address`` before reset; the program finds them at ``address``."""

    load_address: int
    data: bytes
    address: int


@dataclass(frozen=True)
class Sizes:
    """Bytes that an image takes: flash, RAM (stack included), and the stack's reserve."""

    flash: int
    ram: int
    stack: int


@dataclass(frozen=True)
class Image:
    """A linked ELF file, read completely."""

    path: Path
    entry: int
    sections: tuple[Section, ...]
    segments: tuple[Segment, ...]
    all_symbols: tuple[Symbol, ...]
    mapping: tuple[tuple[int, str], ...]

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        """Symbols by name; of several static ones with one name, the last."""
        return {symbol.name: symbol for symbol in self.all_symbols}

    @cached_property
    def functions(self) -> tuple[Symbol, ...]:
        """Functions by address, one symbol each; a missing size is the distance to the next function."""
        by_address: dict[int, Symbol] = {}
        for symbol in self.all_symbols:
            if symbol.is_function and symbol.size >= by_address.get(symbol.address, symbol).size:
                by_address[symbol.address] = symbol
        ordered = [by_address[address] for address in sorted(by_address)]
        ends = [symbol.address for symbol in ordered[1:]] + [
            self._section_end(symbol.address) for symbol in ordered[-1:]
        ]
        return tuple(
            Symbol(symbol.name, symbol.address, symbol.size or end - symbol.address, True)
            for symbol, end in zip(ordered, ends, strict=True)
        )

    def function_at(self, address: int) -> Symbol | None:
        """The function whose code holds ``address``."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.functions[index].end:
            return self.functions[index]
        return None

    def describe(self, address: int) -> str:
        """``symbol+offset`` for messages, or the bare address."""
        function = self.function_at(address)
        if function is None:
            return f"0x{address:08x}"
        offset = address - function.address
        return f"{function.name}+0x{offset:x}" if offset else function.name

    def symbol(self, name: str) -> Symbol:
        """The symbol of that name.

        Raises:
            UserError: the image has no such symbol.
        """
        if name not in self.symbols:
            raise UserError(
                Problem(
                    f"symbol '{name}' is missing",
                    where=str(self.path),
                    fix="link without stripping symbols, and keep the function out of line",
                )
            )
        return self.symbols[name]

    def flash_image(self, board: Board) -> bytes:
        """The bytes that are flashed, from the start of flash (what ``objcopy -O binary`` writes); gaps are zero."""
        flash = board.flash
        parts = [part for part in self.segments if part.load_address in flash]
        image = bytearray(
            max((part.load_address + len(part.data) for part in parts), default=flash.start) - flash.start
        )
        for part in parts:
            at = part.load_address - flash.start
            image[at : at + len(part.data)] = part.data
        return bytes(image)

    def sizes(self, board: Board) -> Sizes:
        """Flash and static RAM in bytes; the stack's reserve is part of the RAM."""
        ram = sum(section.size for section in self.sections if any(section.address in memory for memory in board.rams))
        stack = self.symbols["__stack_top"].address - self.symbols["__stack_bottom"].address if self.has_stack else 0
        return Sizes(flash=len(self.flash_image(board)), ram=ram, stack=stack)

    @property
    def has_stack(self) -> bool:
        """Whether the linker script marks the stack with ``__stack_bottom`` and ``__stack_top``."""
        return "__stack_bottom" in self.symbols and "__stack_top" in self.symbols

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the image as the program finds them once its start-up code has run.

        Raises:
            ValueError: outside of every segment.
        """
        for part in self.segments:
            at = address - part.address
            if at >= 0 and at + size <= len(part.data):
                return part.data[at : at + size]
        raise ValueError(f"0x{address:08x} is not in the image {self.path}")

    def code_ranges(self, function: Symbol) -> list[tuple[int, int]]:
        """Address ranges of instructions in a function: without literal pools and jump tables."""
        ranges = []
        index = max(bisect_right(self.mapping, (function.address, "\x7f")) - 1, 0)
        for at in range(index, len(self.mapping)):
            start, kind = self.mapping[at]
            end = self.mapping[at + 1][0] if at + 1 < len(self.mapping) else function.end
            if start >= function.end:
                break
            if kind == "$t" and max(start, function.address) < min(end, function.end):
                ranges.append((max(start, function.address), min(end, function.end)))
        return ranges if self.mapping else [(function.address, function.end)]

    def disassemble(self, function: Symbol) -> list[capstone.CsInsn]:
        """Instructions of a function in address order, with operand details."""
        decoder = thumb_decoder()
        instructions: list[capstone.CsInsn] = []
        for start, end in self.code_ranges(function):
            instructions.extend(decoder.disasm(self.read(start, end - start), start))
        return instructions

    @cached_property
    def _starts(self) -> list[int]:
        return [function.address for function in self.functions]

    def _section_end(self, address: int) -> int:
        for section in self.sections:
            if section.address <= address < section.address + section.size:
                return section.address + section.size
        return address


def thumb_decoder() -> capstone.Cs:
    """A capstone decoder for Armv7E-M with operand details."""
    decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    decoder.detail = True
    return decoder


MACHINES = {"EM_ARM": "Arm Cortex-M", "EM_RISCV": "32-bit RISC-V"}
KINDS = {"ET_REL": "an object file, not linked", "ET_DYN": "a shared library", "ET_CORE": "a core dump"}
NAMES = {**MACHINES, "EM_X86_64": "x86-64", "EM_386": "x86", "EM_AARCH64": "64-bit Arm"}
ADDRESSES = 1 << 32
MAXIMUM_BYTES = 256 << 20  # far more than any image for these machines


def read_elf(path: Path | str, machine: str = "EM_ARM") -> Image:
    """Reads a linked 32-bit little-endian ELF file for a machine of :data:`MACHINES`.

    Raises:
        UserError: no such file, not an ELF file, damaged, or for another machine.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise _Unfit(f"it has {path.stat().st_size:,} bytes")
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            if refusal := _refusal(elf, machine):
                raise _Unfit(refusal)
            return _read(path, elf)
    except Exception as error:  # what pyelftools raises for a damaged file can be anything
        raise UserError(
            Problem(
                f"not a usable firmware image: {_told(error)}",
                where=str(path),
                supported=f"linked ELF executables for {MACHINES[machine]}",
                fix="give a linked .elf file, such as 'edgekit build' writes",
            )
        ) from error


class _Unfit(Exception):
    """A file that cannot be used, in words for the user."""


def _refusal(elf: ELFFile, machine: str) -> str:
    """Why the file is not for the machine; empty where it is."""
    if elf["e_machine"] != machine:
        return f"it is for {NAMES.get(elf['e_machine'], 'another machine')} ({elf['e_machine']})"
    if elf.elfclass != 32:
        return f"it is for a machine of {elf.elfclass} bits"
    if not elf.little_endian:
        return "it is big-endian"
    if elf["e_type"] != "ET_EXEC":
        return f"it is {KINDS.get(elf['e_type'], 'no executable')}"
    return ""


def _told(error: Exception) -> str:
    """The error in words that mean something to a user."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, _Unfit):
        return str(error)
    if isinstance(error, ELFError) and "Magic number" in str(error):
        return "it is no ELF file"
    return f"it is damaged ({str(error) if isinstance(error, ELFError) else type(error).__name__})"


def _read(path: Path, elf: ELFFile) -> Image:
    symbols: list[Symbol] = []
    mapping: list[tuple[int, str]] = []
    allocated = []
    thumb = int(elf["e_machine"] == "EM_ARM")  # bit 0 of an Arm function's address says that it is Thumb code
    for section in elf.iter_sections():
        if section["sh_flags"] & 2 and section["sh_size"]:
            allocated.append(
                Section(section.name, section["sh_addr"], section["sh_size"], section["sh_type"] != "SHT_NOBITS")
            )
        if not isinstance(section, SymbolTableSection):
            continue
        for entry in section.iter_symbols():
            if entry.name[:2] in ("$t", "$d", "$a"):
                mapping.append((entry["st_value"], entry.name[:2]))
            elif entry.name and entry["st_shndx"] != "SHN_UNDEF":
                is_function = entry["st_info"]["type"] == "STT_FUNC"
                address = entry["st_value"] & ~thumb if is_function else entry["st_value"]
                symbols.append(Symbol(entry.name, address, entry["st_size"], is_function))
    if any(symbol.is_function and symbol.end > ADDRESSES for symbol in symbols):
        raise _Unfit("it is damaged: a function ends behind the last address")
    return Image(
        path, elf["e_entry"] & ~thumb, tuple(allocated), _segments(elf), tuple(symbols), tuple(sorted(mapping))
    )


def _segments(elf: ELFFile) -> tuple[Segment, ...]:
    """What is to be loaded; raises _Unfit where the file ends before its bytes do."""
    segments = []
    for segment in elf.iter_segments():
        if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]:
            data = segment.data()
            if len(data) != segment["p_filesz"]:
                raise _Unfit("it is cut off: the bytes of a segment are missing")
            segments.append(Segment(segment["p_paddr"], data, segment["p_vaddr"]))
    return tuple(segments)

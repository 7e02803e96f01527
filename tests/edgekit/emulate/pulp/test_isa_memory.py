"""Loads, stores, post-increment and register-indexed forms, XpulpV2 branches and hardware loops, on a core in L1."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.emulate.pulp.machine import Machine
from tests.edgekit.emulate.pulp.definitions import signed
from tests.edgekit.emulate.pulp.encodings import encoding, encodings
from tests.edgekit.emulate.pulp.isa import Case, wrong
from tests.edgekit.emulate.pulp.programs import GAP8, cluster_program, words

DATA = bytes(range(0x70, 0x90)) * 4
BYTES = {"b": 1, "h": 2, "w": 4}
FORMS = ("d,o(s)", "d,o(s!)", "d,t(s)", "d,t(s!)")
STORE_FORMS = ("t,q(s)", "t,q(s!)", "t,d(s)", "t,d(s!)")
OFFSETS = (0, 4, -8, 3)  # the last one makes accesses that are not aligned


def load_word(name: str, form: str, offset: int) -> int:
    """rd a0, rs1 a1, rs2 a2 or the offset."""
    row = encoding(name, form)
    word = row.match | 10 << 7 | 11 << 15
    return word | (12 << 20 if "t" in form else (offset & 0xFFF) << 20)


def store_word(name: str, form: str, offset: int) -> int:
    """rs2 a0, rs1 a1, index a2 (in the rd field) or the offset."""
    word = encoding(name, form).match | 10 << 20 | 11 << 15
    return word | (12 << 7 if "d" in form else (offset & 0x1F) << 7 | (offset >> 5 & 0x7F) << 25)


def loaded(name: str, address: int) -> int:
    """What a load finds in DATA: p.lb, p.lhu ..."""
    size = BYTES[name[3]]
    value = int.from_bytes(DATA[address : address + size], "little")
    return (value if name.endswith("u") else signed(value, 8 * size)) & 0xFFFFFFFF


STEP = """
    __asm__ volatile("mv a0, %[value]\\n mv a1, %[at]\\n mv a2, %[index]\\n .word {word:#x}\\n"
                     "sw a0, 0(%[r])\\n sub a1, a1, %[base]\\n sw a1, 4(%[r])"
        :: [value] "r"(0xDEADBEEFu), [at] "r"(data + 64), [index] "r"({offset}), [base] "r"(data), [r] "r"(r + {at})
        : "a0", "a1", "a2", "memory");
"""


def run(steps: list[tuple[int, int]], folder: Path) -> tuple[list[int], bytes]:
    """Executes (word, index) with a1 = data + 64; (a0, a1 - data) of each, and data in the end."""
    body = "".join(STEP.format(word=word, offset=offset, at=2 * i) for i, (word, offset) in enumerate(steps))
    before = f"L1 uint8_t data[{len(DATA)}] = {{{', '.join(map(str, DATA))}}};\nL1 u32 r[{2 * len(steps)}] = {{0}};\n"
    image = cluster_program(body, folder, before=before)
    with Machine(image, GAP8) as machine:
        machine.run()
        return words(machine, image, "r"), machine.read(image.symbol("data").address, len(DATA))


@pytest.mark.parametrize("form", FORMS)
def test_loads(form: str, tmp_path: Path) -> None:
    names = [row.mnemonic for row in encodings() if row.operands == form and row.mnemonic != "p.elw"]
    assert sorted(names) == ["p.lb", "p.lbu", "p.lh", "p.lhu", "p.lw"]
    choices = [(name, offset) for name in names for offset in OFFSETS]
    results, _ = run([(load_word(name, form, offset), offset) for name, offset in choices], tmp_path)
    for i, (name, offset) in enumerate(choices):
        address, after = (64, 64 + offset) if form.endswith("!)") else (64 + offset, 64)
        assert results[2 * i : 2 * i + 2] == [loaded(name, address), after], (name, offset)


@pytest.mark.parametrize("form", STORE_FORMS)
def test_stores(form: str, tmp_path: Path) -> None:
    names = [row.mnemonic for row in encodings() if row.operands == form]
    assert sorted(names) == ["p.sb", "p.sh", "p.sw"]
    for name in names:
        for offset in OFFSETS:
            results, data = run([(store_word(name, form, offset), offset)], tmp_path)
            address, after = (64, 64 + offset) if form.endswith("!)") else (64 + offset, 64)
            expected = bytearray(DATA)
            size = BYTES[name[3]]
            expected[address : address + size] = (0xDEADBEEF).to_bytes(4, "little")[:size]
            assert data == expected, (name, offset)
            assert results == [0xDEADBEEF, after], (name, offset)


def test_a_load_into_its_own_address_register_keeps_the_loaded_value(tmp_path: Path) -> None:
    word = encoding("p.lw", "d,o(s!)").match | 11 << 7 | 11 << 15 | 4 << 20
    body = (
        f"""__asm__ volatile("mv a1, %1\\n .word {word:#x}\\n sw a1, 0(%0)" :: "r"(r), "r"(data) : "a1", "memory");"""
    )
    image = cluster_program(body, tmp_path, before="L1 u32 data[2] = {77, 78}; L1 u32 r[1] = {0};\n")
    with Machine(image, GAP8) as machine:
        machine.run()
        assert words(machine, image, "r") == [77]


def test_branches_with_an_immediate(tmp_path: Path) -> None:
    cases = []
    for name in ("p.beqimm", "p.bneimm"):
        for number in (-16, -1, 0, 15):
            match = encoding(name).match | 11 << 15 | (number & 31) << 20
            forward = f".word {match | 12 << 7 & 0xF00:#x}\\n li a0, 1\\n j 3f\\n 2: li a0, 2\\n 3:"  # 12 bytes ahead
            taken = (lambda a, n=number: a == n & 0xFFFFFFFF) if name == "p.beqimm" else (
                lambda a, n=number: a != n & 0xFFFFFFFF
            )  # fmt: skip
            cases.append(Case(f"{name} {number}", forward, lambda d, a, b, t=taken: 2 if t(a) else 1))
    assert wrong(cases, tmp_path) == []

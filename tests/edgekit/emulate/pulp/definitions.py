"""What XpulpV2's arithmetic instructions compute, in Python, from the text of the RI5CY user manual (2018)."""

from __future__ import annotations

from collections.abc import Callable

WORD = 0xFFFFFFFF

# (old rd, rs1, rs2 or what stands for it, Is3) -> rd; all unsigned 32-bit numbers
Definition = Callable[[int, int, int, int], int]


def signed(value: int, bits: int = 32) -> int:
    """The two's complement number in the low ``bits`` bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def lanes(value: int, bits: int, is_signed: bool) -> list[int]:
    parts = [value >> at & ((1 << bits) - 1) for at in range(0, 32, bits)]
    return [signed(part, bits) for part in parts] if is_signed else parts


def joined(parts: list[int], bits: int) -> int:
    return sum((part & ((1 << bits) - 1)) << (bits * i) for i, part in enumerate(parts))


def rounding(shift: int) -> int:
    return 1 << (shift - 1) if shift else 0


def ones(length: int) -> int:
    return (1 << length) - 1


def clip(value: int, low: int, high: int) -> int:
    """In this order: with a negative upper bound the lower one is asked for first."""
    if value <= low:
        return low
    return high if value >= high else value


def extract(value: int, position: int, length: int, is_signed: bool) -> int:
    """Bits behind the register's end are copies of its sign, or zero."""
    number = signed(value) if is_signed else value
    field = number >> position & ones(length)
    return signed(field, length) if is_signed else field


def count_leading(value: int) -> int:
    """Bits behind the top one that equal it; 0 of 0."""
    if value == 0:
        return 0
    text = f"{value:032b}"
    return len(text) - len(text.lstrip(text[0])) - 1


def highest_one(value: int) -> int:
    return value.bit_length() - 1 if value else 32


def lowest_one(value: int) -> int:
    return (value & -value).bit_length() - 1 if value else 32


def _fields(register: int) -> tuple[int, int]:
    """Position and length of a field as a register gives them."""
    return register & 31, (register >> 5 & 31) + 1


SCALAR: dict[str, Definition] = {
    "p.abs": lambda d, a, b, n: abs(signed(a)),
    "p.slet": lambda d, a, b, n: signed(a) <= signed(b),
    "p.sletu": lambda d, a, b, n: a <= b,
    "p.min": lambda d, a, b, n: min(signed(a), signed(b)),
    "p.minu": lambda d, a, b, n: min(a, b),
    "p.max": lambda d, a, b, n: max(signed(a), signed(b)),
    "p.maxu": lambda d, a, b, n: max(a, b),
    "p.ror": lambda d, a, b, n: (a << 32 | a) >> (b & 31),
    "p.ff1": lambda d, a, b, n: lowest_one(a),
    "p.fl1": lambda d, a, b, n: highest_one(a),
    "p.clb": lambda d, a, b, n: count_leading(a),
    "p.cnt": lambda d, a, b, n: a.bit_count(),
    "p.exths": lambda d, a, b, n: signed(a, 16),
    "p.exthz": lambda d, a, b, n: a & 0xFFFF,
    "p.extbs": lambda d, a, b, n: signed(a, 8),
    "p.extbz": lambda d, a, b, n: a & 0xFF,
    "p.clip": lambda d, a, b, n: clip(signed(a), -(1 << max(b - 1, 0)), (1 << max(b - 1, 0)) - 1),
    "p.clipu": lambda d, a, b, n: clip(signed(a), 0, (1 << max(b - 1, 0)) - 1),
    "p.clipr": lambda d, a, b, n: clip(signed(a), -(signed(b) + 1), signed(b)),
    "p.clipur": lambda d, a, b, n: clip(signed(a), 0, signed(b)),
    "p.extract": lambda d, a, b, n: extract(a, b, n + 1, True),
    "p.extractu": lambda d, a, b, n: extract(a, b, n + 1, False),
    "p.insert": lambda d, a, b, n: d & ~(ones(n + 1) << b) | (a & ones(n + 1)) << b,
    "p.bset": lambda d, a, b, n: a | ones(n + 1) << b,
    "p.bclr": lambda d, a, b, n: a & ~(ones(n + 1) << b),
    "p.extractr": lambda d, a, b, n: extract(a, *_fields(b), True),
    "p.extractur": lambda d, a, b, n: extract(a, *_fields(b), False),
    "p.insertr": lambda d, a, b, n: SCALAR["p.insert"](d, a, b & 31, b >> 5 & 31),
    "p.bsetr": lambda d, a, b, n: SCALAR["p.bset"](d, a, b & 31, b >> 5 & 31),
    "p.bclrr": lambda d, a, b, n: SCALAR["p.bclr"](d, a, b & 31, b >> 5 & 31),
    "p.mac": lambda d, a, b, n: d + a * b,
    "p.msu": lambda d, a, b, n: d - a * b,
}


def normalized(total: int, shift: int, is_signed: bool, rounds: bool) -> int:
    """A sum of 32 bits, half of what the shift drops added first where it rounds."""
    total = (total + (rounding(shift) if rounds else 0)) & WORD
    return (signed(total) if is_signed else total) >> shift


def _normalizing(name: str) -> Definition | None:
    """p.addn, p.subn and so on; with a final r (addnr) the shift is rs2 and the first operand rd."""
    operation, rest = name[2:5], name[5:]
    if operation not in ("add", "sub"):
        return None
    by_register = rest.endswith("r")
    flags = rest.removesuffix("r")
    sign = 1 if operation == "add" else -1
    is_signed, rounds = "u" not in flags, "r" in flags

    def define(d: int, a: int, b: int, n: int) -> int:
        first, second, shift = (d, a, b & 31) if by_register else (a, b, n)
        return normalized(first + sign * second, shift, is_signed, rounds)

    return define


def _multiplying(name: str) -> Definition | None:
    """p.muls, p.machhurn and so on: the low halves, or with hh the high ones."""
    operation, rest = name[2:5], name[5:]
    if operation not in ("mul", "mac") or rest in ("", "h", "hu", "hsu"):
        return None
    high = rest.startswith("hh")
    flags = rest.removeprefix("hh")
    is_signed, rounds = flags.startswith("s"), "r" in flags

    def define(d: int, a: int, b: int, n: int) -> int:
        x, y = (lanes(value, 16, is_signed)[int(high)] for value in (a, b))
        return normalized((d if operation == "mac" else 0) + x * y, n, is_signed, rounds)

    return define


# Of one lane; bits is the lane's width. Sums keep that width before they are halved.
LANE: dict[str, Callable[[int, int, int], int]] = {
    "add": lambda x, y, bits: x + y,
    "sub": lambda x, y, bits: x - y,
    "avg": lambda x, y, bits: signed(x + y, bits) >> 1,
    "avgu": lambda x, y, bits: (x + y & ones(bits)) >> 1,
    "min": lambda x, y, bits: min(x, y),
    "minu": lambda x, y, bits: min(x, y),
    "max": lambda x, y, bits: max(x, y),
    "maxu": lambda x, y, bits: max(x, y),
    "srl": lambda x, y, bits: (x & ones(bits)) >> (y & bits - 1),
    "sra": lambda x, y, bits: x >> (y & bits - 1),
    "sll": lambda x, y, bits: x << (y & bits - 1),
    "or": lambda x, y, bits: x | y,
    "xor": lambda x, y, bits: x ^ y,
    "and": lambda x, y, bits: x & y,
    "abs": lambda x, y, bits: abs(x),
    "cmpeq": lambda x, y, bits: -(x == y),
    "cmpne": lambda x, y, bits: -(x != y),
    "cmpgt": lambda x, y, bits: -(x > y),
    "cmpge": lambda x, y, bits: -(x >= y),
    "cmplt": lambda x, y, bits: -(x < y),
    "cmple": lambda x, y, bits: -(x <= y),
    "cmpgtu": lambda x, y, bits: -(x > y),
    "cmpgeu": lambda x, y, bits: -(x >= y),
    "cmpltu": lambda x, y, bits: -(x < y),
    "cmpleu": lambda x, y, bits: -(x <= y),
}
UNSIGNED_LANES = ("avgu", "minu", "maxu", "cmpgtu", "cmpgeu", "cmpltu", "cmpleu")
UNSIGNED_IMMEDIATE = (*UNSIGNED_LANES, "srl", "sra", "sll", "dotup", "sdotup")


def _dot(operation: str, bits: int) -> Definition:
    signs = {"up": (False, False), "usp": (False, True), "sp": (True, True)}[operation.removeprefix("s")[3:]]

    def define(d: int, a: int, b: int, n: int) -> int:
        total = sum(x * y for x, y in zip(lanes(a, bits, signs[0]), lanes(b, bits, signs[1]), strict=True))
        return total + (d if operation.startswith("s") else 0)

    return define


def _lanewise(operation: str, bits: int) -> Definition:
    is_signed = operation not in UNSIGNED_LANES

    def define(d: int, a: int, b: int, n: int) -> int:
        pairs = zip(lanes(a, bits, is_signed), lanes(b, bits, is_signed), strict=True)
        return joined([LANE[operation](x, y, bits) for x, y in pairs], bits)

    return define


def _shuffle(bits: int) -> Definition:
    def define(d: int, a: int, b: int, n: int) -> int:
        parts = lanes(a, bits, False)
        return joined([parts[select % len(parts)] for select in lanes(b, bits, False)], bits)

    return define


def _shuffle2(bits: int) -> Definition:
    """The selector's next bit takes the lane from rs1 instead of the old rd."""

    def define(d: int, a: int, b: int, n: int) -> int:
        count = 32 // bits
        both = lanes(d, bits, False) + lanes(a, bits, False)
        return joined([both[select % (2 * count)] for select in lanes(b, bits, False)], bits)

    return define


def _lane_move(operation: str, bits: int) -> Definition:
    def define(d: int, a: int, b: int, n: int) -> int:
        if operation == "insert":
            parts = lanes(d, bits, False)
            parts[b] = a
            return joined(parts, bits)
        return lanes(a, bits, operation == "extract")[b]

    return define


PACK: dict[str, Definition] = {
    "pv.pack.h": lambda d, a, b, n: joined([b, a], 16),
    "pv.packhi.b": lambda d, a, b, n: joined([d, d >> 8, b, a], 8),
    "pv.packlo.b": lambda d, a, b, n: joined([b, a, d >> 16, d >> 24], 8),
}


def _vector(name: str) -> Definition:
    operation, width = name.split(".")[1], name.split(".")[-1]
    bits = {"b": 8, "h": 16}[width]
    if "dot" in operation:
        return _dot(operation, bits)
    if operation == "shuffle2":
        return _shuffle2(bits)
    if operation.startswith("shuffle"):
        return _shuffle(bits)
    if operation in ("extract", "extractu", "insert"):
        return _lane_move(operation, bits)
    return PACK[name] if name in PACK else _lanewise(operation, bits)


def definition(name: str) -> Definition:
    """The result of the instruction of that name, without the choice of its second operand."""
    if name.startswith("pv."):
        return _vector(name)
    found = SCALAR.get(name) or _normalizing(name) or _multiplying(name)
    assert found is not None, name
    return found


def second_operand(name: str, imm6: int) -> Callable[[int], int]:
    """Of a vector instruction: rs2 -> what stands for it (.sc, .sci, lanes, selectors)."""
    parts = name.split(".")
    operation, bits = parts[1], {"b": 8, "h": 16}[parts[-1]]
    if operation in ("extract", "extractu", "insert"):
        return lambda rs2: imm6 & (32 // bits - 1)
    if "sci" in parts and operation.startswith("shuffle"):
        if bits == 16:
            return lambda rs2: (imm6 >> 1 & 1) << 16 | imm6 & 1
        top = int(operation[-1])
        return lambda rs2: joined([imm6 & 3, imm6 >> 2 & 3, imm6 >> 4 & 3, top], 8)
    if "sci" in parts:
        value = imm6 if operation in UNSIGNED_IMMEDIATE else signed(imm6, 6)
        return lambda rs2: joined([value] * (32 // bits), bits)
    if "sc" in parts:
        return lambda rs2: joined([rs2] * (32 // bits), bits)
    return lambda rs2: rs2

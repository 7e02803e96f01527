/* XpulpV2 SIMD: four bytes or two halfwords in a register. The second operand of most instructions is a vector (rs2),
 * the lowest lane of rs2 in every lane (.sc), or an immediate in every lane (.sci). Definitions: RI5CY user manual
 * (2018); sums, averages included, keep the width of their lane. All take one cycle. */
#include "access.h"

#define RS1 (c->regs[d->rs1])
#define RS2 (c->regs[d->rs2])
#define RS3 (c->regs[d->rs3])
#define OP(name, expression)                                                                                           \
    static const insn *name(core *c, const insn *d) {                                                                  \
        uint32_t a = RS1, b = SECOND;                                                                                  \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        c->regs[d->rd] = (expression);                                                                                 \
        return ek_next(d);                                                                                             \
    }

static int32_t sb(uint32_t v, unsigned lane) { return (int8_t)(v >> (8 * lane)); }
static int32_t sh(uint32_t v, unsigned lane) { return (int16_t)(v >> (16 * lane)); }
static uint32_t ub(uint32_t v, unsigned lane) { return v >> (8 * lane) & 0xFF; }
static uint32_t uh(uint32_t v, unsigned lane) { return v >> (16 * lane) & 0xFFFF; }
static uint32_t in_bytes(uint32_t v) { return (v & 0xFF) * 0x01010101u; }
static uint32_t in_halves(uint32_t v) { return (v & 0xFFFF) * 0x00010001u; }

/* A function of two vectors, from an expression of lanes x and y. */
#define LANES(name, expression_of_x_and_y, get, size)                                                                  \
    static inline uint32_t name(uint32_t a, uint32_t b) {                                                              \
        uint32_t result = 0;                                                                                           \
        for (unsigned i = 0; i < 32 / (size); i++) {                                                                   \
            int32_t x = (int32_t)get(a, i), y = (int32_t)get(b, i);                                                    \
            (void)y;                                                                                                   \
            result |= ((uint32_t)(expression_of_x_and_y) & (UINT32_MAX >> (32 - (size)))) << (i * (size));             \
        }                                                                                                              \
        return result;                                                                                                 \
    }
#define SIGNED(name, expression)                                                                                       \
    LANES(name##_b, expression, sb, 8)                                                                                 \
    LANES(name##_h, expression, sh, 16)
#define UNSIGNED(name, expression)                                                                                     \
    LANES(name##_b, expression, ub, 8)                                                                                 \
    LANES(name##_h, expression, uh, 16)

/* The casts make sums wrap before they are halved. */
LANES(avg_b, (int8_t)(x + y) >> 1, sb, 8)
LANES(avg_h, (int16_t)(x + y) >> 1, sh, 16)
LANES(avgu_b, (uint8_t)(x + y) >> 1, ub, 8)
LANES(avgu_h, (uint16_t)(x + y) >> 1, uh, 16)
LANES(srl_b, x >> (y & 7), ub, 8)
LANES(srl_h, x >> (y & 15), uh, 16)
LANES(sra_b, x >> (y & 7), sb, 8)
LANES(sra_h, x >> (y & 15), sh, 16)
LANES(sll_b, x << (y & 7), ub, 8)
LANES(sll_h, x << (y & 15), uh, 16)
SIGNED(add, x + y)
SIGNED(sub, x - y)
SIGNED(min, x < y ? x : y)
UNSIGNED(minu, x < y ? x : y)
SIGNED(max, x > y ? x : y)
UNSIGNED(maxu, x > y ? x : y)
SIGNED(cmpeq, -(x == y))
SIGNED(cmpne, -(x != y))
SIGNED(cmpgt, -(x > y))
SIGNED(cmpge, -(x >= y))
SIGNED(cmplt, -(x < y))
SIGNED(cmple, -(x <= y))
UNSIGNED(cmpgtu, -(x > y))
UNSIGNED(cmpgeu, -(x >= y))
UNSIGNED(cmpltu, -(x < y))
UNSIGNED(cmpleu, -(x <= y))
SIGNED(abs, x < 0 ? -x : x)

static inline uint32_t dotsp_b(uint32_t a, uint32_t b) {
    return (uint32_t)(sb(a, 0) * sb(b, 0) + sb(a, 1) * sb(b, 1) + sb(a, 2) * sb(b, 2) + sb(a, 3) * sb(b, 3));
}
static inline uint32_t dotup_b(uint32_t a, uint32_t b) {
    return ub(a, 0) * ub(b, 0) + ub(a, 1) * ub(b, 1) + ub(a, 2) * ub(b, 2) + ub(a, 3) * ub(b, 3);
}
static inline uint32_t dotusp_b(uint32_t a, uint32_t b) {
    return ub(a, 0) * (uint32_t)sb(b, 0) + ub(a, 1) * (uint32_t)sb(b, 1) + ub(a, 2) * (uint32_t)sb(b, 2) +
           ub(a, 3) * (uint32_t)sb(b, 3);
}
static inline uint32_t dotsp_h(uint32_t a, uint32_t b) {
    return (uint32_t)(sh(a, 0) * sh(b, 0)) + (uint32_t)(sh(a, 1) * sh(b, 1));
}
static inline uint32_t dotup_h(uint32_t a, uint32_t b) { return uh(a, 0) * uh(b, 0) + uh(a, 1) * uh(b, 1); }
static inline uint32_t dotusp_h(uint32_t a, uint32_t b) {
    return uh(a, 0) * (uint32_t)sh(b, 0) + uh(a, 1) * (uint32_t)sh(b, 1);
}

static inline uint32_t or_any(uint32_t a, uint32_t b) { return a | b; }
static inline uint32_t xor_any(uint32_t a, uint32_t b) { return a ^ b; }
static inline uint32_t and_any(uint32_t a, uint32_t b) { return a & b; }

/* Six forms of an operation; the table's order is that of f3. */
#define FORMS(name, of_bytes, of_halves)                                                                               \
    static const insn *op_##name##_h(core *c, const insn *d) {                                                         \
        c->regs[d->rd] = of_halves(RS1, RS2);                                                                          \
        return ek_next(d);                                                                                             \
    }                                                                                                                  \
    static const insn *op_##name##_b(core *c, const insn *d) {                                                         \
        c->regs[d->rd] = of_bytes(RS1, RS2);                                                                           \
        return ek_next(d);                                                                                             \
    }                                                                                                                  \
    static const insn *op_##name##_sc_h(core *c, const insn *d) {                                                      \
        c->regs[d->rd] = of_halves(RS1, in_halves(RS2));                                                               \
        return ek_next(d);                                                                                             \
    }                                                                                                                  \
    static const insn *op_##name##_sc_b(core *c, const insn *d) {                                                      \
        c->regs[d->rd] = of_bytes(RS1, in_bytes(RS2));                                                                 \
        return ek_next(d);                                                                                             \
    }                                                                                                                  \
    static const insn *op_##name##_sci_h(core *c, const insn *d) {                                                     \
        c->regs[d->rd] = of_halves(RS1, (uint32_t)d->imm);                                                             \
        return ek_next(d);                                                                                             \
    }                                                                                                                  \
    static const insn *op_##name##_sci_b(core *c, const insn *d) {                                                     \
        c->regs[d->rd] = of_bytes(RS1, (uint32_t)d->imm);                                                              \
        return ek_next(d);                                                                                             \
    }
#define BY_LANE(name) FORMS(name, name##_b, name##_h)
#define SUM_OF(name) FORMS(name, RS3 + dot##name##_b, RS3 + dot##name##_h)
#define ROW(name)                                                                                                      \
    {op_##name##_h, op_##name##_b, NULL, NULL, op_##name##_sc_h, op_##name##_sc_b, op_##name##_sci_h, op_##name##_sci_b}

BY_LANE(add)
BY_LANE(sub)
BY_LANE(avg)
BY_LANE(avgu)
BY_LANE(min)
BY_LANE(minu)
BY_LANE(max)
BY_LANE(maxu)
BY_LANE(srl)
BY_LANE(sra)
BY_LANE(sll)
FORMS(or, or_any, or_any)
FORMS(xor, xor_any, xor_any)
FORMS(and, and_any, and_any)
BY_LANE(dotup)
BY_LANE(dotusp)
BY_LANE(dotsp)
SUM_OF(up)
SUM_OF(usp)
SUM_OF(sp)
BY_LANE(cmpeq)
BY_LANE(cmpne)
BY_LANE(cmpgt)
BY_LANE(cmpge)
BY_LANE(cmplt)
BY_LANE(cmple)
BY_LANE(cmpgtu)
BY_LANE(cmpgeu)
BY_LANE(cmpltu)
BY_LANE(cmpleu)

/* Shuffles: each lane of the second operand selects a lane; of two vectors, the next higher bit selects the vector. */
static inline uint32_t shuffle_b(uint32_t a, uint32_t b) {
    return ub(a, b & 3) | ub(a, b >> 8 & 3) << 8 | ub(a, b >> 16 & 3) << 16 | ub(a, b >> 24 & 3) << 24;
}
static inline uint32_t shuffle_h(uint32_t a, uint32_t b) { return uh(a, b & 1) | uh(a, b >> 16 & 1) << 16; }

static inline uint32_t pick_b(uint32_t rd, uint32_t a, uint32_t selector) {
    return ub((selector & 4) != 0 ? a : rd, selector & 3);
}
static inline uint32_t pick_h(uint32_t rd, uint32_t a, uint32_t selector) {
    return uh((selector & 2) != 0 ? a : rd, selector & 1);
}

#define SECOND RS2
OP(op_shuffle_b, shuffle_b(a, b))
OP(op_shuffle_h, shuffle_h(a, b))
OP(op_shuffle2_b,
   pick_b(RS3, a, b) | pick_b(RS3, a, b >> 8) << 8 | pick_b(RS3, a, b >> 16) << 16 | pick_b(RS3, a, b >> 24) << 24)
OP(op_shuffle2_h, pick_h(RS3, a, b) | pick_h(RS3, a, b >> 16) << 16)
OP(op_pack_h, a << 16 | (b & 0xFFFF))
OP(op_packhi_b, ub(a, 0) << 24 | ub(b, 0) << 16 | (RS3 & 0xFFFF))
OP(op_packlo_b, ub(a, 0) << 8 | ub(b, 0) | (RS3 & 0xFFFF0000))
#undef SECOND
#define SECOND ((uint32_t)d->imm)
OP(op_shuffle_sci_b, shuffle_b(a, b))
OP(op_shuffle_sci_h, shuffle_h(a, b))
OP(op_abs_b, abs_b(a, 0))
OP(op_abs_h, abs_h(a, 0))
OP(op_extract_b, (uint32_t)sb(a, b))
OP(op_extract_h, (uint32_t)sh(a, b))
OP(op_extractu_b, ub(a, b))
OP(op_extractu_h, uh(a, b))
OP(op_insert_b, (RS3 & ~(0xFFu << (8 * b))) | ub(a, 0) << (8 * b))
OP(op_insert_h, (RS3 & ~(0xFFFFu << (16 * b))) | uh(a, 0) << (16 * b))

/* By the operation in bits 31:26, then f3. */
static ek_run *const table[64][8] = {
    [0x00] = ROW(add),
    [0x01] = ROW(cmpeq),
    [0x02] = ROW(sub),
    [0x03] = ROW(cmpne),
    [0x04] = ROW(avg),
    [0x05] = ROW(cmpgt),
    [0x06] = ROW(avgu),
    [0x07] = ROW(cmpge),
    [0x08] = ROW(min),
    [0x09] = ROW(cmplt),
    [0x0A] = ROW(minu),
    [0x0B] = ROW(cmple),
    [0x0C] = ROW(max),
    [0x0D] = ROW(cmpgtu),
    [0x0E] = ROW(maxu),
    [0x0F] = ROW(cmpgeu),
    [0x10] = ROW(srl),
    [0x11] = ROW(cmpltu),
    [0x12] = ROW(sra),
    [0x13] = ROW(cmpleu),
    [0x14] = ROW(sll),
    [0x16] = ROW(or),
    [0x18] = ROW(xor),
    [0x1A] = ROW(and),
    [0x1C] = {op_abs_h, op_abs_b},
    [0x1E] = {[6] = op_extract_h, [7] = op_extract_b},
    [0x20] = ROW(dotup),
    [0x22] = ROW(dotusp),
    [0x24] = {[6] = op_extractu_h, [7] = op_extractu_b},
    [0x26] = ROW(dotsp),
    [0x28] = ROW(up),
    [0x2A] = ROW(usp),
    [0x2C] = {[6] = op_insert_h, [7] = op_insert_b},
    [0x2E] = ROW(sp),
    [0x30] = {[0] = op_shuffle_h, [1] = op_shuffle_b, [6] = op_shuffle_sci_h, [7] = op_shuffle_sci_b},
    [0x32] = {op_shuffle2_h, op_shuffle2_b},
    [0x34] = {op_pack_h},
    [0x36] = {[1] = op_packhi_b},
    [0x38] = {[1] = op_packlo_b},
    [0x3A] = {[7] = op_shuffle_sci_b},
    [0x3C] = {[7] = op_shuffle_sci_b},
    [0x3E] = {[7] = op_shuffle_sci_b},
};

enum { SHUFFLE = 0x30, SHUFFLE1 = 0x3A, ABS = 0x1C, EXTRACT = 0x1E, EXTRACTU = 0x24, INSERT = 0x2C };

/* Operations that add to rd or keep a part of it. */
static bool reads_rd(uint32_t operation) {
    switch (operation) {
    case 0x28:
    case 0x2A:
    case INSERT:
    case 0x2E:
    case 0x32:
    case 0x36:
    case 0x38:
        return true;
    default:
        return false;
    }
}

/* Operations whose 6-bit immediate has no sign. */
static bool immediate_unsigned(uint32_t operation) {
    switch (operation) {
    case 0x06: /* avgu, minu, maxu, shifts, dotup, sdotup, unsigned comparisons */
    case 0x0A:
    case 0x0E:
    case 0x10:
    case 0x12:
    case 0x14:
    case 0x20:
    case 0x28:
    case 0x0D:
    case 0x0F:
    case 0x11:
    case 0x13:
        return true;
    default:
        return false;
    }
}

static uint32_t immediate_vector(uint32_t operation, uint32_t imm, bool bytes) {
    if (operation == SHUFFLE || operation >= SHUFFLE1) {
        if (!bytes) {
            return (imm >> 1 & 1) << 16 | (imm & 1);
        }
        return (operation >> 1 & 3) << 24 | (imm >> 4 & 3) << 16 | (imm >> 2 & 3) << 8 | (imm & 3);
    }
    if (operation == EXTRACT || operation == EXTRACTU || operation == INSERT) {
        return imm & (bytes ? 3 : 1);
    }
    uint32_t value = immediate_unsigned(operation) ? imm : (uint32_t)((int32_t)(imm << 26) >> 26);
    return bytes ? in_bytes(value) : in_halves(value);
}

bool ek_decode_simd(machine *m, insn *d, uint32_t word) {
    uint32_t operation = word >> 26, f3 = word >> 12 & 7;
    bool immediate = f3 >= 6;

    (void)m;
    d->run = table[operation][f3];
    if (!immediate && ((word >> 25 & 1) != 0 || (operation == ABS && d->rs2 != 0))) {
        d->run = NULL;
    }
    d->reads = 1u << d->rs1 | (immediate ? 0 : 1u << d->rs2) | (reads_rd(operation) ? 1u << d->rs3 : 0);
    if (immediate) {
        d->imm = (int32_t)immediate_vector(operation, (uint32_t)d->rs2 << 1 | (word >> 25 & 1), (f3 & 1) != 0);
    }
    return d->run != NULL;
}

/* XpulpV2 without SIMD: post-increment and register-indexed accesses, hardware loops, bit manipulation, clip, min, max,
 * normalizing additions, multiply-accumulate. Encodings: RI5CY's legacy ones; definitions:
 * RI5CY user manual (2018). All take one cycle. */
#include "access.h"

#define RS1 (c->regs[d->rs1])
#define RS2 (c->regs[d->rs2])
#define RS3 (c->regs[d->rs3])
#define IS3 ((uint32_t)d->imm) /* immediate in bits 29:25 */
#define OP(name, expression)                                                                                           \
    static const insn *name(core *c, const insn *d) {                                                                  \
        c->regs[d->rd] = (uint32_t)(expression);                                                                       \
        return ek_next(d);                                                                                             \
    }

/* Loads and stores. The address that is written back goes first: of two results for one register, the load's stays. */
#define LOAD(name, bytes, type, address, increment)                                                                    \
    static const insn *name(core *c, const insn *d) {                                                                  \
        uint32_t value, sum = RS1 + (increment);                                                                       \
        if (!ek_load(c, d, address, bytes, &value)) {                                                                  \
            return NULL;                                                                                               \
        }                                                                                                              \
        c->regs[d->rs3] = sum;                                                                                         \
        c->regs[d->rd] = (uint32_t)(type)value;                                                                        \
        return ek_next(d);                                                                                             \
    }
#define LOADS(size, bytes, type)                                                                                       \
    LOAD(op_l##size##_post, bytes, type, RS1, (uint32_t)d->imm)                                                        \
    LOAD(op_l##size##_post_reg, bytes, type, RS1, RS2)                                                                 \
    LOAD(op_l##size##_reg, bytes, type, sum, RS2)

/* Register-indexed stores have the index where rd is: rs3. */
#define STORE(name, bytes, address, increment, write_back)                                                             \
    static const insn *name(core *c, const insn *d) {                                                                  \
        uint32_t sum = RS1 + (increment);                                                                              \
        if (!ek_store(c, address, bytes, RS2)) {                                                                       \
            return NULL;                                                                                               \
        }                                                                                                              \
        c->regs[write_back] = sum;                                                                                     \
        return ek_next(d);                                                                                             \
    }
#define STORES(size, bytes)                                                                                            \
    STORE(op_s##size##_post, bytes, RS1, (uint32_t)d->imm, d->rd)                                                      \
    STORE(op_s##size##_post_reg, bytes, RS1, RS3, d->rd)                                                               \
    STORE(op_s##size##_reg, bytes, sum, RS3, 32)

LOADS(b, 1, int8_t)
LOADS(h, 2, int16_t)
LOADS(w, 4, int32_t)
LOADS(bu, 1, uint8_t)
LOADS(hu, 2, uint16_t)
STORES(b, 1)
STORES(h, 2)
STORES(w, 4)

static const insn *op_elw(core *c, const insn *d) {
    uint32_t value, address = RS1 + (uint32_t)d->imm;

    if ((address & 3) != 0) { /* cannot be split: the access has an effect */
        ek_stop_at(c, EK_MISALIGNED, address);
        return NULL;
    }
    if (!ek_load(c, d, address, 4, &value)) {
        return NULL;
    }
    c->perf[P_ELW]++;
    c->regs[d->rd] = value;
    return ek_next(d);
}

/* Hardware loops: d->rd is the loop's number, d->target the distance to the start or end in halfwords. */
static const insn *op_lp_start(core *c, const insn *d) {
    c->loops[d->rd].start = d + d->target;
    return ek_next(d);
}

static void loop_ends(core *c, const insn *d, const insn *end) {
    c->loops[d->rd].end = end;
    ((insn *)(uintptr_t)end)->flags |= LOOP_END;
}

static const insn *op_lp_end(core *c, const insn *d) {
    loop_ends(c, d, d + d->target);
    return ek_next(d);
}

static const insn *op_lp_count(core *c, const insn *d) {
    c->loops[d->rd].count = RS1;
    return ek_next(d);
}

static const insn *op_lp_counti(core *c, const insn *d) {
    c->loops[d->rd].count = (uint32_t)d->imm;
    return ek_next(d);
}

static const insn *set_up(core *c, const insn *d, uint32_t count) {
    const insn *start = ek_next(d);

    if (d->target <= d->step) { /* a body has two instructions or more */
        ek_stop_at(c, EK_LOOP, d->pc);
        return NULL;
    }
    c->loops[d->rd].start = start;
    c->loops[d->rd].count = count;
    loop_ends(c, d, d + d->target);
    return start;
}

static const insn *op_lp_setup(core *c, const insn *d) { return set_up(c, d, RS1); }
static const insn *op_lp_setupi(core *c, const insn *d) { return set_up(c, d, (uint32_t)d->imm); }

/* Arithmetic. */
static int32_t clip(int32_t value, int32_t low, int32_t high) {
    return value <= low ? low : value >= high ? high : value;
}

static uint32_t leading_bits(uint32_t value) {
    uint32_t differing = (int32_t)value < 0 ? ~value : value;

    return value == 0 ? 0 : differing == 0 ? 31 : (uint32_t)__builtin_clz(differing) - 1;
}

static uint32_t ones(uint32_t length_less_1) { return UINT32_MAX >> (31 - length_less_1); }
static uint32_t half(uint32_t shift) { return (1u << shift) >> 1; }

static uint32_t extract(uint32_t value, uint32_t length_less_1, uint32_t position, bool is_signed) {
    uint32_t shifted = is_signed ? (uint32_t)((int32_t)value >> position) : value >> position;
    uint32_t sign = is_signed && (shifted >> length_less_1 & 1) != 0 ? ~ones(length_less_1) : 0;

    return (shifted & ones(length_less_1)) | sign;
}

static uint32_t insert(uint32_t into, uint32_t value, uint32_t length_less_1, uint32_t position) {
    uint32_t mask = ones(length_less_1) << position;

    return (into & ~mask) | (value << position & mask);
}

OP(op_abs, (int32_t)RS1 < 0 ? 0 - RS1 : RS1)
OP(op_slet, (int32_t)RS1 <= (int32_t)RS2)
OP(op_sletu, RS1 <= RS2)
OP(op_min, (int32_t)RS1 < (int32_t)RS2 ? RS1 : RS2)
OP(op_minu, RS1 < RS2 ? RS1 : RS2)
OP(op_max, (int32_t)RS1 > (int32_t)RS2 ? RS1 : RS2)
OP(op_maxu, RS1 > RS2 ? RS1 : RS2)
OP(op_ror, RS1 >> (RS2 & 31) | RS1 << (-RS2 & 31))
OP(op_ff1, RS1 == 0 ? 32 : __builtin_ctz(RS1))
OP(op_fl1, RS1 == 0 ? 32 : 31 - __builtin_clz(RS1))
OP(op_clb, leading_bits(RS1))
OP(op_cnt, __builtin_popcount(RS1))
OP(op_exths, (int16_t)RS1)
OP(op_exthz, (uint16_t)RS1)
OP(op_extbs, (int8_t)RS1)
OP(op_extbz, (uint8_t)RS1)
OP(op_clip, clip((int32_t)RS1, ~d->imm, d->imm))
OP(op_clipu, clip((int32_t)RS1, 0, d->imm))
OP(op_clipr, clip((int32_t)RS1, (int32_t)~RS2, (int32_t)RS2))
OP(op_clipur, clip((int32_t)RS1, 0, (int32_t)RS2))
OP(op_extract, extract(RS1, IS3, d->rs2, true))
OP(op_extractu, extract(RS1, IS3, d->rs2, false))
OP(op_insert, insert(RS3, RS1, IS3, d->rs2))
OP(op_bclr, RS1 & ~(ones(IS3) << d->rs2))
OP(op_bset, RS1 | ones(IS3) << d->rs2)
OP(op_extractr, extract(RS1, RS2 >> 5 & 31, RS2 & 31, true))
OP(op_extractur, extract(RS1, RS2 >> 5 & 31, RS2 & 31, false))
OP(op_insertr, insert(RS3, RS1, RS2 >> 5 & 31, RS2 & 31))
OP(op_bclrr, RS1 & ~(ones(RS2 >> 5 & 31) << (RS2 & 31)))
OP(op_bsetr, RS1 | ones(RS2 >> 5 & 31) << (RS2 & 31))
OP(op_mac, RS3 + RS1 * RS2)
OP(op_msu, RS3 - RS1 * RS2)

/* Sums of 32 bits, then a shift; the rounding forms add half of what the shift drops. */
OP(op_addn, (int32_t)(RS1 + RS2) >> IS3)
OP(op_addun, (RS1 + RS2) >> IS3)
OP(op_addrn, (int32_t)(RS1 + RS2 + half(IS3)) >> IS3)
OP(op_addurn, (RS1 + RS2 + half(IS3)) >> IS3)
OP(op_subn, (int32_t)(RS1 - RS2) >> IS3)
OP(op_subun, (RS1 - RS2) >> IS3)
OP(op_subrn, (int32_t)(RS1 - RS2 + half(IS3)) >> IS3)
OP(op_suburn, (RS1 - RS2 + half(IS3)) >> IS3)
#define AMOUNT (RS2 & 31)
OP(op_addnr, (int32_t)(RS3 + RS1) >> AMOUNT)
OP(op_addunr, (RS3 + RS1) >> AMOUNT)
OP(op_addrnr, (int32_t)(RS3 + RS1 + half(AMOUNT)) >> AMOUNT)
OP(op_addurnr, (RS3 + RS1 + half(AMOUNT)) >> AMOUNT)
OP(op_subnr, (int32_t)(RS3 - RS1) >> AMOUNT)
OP(op_subunr, (RS3 - RS1) >> AMOUNT)
OP(op_subrnr, (int32_t)(RS3 - RS1 + half(AMOUNT)) >> AMOUNT)
OP(op_suburnr, (RS3 - RS1 + half(AMOUNT)) >> AMOUNT)

#define LOW_S ((uint32_t)((int32_t)(int16_t)RS1 * (int16_t)RS2))
#define HIGH_S ((uint32_t)(((int32_t)RS1 >> 16) * ((int32_t)RS2 >> 16)))
#define LOW_U ((RS1 & 0xFFFF) * (RS2 & 0xFFFF))
#define HIGH_U ((RS1 >> 16) * (RS2 >> 16))
#define MULTIPLY(name, product, type)                                                                                  \
    OP(op_mul##name##n, (type)(product) >> IS3)                                                                        \
    OP(op_mul##name##rn, (type)((product) + half(IS3)) >> IS3)                                                         \
    OP(op_mac##name##n, (type)(RS3 + (product)) >> IS3)                                                                \
    OP(op_mac##name##rn, (type)(RS3 + (product) + half(IS3)) >> IS3)

MULTIPLY(s, LOW_S, int32_t)
MULTIPLY(hhs, HIGH_S, int32_t)
MULTIPLY(u, LOW_U, uint32_t)
MULTIPLY(hhu, HIGH_U, uint32_t)

static uint32_t bit(uint32_t number) { return 1u << number; }

/* Size of an access in f7 of the register-indexed loads: b, h, w, bu, hu. */
static int load_size(uint32_t f7) {
    switch (f7) {
    case 0x00:
        return 0;
    case 0x08:
        return 1;
    case 0x10:
        return 2;
    case 0x20:
        return 4;
    case 0x28:
        return 5;
    default:
        return 3;
    }
}

static ek_run *const loads_post[8] = {op_lb_post, op_lh_post, op_lw_post, NULL, op_lbu_post, op_lhu_post};
static ek_run *const loads_post_reg[8] = {op_lb_post_reg, op_lh_post_reg,  op_lw_post_reg,
                                          NULL,           op_lbu_post_reg, op_lhu_post_reg};
static ek_run *const loads_reg[8] = {op_lb_reg, op_lh_reg, op_lw_reg, NULL, op_lbu_reg, op_lhu_reg};
static ek_run *const stores_post[8] = {op_sb_post,     op_sh_post,     op_sw_post,    NULL,
                                       op_sb_post_reg, op_sh_post_reg, op_sw_post_reg};
static ek_run *const stores_reg[8] = {NULL, NULL, NULL, NULL, op_sb_reg, op_sh_reg, op_sw_reg};

static void decode_load(insn *d, uint32_t word) {
    uint32_t f3 = word >> 12 & 7, f7 = word >> 25;
    bool post = (word & 0x7F) == 0x0B;

    d->target = (int32_t)(d->rd < 32 ? bit(d->rd) : 0);
    d->reads = bit(d->rs1);
    if (f3 == 7) {
        d->run = post ? loads_post_reg[load_size(f7)] : loads_reg[load_size(f7)];
        d->reads |= bit(d->rs2);
    } else if (post) {
        d->run = loads_post[f3];
    } else {
        d->run = f3 == 6 ? op_elw : NULL;
    }
    d->rs3 = post && d->rs1 != 0 ? d->rs1 : 32;
}

static void decode_store(insn *d, uint32_t word) {
    uint32_t f3 = word >> 12 & 7, f7 = word >> 25;
    bool post = (word & 0x7F) == 0x2B;

    d->run = f3 >= 4 && f7 != 0 ? NULL : post ? stores_post[f3] : stores_reg[f3];
    d->imm = ((int32_t)word >> 25) * 32 + (int32_t)(word >> 7 & 31);
    d->reads = bit(d->rs1) | bit(d->rs2) | (f3 >= 4 ? bit(d->rs3) : 0);
    d->rd = d->rs1 != 0 ? d->rs1 : 32;
}

static void decode_loop(machine *m, insn *d, uint32_t word) {
    static ek_run *const runs[8] = {op_lp_start, op_lp_end, op_lp_count, op_lp_counti, op_lp_setup, op_lp_setupi};
    uint32_t f3 = word >> 12 & 7, high = word >> 20;

    d->run = runs[f3];
    d->rd = word >> 7 & 1;
    d->imm = (int32_t)high;
    if (f3 == 2 || f3 == 4) {
        d->reads = bit(d->rs1);
    }
    if (f3 == 0 || f3 == 1 || f3 == 4) {
        ek_branch_target(m, d, (int32_t)(2 * high));
    } else if (f3 == 5) {
        ek_branch_target(m, d, 2 * d->rs1);
    }
}

static int32_t clip_bound(uint32_t width) { return width < 2 ? 0 : (int32_t)((1u << (width - 1)) - 1); }

/* Opcode 0x33 with bits 31:30 = 11: length - 1 and position as immediates. */
static void decode_field(insn *d, uint32_t word) {
    static ek_run *const runs[8] = {op_extract, op_extractu, op_insert, op_bclr, op_bset};
    uint32_t f3 = word >> 12 & 7;

    d->run = runs[f3];
    d->imm = (int32_t)(word >> 25 & 31);
    d->reads = bit(d->rs1) | (f3 == 2 ? bit(d->rs3) : 0);
}

static void decode_scalar(insn *d, uint32_t word) {
    static ek_run *const compare[8] = {op_abs, NULL, op_slet, op_sletu, op_min, op_minu, op_max, op_maxu};
    static ek_run *const count[8] = {op_ff1, op_fl1, op_clb, op_cnt, op_exths, op_exthz, op_extbs, op_extbz};
    static ek_run *const clips[8] = {NULL, op_clip, op_clipu, NULL, NULL, op_clipr, op_clipur};
    static ek_run *const fields[8] = {op_extractr, op_extractur, op_insertr, op_bclrr, op_bsetr};
    static ek_run *const accumulate[8] = {op_mac, op_msu};
    uint32_t f3 = word >> 12 & 7;

    d->reads = bit(d->rs1) | bit(d->rs2);
    switch (word >> 25) {
    case 0x02:
        d->run = f3 == 0 && d->rs2 != 0 ? NULL : compare[f3];
        break;
    case 0x04:
        d->run = f3 == 5 ? op_ror : NULL;
        break;
    case 0x08:
        d->run = d->rs2 == 0 ? count[f3] : NULL;
        break;
    case 0x0A:
        d->run = clips[f3];
        d->imm = clip_bound(d->rs2);
        d->reads = f3 < 4 ? bit(d->rs1) : d->reads;
        break;
    case 0x21:
        d->run = accumulate[f3];
        d->reads |= bit(d->rs3);
        break;
    case 0x40:
        d->run = fields[f3];
        d->reads |= f3 == 2 ? bit(d->rs3) : 0;
        break;
    default:
        if (word >> 30 == 3) {
            decode_field(d, word);
        }
        break;
    }
}

/* Opcode 0x5B: by f3, then bits 31:30. */
static void decode_normalizing(insn *d, uint32_t word) {
    static ek_run *const runs[8][4] = {
        {op_mulun, op_mulhhun, op_mulsn, op_mulhhsn},     {op_macun, op_machhun, op_macsn, op_machhsn},
        {op_addn, op_addnr, op_addun, op_addunr},         {op_subn, op_subnr, op_subun, op_subunr},
        {op_mulurn, op_mulhhurn, op_mulsrn, op_mulhhsrn}, {op_macurn, op_machhurn, op_macsrn, op_machhsrn},
        {op_addrn, op_addrnr, op_addurn, op_addurnr},     {op_subrn, op_subrnr, op_suburn, op_suburnr}};
    uint32_t f3 = word >> 12 & 7, form = word >> 30;
    bool multiplies = (f3 & 3) < 2, by_register = !multiplies && (form & 1) != 0;

    d->run = by_register && (word >> 25 & 31) != 0 ? NULL : runs[f3][form];
    d->imm = (int32_t)(word >> 25 & 31);
    d->reads = bit(d->rs1) | bit(d->rs2) | (by_register || (f3 & 3) == 1 ? bit(d->rs3) : 0);
}

bool ek_decode_xpulp(machine *m, insn *d, uint32_t word) {
    d->run = NULL;
    switch (word & 0x7F) {
    case 0x03:
    case 0x0B:
        decode_load(d, word);
        break;
    case 0x23:
    case 0x2B:
        decode_store(d, word);
        break;
    case 0x33:
        decode_scalar(d, word);
        break;
    case 0x5B:
        decode_normalizing(d, word);
        break;
    case 0x7B:
        decode_loop(m, d, word);
        break;
    default:
        break;
    }
    return d->run != NULL;
}

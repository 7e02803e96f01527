/* F: single precision, on the cores of boards that have it. One cycle each, as no figure is known; division and square
 * root FP_LONG more, assumed. Rounding: to nearest even, towards zero, down and up; ties away from zero only in
 * conversions to integers. */
#include "access.h"

#include <fenv.h>
#include <math.h>

enum { RNE = 0, RTZ, RDN, RUP, RMM, DYN = 7 };
enum { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16, FP_LONG = 10 };
#define CANONICAL_NAN 0x7FC00000u
#define FRS1 (c->fregs[d->rs1])
#define FRS2 (c->fregs[d->rs2])
#define FRD (c->fregs[d->rs3])

static float as_float(uint32_t bits) {
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t as_bits(float value) {
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool is_nan(uint32_t bits) { return (bits & 0x7FFFFFFF) > 0x7F800000; }
static bool is_signaling(uint32_t bits) { return is_nan(bits) && (bits & 0x00400000) == 0; }

/* The next instruction reads an FP register that was loaded by the one before: it waits, as for integers. */
static bool fp_hazard(core *c, const insn *d) {
    if (c->fp_ready == c->m->now && (c->fp_pending & (uint32_t)d->target) != 0) {
        c->fp_ready = NEVER;
        c->perf[P_LOAD_STALL] += c->m->config.load_use;
        ek_stall(c, LOAD_USE, c->m->config.load_use);
        return true;
    }
    return false;
}

static int rounding(const core *c, const insn *d) {
    int mode = d->imm & 7;

    return mode == DYN ? (int)(c->fcsr >> 5) : mode;
}

static bool host_rounding(core *c, const insn *d) {
    static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    int mode = rounding(c, d);

    if (mode > RUP) {
        ek_stop_at(c, EK_ROUNDING, (uint32_t)mode);
        return false;
    }
    fesetround(modes[mode]);
    feclearexcept(FE_ALL_EXCEPT);
    return true;
}

static void take_flags(core *c) {
    int raised = fetestexcept(FE_ALL_EXCEPT);

    c->fcsr |= ((raised & FE_INEXACT) != 0 ? NX : 0) | ((raised & FE_UNDERFLOW) != 0 ? UF : 0) |
               ((raised & FE_OVERFLOW) != 0 ? OF : 0) | ((raised & FE_DIVBYZERO) != 0 ? DZ : 0) |
               ((raised & FE_INVALID) != 0 ? NV : 0);
    fesetround(FE_TONEAREST);
}

static uint32_t settled(float value) {
    uint32_t bits = as_bits(value);

    return is_nan(bits) ? CANONICAL_NAN : bits;
}

#define ARITHMETIC(name, expression, cycles)                                                                           \
    static const insn *name(core *c, const insn *d) {                                                                  \
        if (fp_hazard(c, d) || !host_rounding(c, d)) {                                                                 \
            return NULL;                                                                                               \
        }                                                                                                              \
        volatile float a = as_float(FRS1), b = as_float(FRS2), e = as_float(c->fregs[d->imm >> 3 & 31]);               \
        volatile float result = (expression);                                                                          \
        (void)b;                                                                                                       \
        (void)e;                                                                                                       \
        take_flags(c);                                                                                                 \
        FRD = settled(result);                                                                                         \
        if ((cycles) > 0) {                                                                                            \
            ek_extra(c, EXECUTE, cycles);                                                                              \
        }                                                                                                              \
        return ek_next(d);                                                                                             \
    }

ARITHMETIC(op_fadd, a + b, 0)
ARITHMETIC(op_fsub, a - b, 0)
ARITHMETIC(op_fmul, a *b, 0)
ARITHMETIC(op_fdiv, a / b, FP_LONG)
ARITHMETIC(op_fsqrt, sqrtf(a), FP_LONG)
ARITHMETIC(op_fmadd, fmaf(a, b, e), 0)
ARITHMETIC(op_fmsub, fmaf(a, b, -e), 0)
ARITHMETIC(op_fnmsub, fmaf(-a, b, e), 0)
ARITHMETIC(op_fnmadd, fmaf(-a, b, -e), 0)

#define FP(name, statement)                                                                                            \
    static const insn *name(core *c, const insn *d) {                                                                  \
        if (fp_hazard(c, d)) {                                                                                         \
            return NULL;                                                                                               \
        }                                                                                                              \
        statement;                                                                                                     \
        return ek_next(d);                                                                                             \
    }

FP(op_fsgnj, FRD = (FRS1 & 0x7FFFFFFF) | (FRS2 & 0x80000000))
FP(op_fsgnjn, FRD = (FRS1 & 0x7FFFFFFF) | (~FRS2 & 0x80000000))
FP(op_fsgnjx, FRD = FRS1 ^ (FRS2 & 0x80000000))
FP(op_fmv_x, c->regs[d->rd] = FRS1)
FP(op_fmv_f, FRD = c->regs[d->rs1])

/* Of +0 and -0 the smaller one is -0; a NaN gives way to a number. */
static uint32_t smaller(core *c, uint32_t a, uint32_t b, bool larger) {
    if (is_signaling(a) || is_signaling(b)) {
        c->fcsr |= NV;
    }
    if (is_nan(a)) {
        return is_nan(b) ? CANONICAL_NAN : b;
    }
    if (is_nan(b)) {
        return a;
    }
    float x = as_float(a), y = as_float(b);
    bool a_first = x < y || (x == y && a >> 31 != 0);
    return a_first != larger ? a : b;
}

FP(op_fmin, FRD = smaller(c, FRS1, FRS2, false))
FP(op_fmax, FRD = smaller(c, FRS1, FRS2, true))

static bool ordered(core *c, uint32_t a, uint32_t b, bool quiet) {
    if (is_nan(a) || is_nan(b)) {
        if (!quiet || is_signaling(a) || is_signaling(b)) {
            c->fcsr |= NV;
        }
        return false;
    }
    return true;
}

FP(op_feq, c->regs[d->rd] = ordered(c, FRS1, FRS2, true) && as_float(FRS1) == as_float(FRS2))
FP(op_flt, c->regs[d->rd] = ordered(c, FRS1, FRS2, false) && as_float(FRS1) < as_float(FRS2))
FP(op_fle, c->regs[d->rd] = ordered(c, FRS1, FRS2, false) && as_float(FRS1) <= as_float(FRS2))

static uint32_t class_of(uint32_t bits) {
    uint32_t magnitude = bits & 0x7FFFFFFF;
    bool negative = bits >> 31 != 0;

    if (is_nan(bits)) {
        return is_signaling(bits) ? 1u << 8 : 1u << 9;
    }
    if (magnitude == 0x7F800000) {
        return negative ? 1u << 0 : 1u << 7;
    }
    if (magnitude == 0) {
        return negative ? 1u << 3 : 1u << 4;
    }
    if (magnitude < 0x00800000) {
        return negative ? 1u << 2 : 1u << 5;
    }
    return negative ? 1u << 1 : 1u << 6;
}

FP(op_fclass, c->regs[d->rd] = class_of(FRS1))

static double rounded(double value, int mode) {
    double low = floor(value), rest = value - low;

    switch (mode) {
    case RTZ:
        return value < 0 ? ceil(value) : low;
    case RDN:
        return low;
    case RUP:
        return ceil(value);
    case RMM:
        return value < 0 ? -floor(0.5 - value) : floor(value + 0.5);
    default:
        if (rest != 0.5) {
            return rest < 0.5 ? low : low + 1;
        }
        return fmod(low, 2) == 0 ? low : low + 1;
    }
}

static uint32_t to_integer(core *c, uint32_t bits, int mode, bool is_signed) {
    double lowest = is_signed ? -2147483648.0 : 0, highest = is_signed ? 2147483647.0 : 4294967295.0;
    double value = as_float(bits);

    if (is_nan(bits)) {
        c->fcsr |= NV;
        return is_signed ? INT32_MAX : UINT32_MAX;
    }
    double whole = rounded(value, mode);
    if (whole < lowest || whole > highest) {
        c->fcsr |= NV;
        whole = whole < lowest ? lowest : highest;
    } else if (whole != value) {
        c->fcsr |= NX;
    }
    return is_signed ? (uint32_t)(int32_t)whole : (uint32_t)whole;
}

FP(op_fcvt_w, c->regs[d->rd] = to_integer(c, FRS1, rounding(c, d), true))
FP(op_fcvt_wu, c->regs[d->rd] = to_integer(c, FRS1, rounding(c, d), false))

#define FROM_INTEGER(name, type)                                                                                       \
    static const insn *name(core *c, const insn *d) {                                                                  \
        if (!host_rounding(c, d)) {                                                                                    \
            return NULL;                                                                                               \
        }                                                                                                              \
        volatile type value = (type)c->regs[d->rs1];                                                                   \
        volatile float result = (float)value;                                                                          \
        take_flags(c);                                                                                                 \
        FRD = as_bits(result);                                                                                         \
        return ek_next(d);                                                                                             \
    }

FROM_INTEGER(op_fcvt_s_w, int32_t)
FROM_INTEGER(op_fcvt_s_wu, uint32_t)

static const insn *op_flw(core *c, const insn *d) {
    uint32_t value;

    if (!ek_load(c, d, c->regs[d->rs1] + (uint32_t)d->imm, 4, &value)) {
        return NULL;
    }
    FRD = value;
    c->fp_pending = c->ready == c->m->now + 1 ? 1u << d->rs3 : 0;
    c->fp_ready = c->ready;
    return ek_next(d);
}

static const insn *op_fsw(core *c, const insn *d) {
    uint32_t value = FRS2;

    if (fp_hazard(c, d)) {
        return NULL;
    }
    return ek_store(c, c->regs[d->rs1] + (uint32_t)d->imm, 4, value) ? ek_next(d) : NULL;
}

static ek_run *by_f3(uint32_t f3, ek_run *first, ek_run *second, ek_run *third) {
    return f3 == 0 ? first : f3 == 1 ? second : f3 == 2 ? third : NULL;
}

static ek_run *operation(insn *d, uint32_t f7, uint32_t f3) {
    switch (f7) {
    case 0x00:
        return op_fadd;
    case 0x04:
        return op_fsub;
    case 0x08:
        return op_fmul;
    case 0x0C:
        return op_fdiv;
    case 0x2C:
        return d->rs2 == 0 ? op_fsqrt : NULL;
    case 0x10:
        return by_f3(f3, op_fsgnj, op_fsgnjn, op_fsgnjx);
    case 0x14:
        return by_f3(f3, op_fmin, op_fmax, NULL);
    case 0x50:
        return by_f3(f3, op_fle, op_flt, op_feq);
    case 0x60:
        return d->rs2 < 2 ? (d->rs2 == 0 ? op_fcvt_w : op_fcvt_wu) : NULL;
    case 0x68:
        d->reads = 1u << d->rs1;
        d->target = 0;
        return d->rs2 < 2 ? (d->rs2 == 0 ? op_fcvt_s_w : op_fcvt_s_wu) : NULL;
    case 0x70:
        return d->rs2 == 0 ? by_f3(f3, op_fmv_x, op_fclass, NULL) : NULL;
    case 0x78:
        d->reads = 1u << d->rs1;
        d->target = 0;
        return d->rs2 == 0 && f3 == 0 ? op_fmv_f : NULL;
    default:
        return NULL;
    }
}

static ek_run *fused(uint32_t opcode) {
    return opcode == 0x43 ? op_fmadd : opcode == 0x47 ? op_fmsub : opcode == 0x4B ? op_fnmsub : op_fnmadd;
}

/* d->imm: rounding mode, above it rs3; d->target: the FP registers that are read. */
bool ek_decode_fpu(machine *m, insn *d, uint32_t word) {
    uint32_t opcode = word & 0x7F, f3 = word >> 12 & 7;

    (void)m;
    d->run = NULL;
    if (opcode == 0x07 || opcode == 0x27) {
        d->reads = 1u << d->rs1;
        if (f3 == 2 && opcode == 0x07) {
            d->run = op_flw;
        } else if (f3 == 2) {
            d->run = op_fsw;
            d->imm = ((int32_t)word >> 25) * 32 + (int32_t)(word >> 7 & 31);
            d->target = (int32_t)(1u << d->rs2);
        }
        return d->run != NULL;
    }
    d->imm = (int32_t)(f3 | (word >> 27) << 3);
    d->target = (int32_t)(1u << d->rs1 | 1u << d->rs2);
    if (opcode == 0x53) {
        d->run = operation(d, word >> 25, f3);
    } else if ((word >> 25 & 3) == 0) {
        d->target |= (int32_t)(1u << (word >> 27));
        d->run = fused(opcode);
    }
    return d->run != NULL;
}

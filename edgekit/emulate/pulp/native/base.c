/* RV32IM. Definitions: RISC-V unprivileged ISA. Cycles: ek_config. */
#include "access.h"

#define RS1 (c->regs[d->rs1])
#define RS2 (c->regs[d->rs2])
#define OP(name, expression)                                                                                           \
    static const insn *name(core *c, const insn *d) {                                                                  \
        c->regs[d->rd] = (uint32_t)(expression);                                                                       \
        return ek_next(d);                                                                                             \
    }

OP(op_lui, d->imm)
OP(op_auipc, d->pc + (uint32_t)d->imm)
OP(op_addi, RS1 + (uint32_t)d->imm)
OP(op_slti, (int32_t)RS1 < d->imm)
OP(op_sltiu, RS1 < (uint32_t)d->imm)
OP(op_xori, RS1 ^ (uint32_t)d->imm)
OP(op_ori, RS1 | (uint32_t)d->imm)
OP(op_andi, RS1 &(uint32_t)d->imm)
OP(op_slli, RS1 << d->rs2)
OP(op_srli, RS1 >> d->rs2)
OP(op_srai, (int32_t)RS1 >> d->rs2)
OP(op_add, RS1 + RS2)
OP(op_sub, RS1 - RS2)
OP(op_sll, RS1 << (RS2 & 31))
OP(op_slt, (int32_t)RS1 < (int32_t)RS2)
OP(op_sltu, RS1 < RS2)
OP(op_xor, RS1 ^ RS2)
OP(op_srl, RS1 >> (RS2 & 31))
OP(op_sra, (int32_t)RS1 >> (RS2 & 31))
OP(op_or, RS1 | RS2)
OP(op_and, RS1 &RS2)

static const insn *op_fence(core *c, const insn *d) {
    (void)c;
    return ek_next(d);
}

static const insn *op_mul(core *c, const insn *d) {
    c->regs[d->rd] = RS1 * RS2;
    if (UNLIKELY(c->m->config.mul > 1)) {
        ek_extra(c, EXECUTE, c->m->config.mul - 1);
    }
    return ek_next(d);
}

static const insn *high(core *c, const insn *d, uint64_t product) {
    c->regs[d->rd] = (uint32_t)(product >> 32);
    ek_extra(c, EXECUTE, c->m->config.mulh - 1);
    return ek_next(d);
}

static const insn *op_mulh(core *c, const insn *d) {
    return high(c, d, (uint64_t)((int64_t)(int32_t)RS1 * (int32_t)RS2));
}

static const insn *op_mulhsu(core *c, const insn *d) {
    return high(c, d, (uint64_t)((int64_t)(int32_t)RS1 * (int64_t)RS2));
}

static const insn *op_mulhu(core *c, const insn *d) { return high(c, d, (uint64_t)RS1 * RS2); }

/* Divisions take longer the more significant bits the quotient has. */
static const insn *divided(core *c, const insn *d, uint32_t quotient, uint32_t result) {
    const ek_config *config = &c->m->config;
    uint32_t bits = quotient == 0 ? 0 : 32 - (uint32_t)__builtin_clz(quotient);

    c->regs[d->rd] = result;
    ek_extra(c, EXECUTE, config->divide_min - 1 + (config->divide_max - config->divide_min) * bits / 32);
    return ek_next(d);
}

static uint32_t magnitude(uint32_t value) { return (int32_t)value < 0 ? 0 - value : value; }

static const insn *op_div(core *c, const insn *d) {
    uint32_t a = RS1, b = RS2;
    uint32_t quotient = b == 0 ? UINT32_MAX : magnitude(a) / magnitude(b);

    return divided(c, d, quotient, b != 0 && (int32_t)(a ^ b) < 0 ? 0 - quotient : quotient);
}

static const insn *op_divu(core *c, const insn *d) {
    uint32_t quotient = RS2 == 0 ? UINT32_MAX : RS1 / RS2;

    return divided(c, d, quotient, quotient);
}

static const insn *op_rem(core *c, const insn *d) {
    uint32_t a = RS1, b = RS2;

    if (b == 0) {
        return divided(c, d, UINT32_MAX, a);
    }
    uint32_t rest = magnitude(a) % magnitude(b);
    return divided(c, d, magnitude(a) / magnitude(b), (int32_t)a < 0 ? 0 - rest : rest);
}

static const insn *op_remu(core *c, const insn *d) {
    uint32_t a = RS1, b = RS2;

    return b == 0 ? divided(c, d, UINT32_MAX, a) : divided(c, d, a / b, a % b);
}

static void jumped(core *c) {
    c->perf[P_JUMPS]++;
    ek_extra(c, BRANCH, c->m->config.jump - 1);
}

static const insn *op_jal(core *c, const insn *d) {
    c->regs[d->rd] = d->pc + 2u * d->step;
    jumped(c);
    return d + d->target;
}

static const insn *op_jalr(core *c, const insn *d) {
    uint32_t target = (RS1 + (uint32_t)d->imm) & ~1u;

    c->regs[d->rd] = d->pc + 2u * d->step;
    jumped(c);
    return ek_locate(c, target, d->pc);
}

static const insn *branched(core *c, const insn *d, bool taken) {
    c->perf[P_BRANCHES]++;
    if (taken) {
        c->perf[P_TAKEN]++;
        ek_extra(c, BRANCH, c->m->config.branch_taken - 1);
        return d + d->target;
    }
    return ek_next(d);
}

#define BRANCH_IF(name, condition)                                                                                     \
    static const insn *name(core *c, const insn *d) { return branched(c, d, condition); }

BRANCH_IF(op_beq, RS1 == RS2)
BRANCH_IF(op_bne, RS1 != RS2)
BRANCH_IF(op_blt, (int32_t)RS1 < (int32_t)RS2)
BRANCH_IF(op_bge, (int32_t)RS1 >= (int32_t)RS2)
BRANCH_IF(op_bltu, RS1 < RS2)
BRANCH_IF(op_bgeu, RS1 >= RS2)
BRANCH_IF(op_beqimm, (int32_t)RS1 == d->imm)
BRANCH_IF(op_bneimm, (int32_t)RS1 != d->imm)

#define LOAD(name, bytes, type)                                                                                        \
    static const insn *name(core *c, const insn *d) {                                                                  \
        uint32_t value;                                                                                                \
        if (!ek_load(c, d, RS1 + (uint32_t)d->imm, bytes, &value)) {                                                   \
            return NULL;                                                                                               \
        }                                                                                                              \
        c->regs[d->rd] = (uint32_t)(type)value;                                                                        \
        return ek_next(d);                                                                                             \
    }
#define STORE(name, bytes)                                                                                             \
    static const insn *name(core *c, const insn *d) {                                                                  \
        return ek_store(c, RS1 + (uint32_t)d->imm, bytes, RS2) ? ek_next(d) : NULL;                                    \
    }

LOAD(op_lb, 1, int8_t)
LOAD(op_lh, 2, int16_t)
LOAD(op_lw, 4, int32_t)
LOAD(op_lbu, 1, uint8_t)
LOAD(op_lhu, 2, uint16_t)
STORE(op_sb, 1)
STORE(op_sh, 2)
STORE(op_sw, 4)

static ek_run *const loads[8] = {op_lb, op_lh, op_lw, NULL, op_lbu, op_lhu};
static ek_run *const stores[8] = {op_sb, op_sh, op_sw};
static ek_run *const branches[8] = {op_beq, op_bne, op_beqimm, op_bneimm, op_blt, op_bge, op_bltu, op_bgeu};
static ek_run *const immediates[8] = {op_addi, NULL, op_slti, op_sltiu, op_xori, NULL, op_ori, op_andi};
static ek_run *const registers[8] = {op_add, op_sll, op_slt, op_sltu, op_xor, op_srl, op_or, op_and};
static ek_run *const multiplies[8] = {op_mul, op_mulh, op_mulhsu, op_mulhu, op_div, op_divu, op_rem, op_remu};

static ek_run *shift_immediate(uint32_t f3, uint32_t f7) {
    if (f3 == 1) {
        return f7 == 0 ? op_slli : NULL;
    }
    return f7 == 0 ? op_srli : f7 == 0x20 ? op_srai : NULL;
}

static ek_run *register_op(uint32_t f3, uint32_t f7) {
    switch (f7) {
    case 0:
        return registers[f3];
    case 1:
        return multiplies[f3];
    case 0x20:
        return f3 == 0 ? op_sub : f3 == 5 ? op_sra : NULL;
    default:
        return NULL;
    }
}

static void decode_jal(machine *m, insn *d, uint32_t word) {
    int32_t offset = (int32_t)((word >> 20 & 0x7FE) | (word >> 9 & 0x800) | (word & 0xFF000));

    d->run = op_jal;
    ek_branch_target(m, d, (int32_t)word < 0 ? offset - (1 << 20) : offset);
}

static void decode_branch(machine *m, insn *d, uint32_t word) {
    int32_t offset = (int32_t)((word >> 7 & 0x1E) | (word >> 20 & 0x7E0) | (word << 4 & 0x800));
    uint32_t f3 = word >> 12 & 7;

    d->run = branches[f3];
    d->reads = 1u << d->rs1;
    if (f3 == 2 || f3 == 3) {
        d->imm = (int32_t)(word << 7) >> 27;
        d->flags |= XPULP;
    } else {
        d->reads |= 1u << d->rs2;
    }
    ek_branch_target(m, d, (int32_t)word < 0 ? offset - 4096 : offset);
}

bool ek_decode_base(machine *m, insn *d, uint32_t word) {
    uint32_t f3 = word >> 12 & 7, f7 = word >> 25;

    d->run = NULL;
    d->reads = 1u << d->rs1;
    switch (word & 0x7F) {
    case 0x03:
        d->run = loads[f3];
        d->target = (int32_t)(d->rd < 32 ? 1u << d->rd : 0);
        break;
    case 0x0F:
        d->run = f3 < 2 ? op_fence : NULL; /* fence.i: writes to code are seen at once */
        d->reads = 0;
        break;
    case 0x13:
        d->run = f3 == 1 || f3 == 5 ? shift_immediate(f3, f7) : immediates[f3];
        break;
    case 0x17:
    case 0x37:
        d->run = (word & 0x20) != 0 ? op_lui : op_auipc;
        d->imm = (int32_t)(word & 0xFFFFF000);
        d->reads = 0;
        break;
    case 0x23:
        d->run = stores[f3];
        d->imm = ((int32_t)word >> 25) * 32 + (int32_t)(word >> 7 & 31);
        d->reads |= 1u << d->rs2;
        break;
    case 0x33:
        d->run = register_op(f3, f7);
        d->reads |= 1u << d->rs2;
        break;
    case 0x63:
        decode_branch(m, d, word);
        break;
    case 0x67:
        d->run = f3 == 0 ? op_jalr : NULL;
        break;
    case 0x6F:
        d->reads = 0;
        decode_jal(m, d, word);
        break;
    default:
        break;
    }
    return d->run != NULL;
}

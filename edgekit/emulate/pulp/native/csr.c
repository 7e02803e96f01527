/* Zicsr, the machine-mode registers that RI5CY has, performance counters, ecall, ebreak, mret and wfi.
 *
 * Performance counters count events that are enabled in PCER while PCMR bit 0 is set; each has its own register, as on
 * GVSoC (synthesised RI5CY has one for all). PCER and PCMR read as 0, as there. Counter 0 stops while the core sleeps;
 * mcycle does not. */
#include "machine.h"

enum {
    FFLAGS = 0x001,
    FRM = 0x002,
    FCSR = 0x003,
    MSTATUS = 0x300,
    MISA = 0x301,
    MTVEC = 0x305,
    MSCRATCH = 0x340,
    MEPC = 0x341,
    MCAUSE = 0x342,
    PCCR_FIRST = 0x780,
    PCCR_ALL = 0x79F,
    MCYCLE = 0xB00,
    MCYCLEH = 0xB80,
    PCER = 0xCC0,
    PCMR = 0xCC1,
    MHARTID = 0xF14
};
enum { MIE = 1 << 3, MPIE = 1 << 7, BREAKPOINT = 3, ECALL_M = 11 };

static uint64_t perf_now(const core *c, uint32_t event) {
    switch (event) {
    case P_CYCLES:
        return c->m->now - c->slept_total;
    case P_INSTRUCTIONS:
        return ek_retired(c);
    case P_COMPRESSED:
        return 2 * ek_retired(c) - c->halfwords;
    default:
        return c->perf[event];
    }
}

/* Brings the counters up to date with what has happened since the last time. */
void ek_perf_sync(core *c) {
    for (uint32_t i = 0; i < P_EVENTS; i++) {
        uint64_t now = perf_now(c, i);
        if ((c->pcmr & 1) != 0 && (c->pcer >> i & 1) != 0) {
            c->pccr[i] += (uint32_t)(now - c->perf_seen[i]);
        }
        c->perf_seen[i] = now;
    }
}

static bool read_csr(core *c, uint32_t number, uint32_t *value) {
    uint64_t cycles = c->m->now - c->cycle_offset;

    *value = 0;
    switch (number) {
    case FFLAGS:
    case FRM:
    case FCSR:
        *value = number == FFLAGS ? c->fcsr & 31 : number == FRM ? c->fcsr >> 5 : c->fcsr;
        return c->m->config.floating_point != 0;
    case MSTATUS:
        *value = c->mstatus;
        return true;
    case MISA:
        *value = 0x40000000;
        return true;
    case MTVEC:
        *value = c->mtvec;
        return true;
    case MSCRATCH:
        *value = c->mscratch;
        return true;
    case MEPC:
        *value = c->mepc;
        return true;
    case MCAUSE:
        *value = c->mcause;
        return true;
    case MCYCLE:
        *value = (uint32_t)cycles;
        return true;
    case MCYCLEH:
        *value = (uint32_t)(cycles >> 32);
        return true;
    case MHARTID:
        *value = c->hart;
        return true;
    case PCER:
    case PCMR:
    case PCCR_ALL:
        return true;
    default:
        if (number - PCCR_FIRST < P_EVENTS) {
            ek_perf_sync(c);
            *value = c->pccr[number - PCCR_FIRST];
        }
        return number - PCCR_FIRST < PCCR_ALL - PCCR_FIRST;
    }
}

static void set_cycles(core *c, uint64_t value) { c->cycle_offset = c->m->now - value; }

static bool write_csr(core *c, uint32_t number, uint32_t value) {
    uint64_t cycles = c->m->now - c->cycle_offset;

    switch (number) {
    case FFLAGS:
        c->fcsr = (c->fcsr & ~31u) | (value & 31);
        return c->m->config.floating_point != 0;
    case FRM:
        c->fcsr = (c->fcsr & 31) | (value & 7) << 5;
        return c->m->config.floating_point != 0;
    case FCSR:
        c->fcsr = value & 0xFF;
        return c->m->config.floating_point != 0;
    case MSTATUS:
        c->mstatus = value;
        ek_check_irq(c);
        return true;
    case MTVEC:
        c->mtvec = value & ~0xFFu;
        return true;
    case MSCRATCH:
        c->mscratch = value;
        return true;
    case MEPC:
        c->mepc = value & ~1u;
        return true;
    case MCAUSE:
        c->mcause = value;
        return true;
    case MCYCLE:
        set_cycles(c, (cycles & ~(uint64_t)UINT32_MAX) | value);
        return true;
    case MCYCLEH:
        set_cycles(c, (cycles & UINT32_MAX) | (uint64_t)value << 32);
        return true;
    default:
        break;
    }
    ek_perf_sync(c);
    if (number == PCER) {
        c->pcer = value;
    } else if (number == PCMR) {
        c->pcmr = value;
    } else if (number == PCCR_ALL) {
        for (uint32_t i = 0; i < P_EVENTS; i++) {
            c->pccr[i] = value;
        }
    } else if (number - PCCR_FIRST < P_EVENTS) {
        c->pccr[number - PCCR_FIRST] = value;
    } else {
        return number - PCCR_FIRST < PCCR_ALL - PCCR_FIRST;
    }
    return true;
}

/* d->imm: number and, above it, funct3. */
static const insn *op_csr(core *c, const insn *d) {
    uint32_t number = (uint32_t)d->imm & 0xFFF, f3 = (uint32_t)d->imm >> 12;
    uint32_t operand = (f3 & 4) != 0 ? d->rs1 : c->regs[d->rs1];
    uint32_t old;
    bool writes = (f3 & 3) == 1 || d->rs1 != 0;

    if (!read_csr(c, number, &old)) {
        ek_stop_at(c, EK_CSR, number);
        return NULL;
    }
    uint32_t value = (f3 & 3) == 1 ? operand : (f3 & 3) == 2 ? old | operand : old & ~operand;
    if (writes && !write_csr(c, number, value)) {
        ek_stop_at(c, EK_CSR, number);
        return NULL;
    }
    c->regs[d->rd] = old;
    return d + d->step;
}

static const insn *enter(core *c, uint32_t cause, uint32_t slot, uint32_t pc) {
    c->mepc = pc;
    c->mcause = cause;
    c->mstatus = (c->mstatus & ~(uint32_t)(MIE | MPIE)) | ((c->mstatus & MIE) != 0 ? MPIE : 0);
    ek_extra(c, BRANCH, c->m->config.jump - 1);
    return ek_locate(c, c->mtvec + 4 * slot, pc);
}

static const insn *op_ecall(core *c, const insn *d) { return enter(c, ECALL_M, 0, d->pc); }
static const insn *op_ebreak(core *c, const insn *d) { return enter(c, BREAKPOINT, 0, d->pc); }

static const insn *op_mret(core *c, const insn *d) {
    c->mstatus = (c->mstatus & ~(uint32_t)MIE) | ((c->mstatus & MPIE) != 0 ? MIE : 0) | MPIE;
    ek_check_irq(c);
    ek_extra(c, BRANCH, c->m->config.jump - 1);
    return ek_locate(c, c->mepc, d->pc);
}

/* Sleeps until an enabled line is raised, whether interrupts are on or not. */
static const insn *op_wfi(core *c, const insn *d) {
    bool pending = c->is_fc ? ek_itc_pending(c->m) != 0 : (c->events & c->irq_mask) != 0;

    if (!pending) {
        ek_sleep(c, WAIT_LINE, IDLE);
        return NULL;
    }
    return d + d->step;
}

/* Stands in for the instruction that an interrupt comes before. */
const insn *ek_take_interrupt(core *c, const insn *d) {
    uint32_t number;

    if (!ek_irq_due(c, &number)) {
        c->ip = c->interrupted;
        c->ready = c->m->now;
        ek_stall(c, EXECUTE, 1);
        return NULL;
    }
    ek_irq_taken(c, number);
    c->ip = enter(c, 0x80000000u | number, number, d->pc);
    c->stat->n[EXECUTE]++; /* no instruction of the program, but its first cycle */
    return NULL;
}

bool ek_decode_csr(machine *m, insn *d, uint32_t word) {
    uint32_t f3 = word >> 12 & 7;

    (void)m;
    d->run = NULL;
    if ((f3 & 3) != 0) {
        d->run = op_csr;
        d->imm = (int32_t)(word >> 20 | f3 << 12);
        d->reads = (f3 & 4) != 0 ? 0 : 1u << d->rs1;
    } else {
        switch (word) {
        case 0x00000073:
            d->run = op_ecall;
            break;
        case 0x00100073:
            d->run = op_ebreak;
            break;
        case 0x30200073:
            d->run = op_mret;
            break;
        case 0x10500073:
            d->run = op_wfi;
            break;
        default:
            break;
        }
    }
    return d->run != NULL;
}

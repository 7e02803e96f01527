/* Loads and stores of instructions: a PE's aligned access to L1 here, everything else in memory.c. */
#ifndef EK_PULP_ACCESS_H
#define EK_PULP_ACCESS_H

#include <string.h>

#include "machine.h"

/* Takes the bank of a word of L1 for this cycle; false, and a cycle lost, if another requester has it. */
static inline bool ek_take_bank(core *c, uint32_t offset) {
    machine *m = c->m;
    uint32_t bank = 1u << ((offset >> 2) & m->bank_mask);

    if (UNLIKELY(m->taken & bank)) {
        c->perf[P_CONFLICTS]++;
        ek_stall(c, CONFLICT, 1);
        return false;
    }
    m->taken |= bank;
    return true;
}

static inline bool ek_load(core *c, const insn *d, uint32_t address, uint32_t bytes, uint32_t *value) {
    uint32_t offset = address - c->near_base;

    if (UNLIKELY(offset >= c->near_bytes || (address & (bytes - 1)) != 0)) {
        return ek_load_far(c, d, address, bytes, value);
    }
    if (!ek_take_bank(c, offset)) {
        return false;
    }
    *value = 0;
    memcpy(value, c->m->l1 + offset, bytes);
    c->pending = (uint32_t)d->target;
    c->perf[P_LOADS]++;
    return true;
}

static inline bool ek_store(core *c, uint32_t address, uint32_t bytes, uint32_t value) {
    uint32_t offset = address - c->near_base;

    if (UNLIKELY(offset >= c->near_bytes || (address & (bytes - 1)) != 0)) {
        return ek_store_far(c, address, bytes, value);
    }
    if (!ek_take_bank(c, offset)) {
        return false;
    }
    memcpy(c->m->l1 + offset, &value, bytes);
    c->perf[P_STORES]++;
    if (UNLIKELY(c->m->l1_code)) {
        ek_overwritten(c->m, address, bytes);
    }
    return true;
}

static inline const insn *ek_next(const insn *d) { return d + d->step; }

#endif

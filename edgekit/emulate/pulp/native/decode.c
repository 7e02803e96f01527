/* From memory to decoded instructions: a table with one entry per halfword of L2, then L1. An entry is filled in when
 * it is first executed and emptied when its memory is written. Entries behind the end of each memory stand for a jump
 * or a step out of it. */
#include "machine.h"

#include <string.h>

enum { PAGE_SHIFT = 8 };

static uint16_t halfword(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

static uint32_t address_of(const machine *m, const insn *d) {
    if (d >= m->code_l1) {
        return m->config.l1_base + 2 * (uint32_t)(d - m->code_l1);
    }
    return m->config.l2_base + 2 * (uint32_t)(d - m->code);
}

uint32_t ek_pc(const core *c) {
    bool own = c->ip == &c->trap || c->ip == &c->nowhere;

    return own ? c->ip->pc : address_of(c->m, c->ip);
}

static const insn *op_illegal(core *c, const insn *d) {
    ek_stop_at(c, EK_ILLEGAL, (uint32_t)d->imm);
    return NULL;
}

static bool decode_word(machine *m, insn *d, uint32_t word) {
    switch (word & 0x7F) {
    case 0x0B:
    case 0x2B:
    case 0x5B:
    case 0x7B:
        d->flags |= XPULP;
        return ek_decode_xpulp(m, d, word);
    case 0x57:
        d->flags |= XPULP;
        return ek_decode_simd(m, d, word);
    case 0x07:
    case 0x27:
    case 0x43:
    case 0x47:
    case 0x4B:
    case 0x4F:
    case 0x53:
        d->flags |= XPULP; /* a controller without XpulpV2 has no F either */
        return m->config.floating_point && ek_decode_fpu(m, d, word);
    case 0x73:
        return ek_decode_csr(m, d, word);
    default:
        if (ek_decode_base(m, d, word)) {
            return true;
        }
        d->flags |= XPULP;
        return ek_decode_xpulp(m, d, word);
    }
}

void ek_branch_target(machine *m, insn *d, int32_t offset) {
    bool in_l1 = d >= m->code_l1;
    uint32_t base = in_l1 ? m->config.l1_base : m->config.l2_base;
    uint32_t bytes = in_l1 ? m->config.l1_bytes : m->config.l2_bytes;
    uint32_t at = d->pc - base;
    int64_t target = (int64_t)at + offset;

    if (target < 0 || target >= bytes) {
        target = bytes; /* the entry that stands for the outside */
    }
    d->target = (int32_t)((target - at) / 2);
}

void ek_decode(core *c, insn *d) {
    machine *m = c->m;

    if (d == &c->nowhere) {
        uint32_t address = d->pc;
        c->nowhere.pc = c->jumped_from;
        ek_stop_at(c, EK_FETCH, address);
        return;
    }
    d->pc = address_of(m, d);
    const uint8_t *at = ek_memory_at(m, d->pc, 2);
    if (at == NULL) {
        ek_stop_at(c, EK_FETCH, d->pc);
        return;
    }
    uint32_t word = halfword(at);
    uint8_t kept = d->flags & (LOOP_END | ENTRY | RETURN | STOP);
    uint32_t bits = word;
    d->step = 1;
    if ((word & 3) == 3) {
        if (ek_memory_at(m, d->pc, 4) == NULL) {
            ek_stop_at(c, EK_FETCH, d->pc + 2);
            return;
        }
        bits = word |= (uint32_t)halfword(at + 2) << 16;
        d->step = 2;
    } else {
        word = ek_expand((uint16_t)word, m->config.floating_point != 0);
    }
    d->flags = kept | DECODED;
    if (d->step == 2 && ((d->pc ^ (d->pc + 2)) & m->line_mask) != 0) {
        d->flags |= CROSSES;
    }
    d->rd = (uint8_t)((word >> 7) & 31);
    d->rs1 = (uint8_t)((word >> 15) & 31);
    d->rs2 = (uint8_t)((word >> 20) & 31);
    d->rs3 = d->rd;
    d->rd = d->rd != 0 ? d->rd : 32;
    d->imm = (int32_t)word >> 20;
    d->reads = 0;
    d->target = 0;
    if (word == 0 || !decode_word(m, d, word)) {
        d->flags &= (uint8_t)~XPULP;
        d->run = op_illegal;
        d->imm = (int32_t)bits;
        d->reads = 0;
    }
    d->reads &= ~1u;
    if (d >= m->code_l1) {
        m->l1_code = true;
    } else {
        m->l2_pages[(d->pc - m->config.l2_base) >> PAGE_SHIFT] = 1;
        m->l2_pages[(d->pc - m->config.l2_base + 2) >> PAGE_SHIFT] = 1;
    }
}

/* Addresses outside of L2: L1, an alias (control goes on at the address that it stands for), or nothing. */
const insn *ek_locate_far(core *c, uint32_t address, uint32_t from) {
    machine *m = c->m;
    uint32_t offset = address - m->config.l1_base;

    if (!c->is_fc && address < m->config.l1_bytes) {
        offset = address;
    }
    if (offset < m->config.l1_bytes) {
        return &m->code_l1[offset >> 1];
    }
    if (c->is_fc && address < L2_ALIAS_BYTES) {
        return &m->code[address >> 1];
    }
    c->jumped_from = from;
    c->nowhere.pc = address;
    c->nowhere.flags = 0;
    return &c->nowhere;
}

static void forget(insn *code, uint32_t offset, uint32_t bytes) {
    uint32_t first = offset / 2 > 0 ? offset / 2 - 1 : 0; /* a long instruction may begin before */

    for (uint32_t at = first; at <= (offset + bytes - 1) / 2; at++) {
        code[at].flags &= (uint8_t)~DECODED;
    }
}

void ek_overwritten(machine *m, uint32_t address, uint32_t bytes) {
    uint32_t l1 = address - m->config.l1_base;
    uint32_t l2 = address - m->config.l2_base;

    if (l2 < m->config.l2_bytes) {
        if (m->l2_pages[l2 >> PAGE_SHIFT] | m->l2_pages[(l2 + bytes - 1) >> PAGE_SHIFT]) {
            forget(m->code, l2, bytes);
        }
    } else if (l1 < m->config.l1_bytes && m->l1_code) {
        forget(m->code_l1, l1, bytes);
    }
}

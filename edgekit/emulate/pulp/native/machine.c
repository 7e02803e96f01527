/* A machine from nothing to its first cycle, and memory as the host sees it. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

enum { UNINITIALISED = 0x57, OUTSIDE = 2, CHUNK = 256, MSTATUS_RESET = 0x6000 };

static void reset_core(machine *m, uint32_t index) {
    core *c = &m->cores[index];

    c->m = m;
    c->index = (uint8_t)index;
    c->is_fc = index == m->pes;
    c->hart = c->is_fc ? 0x3E0 : index;
    c->mstatus = MSTATUS_RESET;
    c->watch = DECODED | LOOP_END | ENTRY | RETURN | STOP;
    if (!c->is_fc) {
        c->watch |= CROSSES;
        c->near_base = m->config.l1_base;
        c->near_bytes = m->config.l1_bytes;
    } else if (!m->config.fc_xpulp) {
        c->watch |= XPULP;
    }
    c->line = 1;
    c->ready = NEVER;
    c->asleep = CLOCK_OFF;
    c->sleep_category = IDLE;
    c->trap.run = ek_take_interrupt;
    c->trap.flags = DECODED;
    c->trap.step = 0;
    c->nowhere.step = 1;
    c->ip = &c->nowhere;
}

static void free_parts(machine *m) {
    free(m->l1);
    free(m->l2);
    free(m->l2_pages);
    free(m->code);
    free(m->stats);
    free(m->eu);
    free(m->dma);
    ek_soc_free(m->soc);
    ek_hyper_free(m->hyper);
    ek_icache_free(m->icache);
}

static bool allocate(machine *m) {
    const ek_config *config = &m->config;
    size_t l2_entries = config->l2_bytes / 2 + OUTSIDE, l1_entries = config->l1_bytes / 2 + OUTSIDE;

    m->l1 = malloc(config->l1_bytes);
    m->l2 = malloc(config->l2_bytes);
    m->l2_pages = calloc(config->l2_bytes / CHUNK + 1, 1);
    m->code = calloc(l2_entries + l1_entries, sizeof *m->code);
    m->stats = calloc(m->core_count, sizeof *m->stats);
    m->eu = ek_event_unit_new();
    m->dma = ek_dma_new();
    m->soc = ek_soc_new();
    m->hyper = ek_hyper_new();
    m->icache = ek_icache_new(config);
    if (m->code != NULL) {
        m->code_l1 = m->code + l2_entries;
    }
    return m->l1 != NULL && m->l2 != NULL && m->l2_pages != NULL && m->code != NULL && m->stats != NULL &&
           m->eu != NULL && m->dma != NULL && m->soc != NULL && m->hyper != NULL && m->icache != NULL;
}

machine *ek_pulp_new(const ek_config *config) {
    machine *m = calloc(1, sizeof *m);

    if (m == NULL || config->pes > MAX_PES) {
        free(m);
        return NULL;
    }
    m->config = *config;
    m->pes = config->pes;
    m->core_count = m->pes + 1;
    m->bank_mask = config->banks - 1;
    m->line_mask = ~(config->icache_line - 1);
    m->context_count = 1;
    if (!allocate(m)) {
        ek_pulp_free(m);
        return NULL;
    }
    memset(m->l1, UNINITIALISED, config->l1_bytes);
    memset(m->l2, UNINITIALISED, config->l2_bytes);
    for (uint32_t i = 0; i < m->core_count; i++) {
        reset_core(m, i);
        m->cores[i].stat = &m->stats[i];
    }
    return m;
}

void ek_pulp_free(machine *m) {
    if (m != NULL) {
        free_parts(m);
        free(m);
    }
}

void ek_pulp_boot(machine *m, uint32_t entry) {
    core *fc = &m->cores[m->pes];

    ek_start(fc, entry);
    fc->stat->n[IDLE] = 0;
    fc->slept_total = 0;
    fc->ready = m->now;
    fc->charge_end = fc->charge_from = 0;
}

int ek_pulp_read(machine *m, uint32_t address, uint32_t bytes, uint8_t *to) {
    const uint8_t *at = ek_memory_at(m, address, bytes);

    if (at != NULL) {
        memcpy(to, at, bytes);
    }
    return at != NULL;
}

int ek_pulp_write(machine *m, uint32_t address, uint32_t bytes, const uint8_t *from) {
    uint8_t *at = ek_memory_at(m, address, bytes);

    if (at == NULL) {
        return 0;
    }
    memcpy(at, from, bytes);
    for (uint32_t done = 0; done < bytes; done += CHUNK) {
        ek_overwritten(m, address + done, bytes - done < CHUNK ? bytes - done : CHUNK);
    }
    return 1;
}

uint64_t ek_pulp_misaligned(const machine *m, ek_stop *first) {
    *first = m->first_misaligned;
    return m->misaligned;
}

/* What a core does, for messages: [0] pc, [1] why it sleeps, [2] event mask, [3] event buffer, [4..35] registers. */
void ek_pulp_core(const machine *m, uint32_t index, uint32_t *state) {
    const core *c = &m->cores[index];

    state[0] = ek_pc(c);
    state[1] = c->asleep;
    state[2] = c->mask;
    state[3] = c->events;
    memcpy(state + 4, c->regs, 32 * sizeof *state);
}

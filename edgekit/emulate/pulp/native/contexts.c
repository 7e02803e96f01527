/* Which function a core is in. A context is entered at the first instruction of a function and left when control comes
 * back, at the stack pointer of the call, to where it was called from; the innermost one counts. With a function table
 * instead, every instruction counts for the function that holds it. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

enum { RA = 1, SP = 2 };

static void follow(core *c) {
    uint32_t context = c->depth != 0 ? c->frames[c->depth - 1].context : 0;

    if (!c->m->functions) {
        c->stat = &c->m->stats[context * c->m->core_count + c->index];
    }
}

static bool wanted(const ek_watch *watches, uint32_t count, const core *c, uint32_t what) {
    for (uint32_t i = 0; i < count; i++) {
        if ((watches[i].core == ANY_CORE || watches[i].core == c->index) && watches[i].what == what) {
            return true;
        }
    }
    return false;
}

static bool enter(core *c, const insn *d) {
    if (c->depth == MAX_FRAMES) {
        ek_stop_at(c, EK_NESTING, d->pc);
        return false;
    }
    c->frames[c->depth++] = (frame){.context = d->function, .ra = c->regs[RA], .sp = c->regs[SP]};
    insn *back = (insn *)(uintptr_t)ek_locate(c, c->regs[RA] & ~1u, d->pc);
    back->flags |= RETURN;
    return true;
}

bool ek_arrive(core *c, const insn *d) {
    machine *m = c->m;
    uint32_t left = 0; /* the outermost one that was asked for */

    while ((d->flags & RETURN) != 0 && c->depth != 0 && c->frames[c->depth - 1].ra == d->pc &&
           c->regs[SP] >= c->frames[c->depth - 1].sp) {
        uint32_t context = c->frames[--c->depth].context;
        left = wanted(m->leaves, m->leave_count, c, context) ? context : left;
    }
    if ((d->flags & ENTRY) != 0 && !enter(c, d)) {
        return false;
    }
    follow(c);
    if (left != 0) {
        ek_stop_at(c, EK_LEFT, d->pc);
        m->stop.context = left;
    } else if ((d->flags & STOP) != 0 && wanted(m->stops, m->stop_count, c, d->pc)) {
        ek_stop_at(c, EK_BREAKPOINT, d->pc);
    }
    return m->stop.reason == EK_RUNNING;
}

static int resize(machine *m, uint32_t contexts) {
    counters *stats = calloc((size_t)contexts * m->core_count, sizeof *stats);

    if (stats == NULL) {
        return 0;
    }
    free(m->stats);
    m->stats = stats;
    m->context_count = contexts;
    for (uint32_t i = 0; i < m->core_count; i++) {
        m->cores[i].stat = &stats[i];
    }
    return 1;
}

/* Context i + 1 begins at entries[i]; to be told before the run. */
int ek_pulp_contexts(machine *m, const uint32_t *entries, uint32_t count) {
    if (count >= UINT16_MAX || !resize(m, count + 1)) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        insn *d = (insn *)(uintptr_t)ek_locate(&m->cores[0], entries[i] & ~1u, 0);
        if (d == &m->cores[0].nowhere) {
            return 0;
        }
        d->flags |= ENTRY;
        d->function = (uint16_t)(i + 1);
    }
    return 1;
}

/* Function i + 1 is what lies in [starts[i], ends[i]). */
int ek_pulp_functions(machine *m, const uint32_t *starts, const uint32_t *ends, uint32_t count) {
    if (count >= UINT16_MAX || !resize(m, count + 1)) {
        return 0;
    }
    m->functions = true;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t at = starts[i] & ~1u; at < ends[i]; at += 2) {
            insn *d = (insn *)(uintptr_t)ek_locate(&m->cores[0], at, 0);
            if (d == &m->cores[0].nowhere) {
                return 0;
            }
            d->function = (uint16_t)(i + 1);
        }
    }
    return 1;
}

/* Instructions of a core since reset. */
uint64_t ek_retired(const core *c) {
    uint64_t sum = c->retired_before;

    for (uint32_t i = 0; i < c->m->context_count; i++) {
        sum += c->m->stats[i * c->m->core_count + c->index].n[INSTRUCTIONS];
    }
    return sum;
}

/* Adds, or takes away, the cycles behind `now` that a core has been charged already. */
static void charge_ahead(const machine *m, const core *c, counters *stat, bool add) {
    uint64_t ahead = c->asleep == AWAKE && c->ready > m->now ? c->ready - m->now : 0;
    uint64_t tail = 0;

    if (ahead != 0 && c->charge_end == c->ready) {
        tail = c->charge_end - c->charge_from < ahead ? c->charge_end - c->charge_from : ahead;
    }
    stat->n[c->charged] += add ? tail : 0 - tail;
    stat->n[EXECUTE] += add ? ahead - tail : tail - ahead;
}

/* COUNTERS numbers per context and core; cycles up to `now`, those of sleeping cores included. */
void ek_pulp_stats(const machine *m, uint64_t *to) {
    size_t rows = (size_t)m->context_count * m->core_count;
    counters *copy = (counters *)(void *)to;

    memcpy(copy, m->stats, rows * sizeof *copy);
    for (size_t i = 0; i < rows; i++) {
        copy[i].n[EXECUTE] += copy[i].n[INSTRUCTIONS];
    }
    for (uint32_t i = 0; i < m->core_count; i++) {
        const core *c = &m->cores[i];
        counters *stat = &copy[c->stat - m->stats];
        if (c->asleep != AWAKE) {
            stat->n[c->sleep_category] += m->now - c->slept;
        } else {
            charge_ahead(m, c, stat, false);
        }
    }
}

void ek_pulp_reset_stats(machine *m) {
    for (uint32_t i = 0; i < m->core_count; i++) {
        core *c = &m->cores[i];
        c->retired_before = ek_retired(c);
        if (c->asleep != AWAKE) {
            c->slept_total += m->now - c->slept;
            c->slept = m->now;
        }
    }
    memset(m->stats, 0, (size_t)m->context_count * m->core_count * sizeof *m->stats);
    for (uint32_t i = 0; i < m->core_count; i++) {
        charge_ahead(m, &m->cores[i], m->cores[i].stat, true);
    }
    m->since = m->now;
    m->misaligned = 0;
}

uint64_t ek_pulp_cycles(const machine *m) { return m->now - m->since; }

/* The clock, and one instruction of one core.
 *
 * Arbitration: in every cycle all cores that are awake and all DMA engines that move data act one after the other. Who
 * acts first rotates by one place per cycle over that list, so that everybody is first once in as many cycles as there
 * are requesters; a bank of L1 belongs to the first who wants it and is refused to the others, who try again in the
 * next cycle. The controller reaches L1 through its bus and takes no part.
 */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

void ek_stop_at(core *c, uint32_t reason, uint32_t address) {
    machine *m = c->m;

    if (m->stop.reason == EK_RUNNING) {
        m->stop = (ek_stop){.reason = reason, .core = c->index, .pc = ek_pc(c), .address = address};
        m->stop.context = c->depth != 0 ? c->frames[c->depth - 1].context : 0;
    }
}

void ek_sleep(core *c, uint8_t kind, uint8_t category) {
    c->asleep = kind;
    c->sleep_category = category;
    c->slept = c->m->now;
    c->ready = NEVER;
    c->m->changed = true;
}

void ek_wake(core *c, uint64_t when) {
    c->stat->n[c->sleep_category] += when - c->slept;
    c->slept_total += when - c->slept;
    c->charge_from = c->slept;
    c->charge_end = c->ready = when;
    c->charged = c->sleep_category;
    c->asleep = AWAKE;
    c->m->changed = true;
}

/* The core begins to execute at an address: after reset of the machine or when its clock is switched on. */
void ek_start(core *c, uint32_t address) {
    c->ip = ek_locate(c, address & ~1u, address);
    c->mtvec = address & ~0xFFu;
    c->begun = NULL;
    ek_wake(c, c->m->now + 1);
}

/* Timed events, the next one last; those of one cycle in the order in which they were asked for. */
void ek_at(machine *m, uint64_t when, void (*what)(machine *, uint32_t, uint32_t), uint32_t a, uint32_t b) {
    uint32_t at = m->timed_count;

    if (at == MAX_TIMED) {
        ek_stop_at(&m->cores[m->pes], EK_HOST, 0);
        return;
    }
    while (at > 0 && m->timed[at - 1].when <= when) {
        m->timed[at] = m->timed[at - 1];
        at--;
    }
    m->timed[at] = (timed){.when = when, .what = what, .a = a, .b = b};
    m->timed_count++;
    m->due = m->due < when ? m->due : when;
}

void ek_forget(machine *m, void (*what)(machine *, uint32_t, uint32_t), uint32_t a) {
    uint32_t kept = 0;

    for (uint32_t i = 0; i < m->timed_count; i++) {
        if (m->timed[i].what != what || m->timed[i].a != a) {
            m->timed[kept++] = m->timed[i];
        }
    }
    m->timed_count = kept;
}

static void run_timed(machine *m) {
    while (m->timed_count != 0 && m->timed[m->timed_count - 1].when <= m->now) {
        timed t = m->timed[--m->timed_count];
        t.what(m, t.a, t.b);
    }
    m->due = m->timed_count != 0 ? m->timed[m->timed_count - 1].when : NEVER;
    m->due = m->due < m->limit ? m->due : m->limit;
}

/* Hardware loops compare the address of the instruction that has executed with the end of each loop, the inner one
 * (number 0) first. A count of 0 or 1 means that this was the last pass. */
const insn *ek_loop_end(core *c, const insn *d, const insn *next) {
    for (int i = 0; i < 2; i++) {
        loop *l = &c->loops[i];
        if (l->end == d && l->count > 1) {
            if (next != d + d->step || l->start == NULL || l->start >= l->end) {
                ek_stop_at(c, EK_LOOP, d->pc);
                return NULL;
            }
            l->count--;
            return l->start;
        }
    }
    return next;
}

static bool lines_ready(core *c, const insn *d, unsigned flags) {
    machine *m = c->m;
    uint32_t line = d->pc & m->line_mask;

    if (line != c->line && !ek_fetch(c, line)) {
        return false;
    }
    return (flags & CROSSES) == 0 || ek_fetch(c, (d->pc + 2) & m->line_mask);
}

/* An instruction at which something has to be done before or after it executes. */
static void __attribute__((noinline)) careful_step(core *c, const insn *d) {
    unsigned flags = d->flags & c->watch;

    if ((d->flags & DECODED) == 0) {
        ek_decode(c, (insn *)(uintptr_t)d); /* c->ip points into the table */
        flags = d->flags & c->watch;
        if (c->m->stop.reason != EK_RUNNING) {
            return;
        }
    }
    if ((flags & (ENTRY | RETURN | STOP)) != 0 && c->begun != d) {
        c->begun = d;
        if (!ek_arrive(c, d)) {
            return;
        }
    }
    if ((flags & XPULP) != 0) {
        ek_stop_at(c, EK_ILLEGAL, 0);
        return;
    }
    if (!lines_ready(c, d, flags)) {
        return;
    }
    if ((d->reads & c->pending) != 0) {
        c->pending = 0;
        c->perf[P_LOAD_STALL] += c->m->config.load_use;
        ek_stall(c, LOAD_USE, c->m->config.load_use);
        return;
    }
    c->pending = 0;
    c->ready = c->m->now + 1;
    const insn *next = d->run(c, d);
    if (next != NULL && (flags & LOOP_END) != 0) {
        next = ek_loop_end(c, d, next);
    }
    if (next != NULL) {
        c->stat->n[INSTRUCTIONS]++;
        c->halfwords += d->step;
        c->begun = NULL;
        c->ip = next;
    }
}

static inline void step(machine *m, core *c, bool functions) {
    const insn *d = c->ip;

    if (functions) {
        c->stat = &m->stats[d->function * m->core_count + c->index];
    }
    if (UNLIKELY(((d->flags ^ DECODED) & c->watch) != 0)) {
        careful_step(c, d);
        return;
    }
    uint32_t line = d->pc & m->line_mask;
    if (UNLIKELY(line != c->line) && !ek_fetch(c, line)) {
        return;
    }
    if (UNLIKELY((d->reads & c->pending) != 0)) {
        c->pending = 0;
        c->perf[P_LOAD_STALL] += m->config.load_use;
        ek_stall(c, LOAD_USE, m->config.load_use);
        return;
    }
    c->pending = 0;
    c->ready = m->now + 1;
    const insn *next = d->run(c, d);
    if (LIKELY(next != NULL)) {
        c->stat->n[INSTRUCTIONS]++;
        c->halfwords += d->step;
        c->ip = next;
    }
}

/* Between two cycles: who is awake, who has to take an interrupt. */
static void settle(machine *m) {
    m->changed = false;
    for (uint32_t i = 0; i < m->core_count; i++) {
        core *c = &m->cores[i];
        uint32_t number;
        if (c->check_irq) {
            c->check_irq = false;
            if (c->ip != &c->trap && c->asleep != CLOCK_OFF && ek_irq_due(c, &number)) {
                c->interrupted = c->ip;
                c->trap.pc = ek_pc(c);
                c->trap.function = c->ip->function;
                c->ip = &c->trap;
                c->begun = NULL;
                c->half = false;
                if (c->asleep != AWAKE) {
                    ek_wake(c, m->now);
                }
            }
        }
    }
    m->changed = false;
    m->requesters = 0;
    for (uint32_t i = 0; i < m->core_count; i++) {
        if (m->cores[i].asleep == AWAKE) {
            m->order[m->requesters++] = (uint8_t)i;
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (m->engine_busy[i]) {
            m->order[m->requesters++] = (uint8_t)(DMA_ENGINE + i);
        }
    }
    m->turn = m->turn < m->requesters ? m->turn : 0;
}

/* Nobody had anything to do in this cycle: on to the next one in which somebody has. Returns false if only the limit of
 * the run ends the wait, which the next run goes on with: where a run stops changes nothing. */
static bool skip(machine *m) {
    uint64_t next = m->timed_count != 0 ? m->timed[m->timed_count - 1].when : NEVER;

    for (uint32_t i = 0; i < m->requesters; i++) {
        if (m->order[i] >= DMA_ENGINE) {
            return true;
        }
        uint64_t ready = m->cores[m->order[i]].ready;
        next = next < ready ? next : ready;
    }
    bool whole = next <= m->limit;
    next = whole ? next : m->limit;
    m->now = next > m->now ? next - 1 : m->now; /* the caller adds the cycle that ends */
    return whole;
}

static void report_deadlock(machine *m) {
    core *found = &m->cores[m->pes];

    for (uint32_t i = 0; i < m->pes; i++) { /* rather a core that waits for others than the controller that waits */
        core *c = &m->cores[i];
        if (c->asleep != CLOCK_OFF && (found->is_fc || c->sleep_category != IDLE)) {
            found = c;
            if (c->sleep_category != IDLE) {
                break;
            }
        }
    }
    ek_stop_at(found, EK_DEADLOCK, 0);
}

static inline void cycle(machine *m, bool functions) {
    bool acted = false;
    uint32_t count = m->requesters;
    uint32_t at = m->turn;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t who = m->order[at];
        at = at + 1 == count ? 0 : at + 1;
        if (UNLIKELY(who >= DMA_ENGINE)) {
            ek_dma_step(m, who - DMA_ENGINE);
            acted = true;
        } else if (m->cores[who].ready <= m->now) {
            step(m, &m->cores[who], functions);
            acted = true;
            if (UNLIKELY(m->stop.reason != EK_RUNNING)) {
                m->resumes = true;
                return;
            }
        }
    }
    if (acted || skip(m)) {
        m->turn = m->turn + 1 >= count ? 0 : m->turn + 1;
    }
    m->taken = 0;
    m->now++;
}

static void run(machine *m, bool functions) {
    while (m->stop.reason == EK_RUNNING) {
        if (UNLIKELY(m->resumes)) {
            m->resumes = false; /* the requesters of this cycle are known; those that have acted are not ready */
        } else {
            if (UNLIKELY(m->now >= m->due)) {
                run_timed(m);
                if (m->now >= m->limit) {
                    ek_stop_at(&m->cores[m->requesters != 0 && m->order[0] < DMA_ENGINE ? m->order[0] : m->pes],
                               EK_BUDGET, 0);
                    return;
                }
            }
            if (UNLIKELY(m->changed)) {
                settle(m);
            }
            if (UNLIKELY(m->requesters == 0 && m->timed_count == 0)) {
                report_deadlock(m);
                return;
            }
        }
        cycle(m, functions);
    }
}

/* A stop inside a cycle leaves cores that have not acted in it; the next run goes on with them. */
int ek_pulp_run(machine *m, const ek_watch *stops, uint32_t stop_count, const ek_watch *leaves, uint32_t leave_count,
                uint64_t limit, ek_stop *stop) {
    if (stop_count > MAX_STOPS || leave_count > MAX_STOPS) {
        return 0;
    }
    memcpy(m->stops, stops, stop_count * sizeof *stops);
    memcpy(m->leaves, leaves, leave_count * sizeof *leaves);
    m->stop_count = stop_count;
    m->leave_count = leave_count;
    for (uint32_t i = 0; i < stop_count; i++) {
        insn *d = (insn *)(uintptr_t)ek_locate(&m->cores[0], stops[i].what & ~1u, 0);
        d->flags |= STOP;
    }
    m->limit = limit;
    m->due = m->now; /* computed anew */
    m->stop = (ek_stop){.reason = EK_RUNNING};
    if (m->functions) {
        run(m, true);
    } else {
        run(m, false);
    }
    *stop = m->stop;
    return 1;
}

uint64_t ek_pulp_now(const machine *m) { return m->now; }

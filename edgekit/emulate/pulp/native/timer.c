/* Timer blocks: two counters of 32 bits, or one of 64, that count cycles; compare values raise events 10 and 11 on the
 * PEs, lines 10 to 13 on the controller. The prescaler and the reference clock are not modelled: enabling them is an
 * error. */
#include "soc.h"

enum { ENABLE = 1, RESET = 2, IRQ = 4, CYCLIC = 8, ONE_SHOT = 16, PRESCALER = 32, REFERENCE = 64 };
#define WIDE 0x80000000u
enum { CLUSTER_BLOCK = 0 };

static bool is_wide(const machine *m, uint32_t block) { return (m->soc->timers[2 * block].config & WIDE) != 0; }

static uint64_t count_of(const machine *m, const timer *t) {
    return t->base + ((t->config & ENABLE) != 0 ? m->now - t->since : 0);
}

static void set_count(machine *m, timer *t, uint64_t value) {
    t->base = value;
    t->since = m->now;
}

static void compared(machine *m, uint32_t index, uint32_t unused);

/* The next time that a counter meets its compare value, if that has a consequence. */
static void plan(machine *m, uint32_t index) {
    soc *s = m->soc;
    timer *t = &s->timers[index];
    bool wide = is_wide(m, index / 2);
    uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;
    uint64_t compare = t->compare | (wide ? (uint64_t)s->timers[index | 1].compare << 32 : 0);

    ek_forget(m, compared, index);
    if ((t->config & ENABLE) != 0 && (t->config & (IRQ | CYCLIC | ONE_SHOT)) != 0 && !(wide && (index & 1) != 0)) {
        uint64_t distance = (compare - count_of(m, t)) & mask;
        ek_at(m, m->now + (distance != 0 ? distance : mask), compared, index, 0);
    }
}

static void compared(machine *m, uint32_t index, uint32_t unused) {
    timer *t = &m->soc->timers[index];
    uint32_t block = index / 2, number = 10 + (index & 1);

    (void)unused;
    if ((t->config & IRQ) != 0) {
        if (block == CLUSTER_BLOCK) {
            ek_events(m, UINT32_MAX, 1u << number);
        } else {
            ek_itc_raise(m, number + 2 * (block - 1));
        }
    }
    if ((t->config & CYCLIC) != 0) {
        set_count(m, t, 0);
    }
    if ((t->config & ONE_SHOT) != 0) {
        set_count(m, t, count_of(m, t));
        t->config &= ~(uint32_t)ENABLE;
    }
    plan(m, index);
}

static access_result configure(machine *m, uint32_t index, uint32_t value) {
    timer *t = &m->soc->timers[index];

    if ((value & (PRESCALER | REFERENCE)) != 0) {
        return ACCESS_BAD;
    }
    set_count(m, t, (value & RESET) != 0 ? 0 : count_of(m, t));
    t->config = value & ~(uint32_t)RESET;
    plan(m, index);
    return ACCESS_DONE;
}

static access_result timer_read(machine *m, uint32_t block, uint32_t offset, uint32_t *value) {
    uint32_t half = offset >> 2 & 1;
    timer *t = &m->soc->timers[2 * block + half];

    switch (offset & ~4u) {
    case 0x00:
        *value = t->config;
        return ACCESS_DONE;
    case 0x08:
        *value = half != 0 && is_wide(m, block) ? (uint32_t)(count_of(m, t - 1) >> 32) : (uint32_t)count_of(m, t);
        return ACCESS_DONE;
    case 0x10:
        *value = t->compare;
        return ACCESS_DONE;
    default:
        return ACCESS_BAD;
    }
}

static access_result timer_write(machine *m, uint32_t block, uint32_t offset, uint32_t value) {
    uint32_t index = 2 * block + (offset >> 2 & 1);
    timer *t = &m->soc->timers[index];

    switch (offset & ~4u) {
    case 0x00:
        return configure(m, index, value);
    case 0x08:
        if (is_wide(m, block)) {
            timer *low = &m->soc->timers[2 * block];
            uint64_t count = count_of(m, low);
            bool high = (index & 1) != 0;
            set_count(m, low,
                      high ? (count & UINT32_MAX) | (uint64_t)value << 32 : (count & ~(uint64_t)UINT32_MAX) | value);
        } else {
            set_count(m, t, value);
        }
        break;
    case 0x10:
        t->compare = value;
        break;
    case 0x18: /* start */
        set_count(m, t, count_of(m, t));
        t->config |= ENABLE;
        break;
    case 0x20: /* reset */
        set_count(m, t, 0);
        break;
    default:
        return ACCESS_BAD;
    }
    plan(m, 2 * block);
    plan(m, 2 * block + 1);
    return ACCESS_DONE;
}

#define BLOCK(name, number)                                                                                            \
    access_result ek_##name##_read(machine *m, core *c, uint32_t offset, uint32_t *value) {                            \
        (void)c;                                                                                                       \
        return timer_read(m, number, offset, value);                                                                   \
    }                                                                                                                  \
    access_result ek_##name##_write(machine *m, core *c, uint32_t offset, uint32_t value) {                            \
        (void)c;                                                                                                       \
        return timer_write(m, number, offset, value);                                                                  \
    }

BLOCK(cluster_timer, 0)
BLOCK(fc_timer0, 1)
BLOCK(fc_timer1, 2)

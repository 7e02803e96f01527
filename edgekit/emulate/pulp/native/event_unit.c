/* The cluster's event unit: per PE an event buffer and masks, waiting with the clock off, software events, barriers,
 * mutexes and the dispatcher.
 *
 * Times, from the measured ones: a core that sleeps executes again `barrier` cycles after it (or, of a barrier, the
 * last one) went to sleep or its event came; a software event takes what remains of `wake` to arrive, less the timer
 * read that the measured number includes. Blocking reads return the masked buffer, as the RTL does.
 *
 * As in the RTL, and unlike GVSoC: a mutex and the dispatcher need their event in the mask; a barrier whose trigger
 * mask is 0 does nothing. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

enum { BARRIERS = MAX_PES, MUTEXES = 8, FIFO = 8 };
enum {
    DMA_EVENTS = 1 << 8 | 1 << 9 | 1 << 22,
    BARRIER_EVENT = 1 << 16,
    MUTEX_EVENT = 1 << 17,
    DISPATCH_EVENT = 1 << 18
};

typedef struct {
    uint32_t trigger, status, target;
} barrier;

typedef struct {
    bool locked;
    uint32_t owner, message;
} mutex;

typedef struct {
    uint32_t word, readers; /* who has not read it yet */
} dispatched;

struct event_unit {
    barrier barriers[BARRIERS];
    mutex mutexes[MUTEXES];
    dispatched fifo[FIFO];
    uint32_t fifo_count, team;
};

event_unit *ek_event_unit_new(void) { return calloc(1, sizeof(event_unit)); }

static uint64_t wake_time(const machine *m) { return m->now + (m->config.barrier > 1 ? m->config.barrier - 1 : 1); }

void ek_check_irq(core *c) {
    c->check_irq = true;
    c->m->changed = true;
}

static bool waits_for_event(const core *c) {
    return c->asleep == WAIT_EVENT || c->asleep == WAIT_MUTEX || c->asleep == WAIT_DISPATCH;
}

void ek_event(core *c, uint32_t events) {
    c->events |= events;
    if (waits_for_event(c) ? (c->events & c->mask) != 0 : c->asleep == WAIT_LINE && (c->events & c->irq_mask) != 0) {
        ek_wake(c, wake_time(c->m));
    }
    if ((c->events & c->irq_mask) != 0) {
        ek_check_irq(c);
    }
}

void ek_events(machine *m, uint32_t cores, uint32_t events) {
    for (uint32_t i = 0; i < m->pes; i++) {
        if ((cores >> i & 1) != 0) {
            ek_event(&m->cores[i], events);
        }
    }
}

/* Interrupts: the highest number first; taking one clears its bit. */
bool ek_irq_due(const core *c, uint32_t *number) {
    uint32_t due = c->is_fc ? ek_itc_pending(c->m) : c->events & c->irq_mask;

    if (due == 0 || (c->mstatus & 8) == 0) {
        return false;
    }
    *number = 31 - (uint32_t)__builtin_clz(due);
    return true;
}

void ek_irq_taken(core *c, uint32_t number) {
    if (c->is_fc) {
        ek_itc_taken(c->m, number);
    } else {
        c->events &= ~(1u << number);
    }
}

static access_result sleep_until(core *c, uint8_t kind, uint8_t category) {
    ek_sleep(c, kind, category);
    return ACCESS_BLOCKED;
}

static access_result wait(core *c, bool clear, uint8_t category, uint32_t *value) {
    if ((c->events & c->mask) == 0) {
        return sleep_until(c, WAIT_EVENT, category);
    }
    *value = c->events & c->mask;
    if (clear) {
        c->events &= ~c->mask;
    }
    return ACCESS_DONE;
}

static uint8_t category_of(const core *c) {
    return (c->mask & DMA_EVENTS) != 0 ? DMA_WAIT : (c->mask & BARRIER_EVENT) != 0 ? BARRIER : IDLE;
}

static void complete(machine *m, barrier *b) {
    if (b->trigger != 0 && b->status == b->trigger) {
        b->status = 0;
        ek_events(m, b->target, BARRIER_EVENT);
    }
}

static access_result barrier_wait(machine *m, core *c, barrier *b, bool clear, uint32_t *value) {
    if (!c->triggered) {
        c->triggered = true;
        ek_sleep(c, WAIT_EVENT, BARRIER); /* so that the last one wakes together with the others */
        b->status |= 1u << c->index;
        complete(m, b);
        if (c->asleep != AWAKE && (c->events & c->mask) != 0) {
            ek_wake(c, wake_time(m)); /* an event that was there before */
        }
        return ACCESS_BLOCKED;
    }
    access_result result = wait(c, clear, BARRIER, value);
    c->triggered = result != ACCESS_DONE;
    return result;
}

static access_result barrier_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    barrier *b = &m->eu->barriers[offset >> 5];

    switch (offset & 0x1F) {
    case 0x00:
        *value = b->trigger;
        return ACCESS_DONE;
    case 0x04:
        *value = b->status;
        return ACCESS_DONE;
    case 0x08: /* of all barriers */
        *value = 0;
        for (uint32_t i = 0; i < BARRIERS; i++) {
            *value |= m->eu->barriers[i].status;
        }
        return ACCESS_DONE;
    case 0x0C:
        *value = b->target;
        return ACCESS_DONE;
    case 0x14:
        *value = 0;
        b->status |= 1u << c->index;
        complete(m, b);
        return ACCESS_DONE;
    case 0x18:
    case 0x1C:
        return barrier_wait(m, c, b, (offset & 4) != 0, value);
    default:
        return ACCESS_BAD;
    }
}

static access_result barrier_write(machine *m, uint32_t offset, uint32_t value) {
    barrier *b = &m->eu->barriers[offset >> 5];

    switch (offset & 0x1F) {
    case 0x00:
        b->trigger = value;
        break;
    case 0x0C:
        b->target = value;
        break;
    case 0x10:
        b->status |= value;
        break;
    default:
        return ACCESS_BAD;
    }
    complete(m, b);
    return ACCESS_DONE;
}

/* Whoever is let in has owned the mutex since it was handed over, and reads it again. */
static access_result lock(machine *m, core *c, uint32_t number, uint32_t *value) {
    mutex *x = &m->eu->mutexes[number];

    if (x->locked && x->owner == c->index && c->triggered) {
        c->triggered = false;
        c->events &= ~(uint32_t)MUTEX_EVENT;
        *value = x->message;
        return ACCESS_DONE;
    }
    c->triggered = true;
    ek_sleep(c, WAIT_MUTEX, IDLE);
    if (!x->locked) {
        x->locked = true;
        x->owner = c->index;
        ek_event(c, MUTEX_EVENT);
    }
    return ACCESS_BLOCKED;
}

static access_result unlock(machine *m, uint32_t number, uint32_t message) {
    mutex *x = &m->eu->mutexes[number];

    x->message = message;
    x->locked = false;
    for (uint32_t i = 0; i < m->pes; i++) { /* the lowest number first */
        core *c = &m->cores[i];
        if (c->asleep == WAIT_MUTEX && c->waits_for == number) {
            x->locked = true;
            x->owner = i;
            ek_event(c, MUTEX_EVENT);
            break;
        }
    }
    return ACCESS_DONE;
}

static void drop_read_words(event_unit *eu) {
    while (eu->fifo_count != 0 && eu->fifo[0].readers == 0) {
        eu->fifo_count--;
        memmove(&eu->fifo[0], &eu->fifo[1], eu->fifo_count * sizeof eu->fifo[0]);
    }
}

static access_result pop(machine *m, core *c, uint32_t *value) {
    event_unit *eu = m->eu;

    for (uint32_t i = 0; i < eu->fifo_count; i++) {
        if ((eu->fifo[i].readers >> c->index & 1) != 0) {
            eu->fifo[i].readers &= ~(1u << c->index);
            *value = eu->fifo[i].word;
            c->events &= ~(uint32_t)DISPATCH_EVENT;
            drop_read_words(eu);
            return ACCESS_DONE;
        }
    }
    return sleep_until(c, WAIT_DISPATCH, IDLE);
}

/* A push to a full queue is lost in hardware: an error here. */
static access_result push(machine *m, uint32_t word) {
    event_unit *eu = m->eu;

    if (eu->fifo_count == FIFO) {
        return ACCESS_BAD;
    }
    if (eu->team != 0) {
        eu->fifo[eu->fifo_count++] = (dispatched){.word = word, .readers = eu->team};
        ek_events(m, eu->team, DISPATCH_EVENT);
    }
    return ACCESS_DONE;
}

static void deliver(machine *m, uint32_t cores, uint32_t events) { ek_events(m, cores, events); }

/* Software event e to the cores of a mask, to all with mask 0. */
access_result ek_eu_trigger(machine *m, core *c, uint32_t offset, uint32_t value) {
    const ek_config *config = &m->config;
    uint32_t included = config->barrier + config->pe_cluster_peripheral;
    uint32_t travel = config->wake > included ? config->wake - included : 0;

    (void)c;
    if (offset >= 0x20) {
        return ACCESS_BAD;
    }
    ek_at(m, m->now + travel, deliver, value != 0 ? value : UINT32_MAX, 1u << (offset >> 2));
    return ACCESS_DONE;
}

static access_result register_read(core *c, uint32_t offset, uint32_t *value) {
    switch (offset) {
    case 0x00:
        *value = c->mask;
        return ACCESS_DONE;
    case 0x0C:
        *value = c->irq_mask;
        return ACCESS_DONE;
    case 0x18:
        *value = c->asleep == AWAKE;
        return ACCESS_DONE;
    case 0x1C:
        *value = c->events;
        return ACCESS_DONE;
    case 0x20:
        *value = c->events & c->mask;
        return ACCESS_DONE;
    case 0x24:
        *value = c->events & c->irq_mask;
        return ACCESS_DONE;
    default:
        return ACCESS_BAD;
    }
}

static access_result register_write(core *c, uint32_t offset, uint32_t value) {
    switch (offset) {
    case 0x00:
        c->mask = value;
        break;
    case 0x04:
        c->mask &= ~value;
        break;
    case 0x08:
        c->mask |= value;
        break;
    case 0x0C:
        c->irq_mask = value;
        break;
    case 0x10:
        c->irq_mask &= ~value;
        break;
    case 0x14:
        c->irq_mask |= value;
        break;
    case 0x28:
        c->events &= ~value;
        break;
    default:
        return ACCESS_BAD;
    }
    ek_event(c, 0); /* what was pending may count now */
    return ACCESS_DONE;
}

access_result ek_eu_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    if (offset == 0x38 || offset == 0x3C) {
        return wait(c, offset == 0x3C, category_of(c), value);
    }
    if (offset == 0x80) {
        return pop(m, c, value);
    }
    if (offset == 0x84) {
        *value = m->eu->team;
        return ACCESS_DONE;
    }
    if (offset - 0xC0 < 4 * MUTEXES) {
        c->waits_for = (offset - 0xC0) >> 2;
        return lock(m, c, c->waits_for, value);
    }
    if (offset - 0x200 < 0x20 * BARRIERS && (offset - 0x200) >> 5 < m->pes) {
        return barrier_read(m, c, offset - 0x200, value);
    }
    return register_read(c, offset, value);
}

access_result ek_eu_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    if (offset == 0x80) {
        return push(m, value);
    }
    if (offset == 0x84) {
        m->eu->team = value;
        return ACCESS_DONE;
    }
    if (offset - 0xC0 < 4 * MUTEXES) {
        return unlock(m, (offset - 0xC0) >> 2, value);
    }
    if (offset - 0x100 < 0x20) {
        return ek_eu_trigger(m, c, offset - 0x100, value);
    }
    if (offset - 0x200 < 0x20 * BARRIERS && (offset - 0x200) >> 5 < m->pes) {
        return barrier_write(m, offset - 0x200, value);
    }
    return register_write(c, offset, value);
}

/* The registers of every PE as the controller or a debugger sees them; one cannot wait there. */
access_result ek_eu_debug_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    (void)c;
    return offset >> 6 < m->pes ? register_read(&m->cores[offset >> 6], offset & 0x3F, value) : ACCESS_BAD;
}

access_result ek_eu_debug_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    (void)c;
    return offset >> 6 < m->pes ? register_write(&m->cores[offset >> 6], offset & 0x3F, value) : ACCESS_BAD;
}

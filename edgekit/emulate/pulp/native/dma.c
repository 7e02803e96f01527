/* The cluster's DMA (mchan, command words of version 7): a command port per PE and a global one, 16 transfer ids, one
 * engine per direction.
 *
 * Queues: a port holds 2 commands, each direction 8 more and as many as are under way, which is 8 bursts of 256 bytes;
 * a store that completes a command beyond that waits, as does a read of CMD while all ids are taken.
 *
 * Time: the board's numbers are those of a program that allocates, commands, sleeps until the event and frees, between
 * two readings of the timer; PROGRAM is the part of it that is not the DMA's. A transfer's first word moves when
 * what remains of the latency is over, and not before the transfers ahead of it are done; then words follow at the
 * board's rate, two per cycle at most, as far as their banks are free. A line of a 2-D transfer takes whole cycles and
 * at least `line`. Words move when it is their time; L2, or L1 as the far side, is always ready. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

enum {
    QUEUE = 128,
    IDS = 16,
    PORT_QUEUE = 2,
    GLOBAL_QUEUE = 8,
    BURSTS = 8,
    BURST_BYTES = 256,
    PORTS = 2,
    AHEAD = 4,
    PROGRAM = 18
};
enum { OUT = 0, IN = 1 };
#define LENGTH 0x1FFFFu
#define TO_L1 (1u << 17)
#define TWO_D (1u << 19)
#define EVENT (1u << 20)
#define INTERRUPT (1u << 21)
#define BROADCAST (1u << 22)
#define TWO_D_L1 (1u << 23)
enum { DONE_EVENT = 1 << 8, INTERRUPT_EVENT = 1 << 9, GLOBAL_EVENT = 1 << 22, ITC_LINE = 8 };

typedef struct {
    uint32_t command, port, id;
    uint32_t l1, l2; /* where the current line starts */
    uint32_t left;   /* bytes in all */
    uint32_t line, stride;
    uint32_t next[PORTS]; /* word of the line that a port moves next */
    uint64_t ready;
} transfer;

typedef struct {
    transfer queue[QUEUE];
    uint32_t head, count;
    uint32_t credit; /* bytes that may move, times 256 */
    uint64_t line_start, acted;
} engine;

typedef struct {
    uint32_t words[5], count, id;
    bool has_id;
} port;

struct dma {
    engine engines[2];
    port ports[MAX_PES + 1]; /* the last one is global */
    uint32_t left[IDS], allocated;
};

dma *ek_dma_new(void) { return calloc(1, sizeof(dma)); }

static void begin(machine *m, uint32_t direction, uint32_t unused) {
    engine *e = &m->dma->engines[direction];

    (void)unused;
    if (m->engine_busy[direction] || e->count == 0) {
        return;
    }
    if (e->queue[e->head].ready > m->now) {
        ek_at(m, e->queue[e->head].ready, begin, direction, 0);
        return;
    }
    m->engine_busy[direction] = true;
    m->changed = true;
    e->credit = 0;
    e->line_start = m->now;
}

static void wake_all(machine *m, uint8_t kind) {
    for (uint32_t i = 0; i < m->core_count; i++) {
        if (m->cores[i].asleep == kind) {
            ek_wake(&m->cores[i], m->now + 1);
        }
    }
}

static void announce(machine *m, const transfer *t) {
    uint32_t events =
        ((t->command & EVENT) != 0 ? DONE_EVENT : 0) | ((t->command & INTERRUPT) != 0 ? INTERRUPT_EVENT : 0);
    bool global = t->port == MAX_PES;

    if ((t->command & BROADCAST) != 0) {
        ek_events(m, UINT32_MAX, events | GLOBAL_EVENT);
        ek_itc_raise(m, ITC_LINE);
    } else if (global) {
        ek_events(m, UINT32_MAX, GLOBAL_EVENT);
        ek_itc_raise(m, ITC_LINE);
    } else {
        ek_event(&m->cores[t->port], events);
    }
}

static void finish(machine *m, uint32_t direction) {
    engine *e = &m->dma->engines[direction];
    transfer t = e->queue[e->head];

    e->head = (e->head + 1) % QUEUE;
    e->count--;
    e->credit = 0;
    e->line_start = m->now + 1;
    if (e->count == 0 || e->queue[e->head].ready > m->now + 1) {
        m->engine_busy[direction] = false;
        m->changed = true;
        begin(m, direction, 0);
    }
    if (m->dma->left[t.id] == 0) {
        announce(m, &t);
    }
    wake_all(m, WAIT_DMA_QUEUE);
}

/* Words of L1 that a line touches; the first and the last one may be parts. */
static uint32_t words_of(const transfer *t) { return ((t->l1 & 3) + t->line + 3) / 4; }

/* Moves the next word of a port unless it is too early, too far ahead, or the bank is taken. */
static void move_word(machine *m, engine *e, transfer *t, uint32_t direction, uint32_t number) {
    uint32_t word = t->next[number], other = t->next[number ^ 1];
    uint32_t from = word == 0 ? 0 : 4 * word - (t->l1 & 3);
    uint32_t to = 4 * (word + 1) - (t->l1 & 3) < t->line ? 4 * (word + 1) - (t->l1 & 3) : t->line;
    uint32_t offset = t->l1 + from - m->config.l1_base, bytes = to - from;
    uint32_t bank = 1u << ((offset >> 2) & m->bank_mask);

    if ((word > other + AHEAD && other < words_of(t)) || e->credit < 256 * bytes || (m->taken & bank) != 0) {
        return;
    }
    m->taken |= bank;
    e->credit -= 256 * bytes;
    uint8_t *near = m->l1 + offset, *far = ek_memory_at(m, t->l2 + from, bytes);
    memmove(direction == IN ? near : far, direction == IN ? far : near, bytes);
    ek_overwritten(m, direction == IN ? t->l1 + from : t->l2 + from, bytes);
    t->next[number] += PORTS;
    t->left -= bytes;
    m->dma->left[t->id] -= bytes;
}

static void next_line(machine *m, engine *e, transfer *t, uint32_t least) {
    uint64_t earliest = e->line_start + least;

    t->l1 += t->line;
    t->l2 += t->stride;
    t->next[0] = 0;
    t->next[1] = 1;
    e->line_start = earliest > m->now + 1 ? earliest : m->now + 1;
    e->credit = 0;
}

void ek_dma_step(machine *m, uint32_t direction) {
    engine *e = &m->dma->engines[direction];
    transfer *t = &e->queue[e->head];
    uint32_t rate = direction == IN ? m->config.dma_rate_in : m->config.dma_rate_out;
    uint32_t words = words_of(t);

    if (e->acted == m->now || m->now < e->line_start) {
        return; /* has had its turn before the run was stopped, or a short line is not over */
    }
    e->acted = m->now;
    e->credit = (e->credit < 4 * 256 * PORTS ? e->credit : 4 * 256 * PORTS) + rate;
    uint32_t first = t->next[1] < t->next[0];
    for (uint32_t i = 0; i < PORTS; i++) {
        if (t->next[first ^ i] < words) {
            move_word(m, e, t, direction, first ^ i);
        }
    }
    if (t->left == 0) {
        finish(m, direction);
    } else if (t->next[0] >= words && t->next[1] >= words) {
        next_line(m, e, t, direction == IN ? m->config.dma_line_in : m->config.dma_line_out);
    }
}

/* Whether a port may hand in another command: 2 of its own wait behind the first 8 and those under way. */
static bool full(const engine *e, uint32_t number) {
    uint32_t bursts = 0, under_way = 0, waiting = 0;

    for (uint32_t i = 0; i < e->count; i++) {
        const transfer *t = &e->queue[(e->head + i) % QUEUE];
        bursts += (t->left + BURST_BYTES - 1) / BURST_BYTES;
        if (i == 0 || bursts <= BURSTS) {
            under_way = i + 1;
        }
        waiting += i >= under_way + GLOBAL_QUEUE && t->port == number;
    }
    return waiting >= PORT_QUEUE || e->count == QUEUE;
}

static bool possible(machine *m, const port *p, uint32_t l1) {
    uint32_t length = p->words[0] & LENGTH;
    uint32_t line = (p->words[0] & TWO_D) != 0 ? p->words[3] : length;
    bool fits = l1 - m->config.l1_base < m->config.l1_bytes && length <= m->config.l1_bytes - (l1 - m->config.l1_base);

    if (length == 0 || line == 0 || length % line != 0 || (p->words[0] & TWO_D_L1) != 0 || !fits) {
        return false;
    }
    for (uint32_t at = 0; at < length / line; at++) {
        if (ek_memory_at(m, p->words[2] + at * p->words[4], line) == NULL) {
            return false;
        }
        if ((p->words[0] & TWO_D) == 0) {
            break;
        }
    }
    return true;
}

static access_result command(machine *m, core *c, uint32_t number, port *p) {
    uint32_t word = p->words[0], direction = (word & TO_L1) != 0 ? IN : OUT, length = word & LENGTH;
    uint32_t l1 = (p->words[1] & 0xFFFFF) + m->config.l1_base;
    engine *e = &m->dma->engines[direction];
    uint32_t latency = direction == IN ? m->config.dma_latency_in : m->config.dma_latency_out;

    if (!possible(m, p, l1)) {
        ek_stop_at(c, EK_DMA_COMMAND, word);
        return ACCESS_STOPPED;
    }
    if (full(e, number)) {
        p->count--;
        ek_sleep(c, WAIT_DMA_QUEUE, DMA_WAIT);
        return ACCESS_BLOCKED;
    }
    uint32_t line = (word & TWO_D) != 0 ? p->words[3] : length;
    e->queue[(e->head + e->count++) % QUEUE] =
        (transfer){.command = word,
                   .port = number,
                   .id = p->id,
                   .l1 = l1,
                   .l2 = p->words[2],
                   .left = length,
                   .line = line,
                   .next = {0, 1},
                   .stride = p->words[4],
                   .ready = m->now + (latency > PROGRAM ? latency - PROGRAM : 1)};
    p->count = 0;
    m->dma->left[p->id] += length;
    c->stat->n[direction == IN ? DMA_IN : DMA_OUT] += length;
    if (e->count == 1) {
        begin(m, direction, 0);
    }
    return ACCESS_DONE;
}

static uint32_t status(const dma *d) {
    uint32_t busy = 0;

    for (uint32_t i = 0; i < IDS; i++) {
        busy |= (uint32_t)(d->left[i] != 0) << i;
    }
    return busy | d->allocated << 16;
}

static access_result allocate(machine *m, core *c, port *p, uint32_t *value) {
    for (uint32_t i = 0; i < m->config.dma_ids; i++) {
        if ((m->dma->allocated >> i & 1) == 0) {
            m->dma->allocated |= 1u << i;
            p->id = *value = i;
            p->has_id = true;
            return ACCESS_DONE;
        }
    }
    ek_sleep(c, WAIT_DMA_ID, DMA_WAIT);
    return ACCESS_BLOCKED;
}

static access_result port_read(machine *m, core *c, uint32_t number, uint32_t offset, uint32_t *value) {
    if (offset == 0) {
        return allocate(m, c, &m->dma->ports[number], value);
    }
    *value = status(m->dma);
    return offset == 4 ? ACCESS_DONE : ACCESS_BAD;
}

static access_result port_write(machine *m, core *c, uint32_t number, uint32_t offset, uint32_t value) {
    port *p = &m->dma->ports[number];

    if (offset == 4) {
        m->dma->allocated &= ~value;
        wake_all(m, WAIT_DMA_ID);
        return ACCESS_DONE;
    }
    if (offset != 0 || !p->has_id) {
        return ACCESS_BAD;
    }
    p->words[p->count++] = value;
    return p->count < ((p->words[0] & TWO_D) != 0 ? 5u : 3u) ? ACCESS_DONE : command(m, c, number, p);
}

access_result ek_dma_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    return port_read(m, c, c->index, offset, value);
}

access_result ek_dma_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    return port_write(m, c, c->index, offset, value);
}

access_result ek_dma_global_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    return port_read(m, c, MAX_PES, offset, value);
}

access_result ek_dma_global_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    return port_write(m, c, MAX_PES, offset, value);
}

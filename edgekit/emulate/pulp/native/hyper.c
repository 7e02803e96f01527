/* HyperRAM behind uDMA's HyperBus channel, as far as reads into L2 go: peripheral 8 of the uDMA, 8 transaction ids.
 * Register names, offsets and bits: pulp-sdk's udma_v3.h and udma_hyper_v3.h.
 *
 * A read starts when its configuration register is written, takes what the board's data say, one after the other, and
 * is in L2 when its status is no longer busy. What the RAM holds is given before the run. Writes, 2-D transfers,
 * register space and the flash on the other chip select are not modelled: using them stops the run. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

enum { IDS = 8, CLOCK_BIT = 8, ID_BYTES = 0x80, COMMON = 0x400 };
enum { RX_ADDRESS = 0x00, RX_SIZE = 0x04, RX_CONFIG = 0x08, SETUP = 0x18, EXTERNAL = 0x1C, STATUS = 0x24 };
enum { RAM_2D = 0x28, L2_2D = 0x34 };
enum { LAST_SETTING = 0x20, FREE_ID = 0x24, CHIP_SELECT = 0x20 };
enum { START = 1 << 4, READ_LINEAR = 5, BUSY = 1 };

typedef struct {
    uint32_t address, bytes, setup, external, two_d;
    bool busy;
} transaction;

struct hyper {
    uint8_t *ram;
    uint32_t bytes, gate, settings[LAST_SETTING / 4 + 1];
    uint64_t base, per_byte; /* cycles; per_byte times 2^16 */
    uint64_t free_at;
    transaction ids[IDS];
};

hyper *ek_hyper_new(void) { return calloc(1, sizeof(hyper)); }

void ek_hyper_free(hyper *h) {
    if (h != NULL) {
        free(h->ram);
        free(h);
    }
}

int ek_pulp_l3(machine *m, const uint8_t *from, uint32_t given, uint32_t bytes, uint64_t base, uint64_t per_byte) {
    hyper *h = m->hyper;

    free(h->ram);
    h->ram = calloc(1, bytes);
    if (h->ram == NULL || given > bytes) {
        return 0;
    }
    memcpy(h->ram, from, given);
    h->bytes = bytes;
    h->base = base;
    h->per_byte = per_byte;
    return 1;
}

static void arrive(machine *m, uint32_t id, uint32_t unused) {
    transaction *t = &m->hyper->ids[id];

    (void)unused;
    memcpy(ek_memory_at(m, t->address, t->bytes), m->hyper->ram + t->external, t->bytes);
    ek_overwritten(m, t->address, t->bytes);
    t->busy = false;
}

static bool possible(machine *m, const transaction *t) {
    const hyper *h = m->hyper;
    const bool in_ram = t->external <= h->bytes && t->bytes <= h->bytes - t->external;
    const bool words = ((t->address | t->bytes | t->external) & 3) == 0 && t->bytes > 0;
    const bool in_l2 = t->address - m->config.l2_base < m->config.l2_bytes && ek_memory_at(m, t->address, t->bytes);

    return !t->busy && t->setup == READ_LINEAR && t->two_d == 0 && h->settings[CHIP_SELECT / 4] == 0 && words &&
           in_ram && in_l2;
}

static access_result start(machine *m, core *c, uint32_t id) {
    hyper *h = m->hyper;
    transaction *t = &h->ids[id];

    if (!possible(m, t)) {
        ek_stop_at(c, EK_DMA_COMMAND, t->external);
        return ACCESS_STOPPED;
    }
    const uint64_t from = h->free_at > m->now ? h->free_at : m->now;
    h->free_at = from + h->base + ((t->bytes * h->per_byte) >> 16);
    t->busy = true;
    ek_at(m, h->free_at, arrive, id, 0);
    return ACCESS_DONE;
}

static uint32_t *field(transaction *t, uint32_t offset) {
    switch (offset) {
    case RX_ADDRESS:
        return &t->address;
    case RX_SIZE:
        return &t->bytes;
    case SETUP:
        return &t->setup;
    case EXTERNAL:
        return &t->external;
    default:
        return NULL;
    }
}

static uint32_t free_id(const hyper *h) {
    uint32_t id = 0;

    while (id < IDS && h->ids[id].busy) {
        id++;
    }
    return id;
}

static bool usable(const hyper *h) { return h->bytes > 0 && (h->gate & 1u << CLOCK_BIT) != 0; }

access_result ek_udma_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    (void)c;
    *value = m->hyper->gate;
    return m->hyper->bytes > 0 && offset == 0 ? ACCESS_DONE : ACCESS_BAD;
}

access_result ek_udma_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    (void)c;
    m->hyper->gate = value;
    return m->hyper->bytes > 0 && offset == 0 ? ACCESS_DONE : ACCESS_BAD;
}

access_result ek_hyper_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    const hyper *h = m->hyper;

    (void)c;
    if (!usable(h)) {
        return ACCESS_BAD;
    }
    if (offset == COMMON + FREE_ID) {
        *value = free_id(h);
        return ACCESS_DONE;
    }
    *value = offset < COMMON && h->ids[offset / ID_BYTES].busy ? BUSY : 0;
    return offset < COMMON && offset % ID_BYTES == STATUS ? ACCESS_DONE : ACCESS_BAD;
}

access_result ek_hyper_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    hyper *h = m->hyper;

    if (!usable(h)) {
        return ACCESS_BAD;
    }
    if (offset >= COMMON) {
        if (offset - COMMON > LAST_SETTING) {
            return ACCESS_BAD;
        }
        h->settings[(offset - COMMON) / 4] = value;
        return ACCESS_DONE;
    }
    transaction *t = &h->ids[offset / ID_BYTES];
    const uint32_t what = offset % ID_BYTES;
    if (what == RX_CONFIG) {
        return value == START ? start(m, c, offset / ID_BYTES) : ACCESS_BAD;
    }
    if (what == RAM_2D || what == L2_2D) {
        t->two_d |= value;
        return ACCESS_DONE;
    }
    uint32_t *at = field(t, what);
    if (at == NULL || t->busy) {
        return ACCESS_BAD;
    }
    *at = value;
    return ACCESS_DONE;
}

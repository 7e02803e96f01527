/* Peripherals as board data describes them: registers that read back what was written, status fields that follow
 * control fields, and one polled UART whose input is a prepared byte string. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

#define CPACR 0xE000ED88u
#define CPACR_FPU (0xFu << 20)
#define MAX_DEVICES 32
#define MAX_FOLLOWS 64
#define MAX_PAGES 64
#define IDLE_POLLS 16 /* status reads in a row, without any byte moving, that mean: waiting for more input */

typedef struct {
    uint32_t base;
    uint32_t bytes;
    uint32_t *registers;
} device;

typedef struct {
    uint32_t address, of, to, bit, width;
} follow;

typedef struct {
    ek_bus *bus;
    uint32_t base;
} page;

struct ek_bus {
    ek_trace *trace;
    device devices[MAX_DEVICES];
    uint32_t device_count;
    follow follows[MAX_FOLLOWS];
    uint32_t follow_count;
    page pages[MAX_PAGES];
    uint32_t page_count;

    ek_flash *flash; /* NULL where firmware cannot write flash */

    uint32_t status, receive, transmit;
    uint32_t receive_ready, transmit_ready;
    const uint8_t *received;
    uint64_t received_bytes, taken, measure_from;
    uint32_t idle_polls;
    uint8_t *sent;
    uint64_t sent_bytes, sent_capacity;
};

ek_bus *ek_bus_new(ek_trace *trace, const uint8_t *received, uint64_t received_bytes, uint64_t measure_from) {
    ek_bus *bus = calloc(1, sizeof *bus);

    if (bus != NULL) {
        bus->trace = trace;
        bus->received = received;
        bus->received_bytes = received_bytes;
        bus->measure_from = measure_from;
    }
    return bus;
}

void ek_bus_free(ek_bus *bus) {
    for (uint32_t i = 0; i < bus->device_count; i++) {
        free(bus->devices[i].registers);
    }
    free(bus->sent);
    free(bus);
}

int ek_bus_add(ek_bus *bus, uint32_t base, uint32_t bytes) {
    if (bus->device_count == MAX_DEVICES) {
        return 0;
    }
    device *d = &bus->devices[bus->device_count];
    *d = (device){.base = base, .bytes = bytes, .registers = calloc(bytes / 4, 4)};
    bus->device_count += d->registers != NULL;
    return d->registers != NULL;
}

static uint32_t *register_at(ek_bus *bus, uint32_t address) {
    for (uint32_t i = 0; i < bus->device_count; i++) {
        const device *d = &bus->devices[i];
        if (address - d->base < d->bytes) {
            return &d->registers[(address - d->base) / 4];
        }
    }
    return NULL;
}

void ek_bus_reset(ek_bus *bus, uint32_t address, uint32_t value) { *register_at(bus, address) = value; }

int ek_bus_follow(ek_bus *bus, uint32_t address, uint32_t of, uint32_t to, uint32_t bit, uint32_t width) {
    if (bus->follow_count == MAX_FOLLOWS) {
        return 0;
    }
    bus->follows[bus->follow_count++] = (follow){.address = address, .of = of, .to = to, .bit = bit, .width = width};
    return 1;
}

void ek_bus_uart(ek_bus *bus, uint32_t status, uint32_t receive, uint32_t transmit, uint32_t receive_ready,
                 uint32_t transmit_ready) {
    bus->status = status;
    bus->receive = receive;
    bus->transmit = transmit;
    bus->receive_ready = receive_ready;
    bus->transmit_ready = transmit_ready;
}

void ek_bus_flash(ek_bus *bus, ek_flash *flash) { bus->flash = flash; }

void *ek_bus_page(ek_bus *bus, uint32_t base) {
    if (bus->page_count == MAX_PAGES) {
        return NULL;
    }
    bus->pages[bus->page_count] = (page){.bus = bus, .base = base};
    return &bus->pages[bus->page_count++];
}

static uint32_t read_status(ek_bus *bus, void *uc) {
    uint32_t ready = bus->transmit_ready;

    if (bus->taken < bus->received_bytes) {
        return ready | bus->receive_ready;
    }
    if (++bus->idle_polls >= IDLE_POLLS) {
        ek_trace_stop(bus->trace, uc, EK_IDLE, bus->status);
    }
    return ready;
}

static uint32_t take_byte(ek_bus *bus) {
    if (bus->taken == bus->received_bytes) {
        return 0;
    }
    if (bus->taken == 0 || bus->taken == bus->measure_from) {
        ek_trace_restart(bus->trace); /* start-up and self-test, or the inferences that warm the caches, are over */
    }
    bus->idle_polls = 0;
    ek_trace_progress(bus->trace);
    return bus->received[bus->taken++];
}

static void send_byte(ek_bus *bus, void *uc, uint32_t value) {
    if (bus->sent_bytes == bus->sent_capacity) {
        uint64_t capacity = bus->sent_capacity != 0 ? 2 * bus->sent_capacity : 4096;
        uint8_t *sent = realloc(bus->sent, capacity);
        if (sent == NULL) {
            ek_trace_stop(bus->trace, uc, EK_NO_MEMORY, bus->transmit);
            return;
        }
        bus->sent = sent;
        bus->sent_capacity = capacity;
    }
    bus->sent[bus->sent_bytes++] = (uint8_t)value;
    bus->idle_polls = 0;
    ek_trace_progress(bus->trace);
}

static uint32_t mask_of(unsigned size) { return size >= 4 ? UINT32_MAX : (1u << (8 * size)) - 1u; }

uint64_t ek_bus_read(void *uc, uint64_t offset, unsigned size, void *user) {
    ek_bus *bus = ((page *)user)->bus;
    uint32_t address = ((page *)user)->base + (uint32_t)offset;
    uint32_t *reg = register_at(bus, address);

    if (reg == NULL) {
        ek_trace_stop(bus->trace, uc, EK_NO_PERIPHERAL, address);
        return 0;
    }
    uint32_t value = *reg;
    if (bus->transmit_ready != 0 && (address & ~3u) == bus->status) {
        value = read_status(bus, uc);
    } else if (bus->transmit_ready != 0 && (address & ~3u) == bus->receive) {
        value = take_byte(bus);
    } else if (bus->flash != NULL && ek_flash_owns(bus->flash, address & ~3u)) {
        value = ek_flash_register(bus->flash, address & ~3u);
    }
    return (value >> (8 * (address & 3u))) & mask_of(size);
}

void ek_bus_write(void *uc, uint64_t offset, unsigned size, uint64_t value, void *user) {
    ek_bus *bus = ((page *)user)->bus;
    uint32_t address = ((page *)user)->base + (uint32_t)offset;
    uint32_t *reg = register_at(bus, address);

    if (reg == NULL) {
        ek_trace_stop(bus->trace, uc, EK_NO_PERIPHERAL, address);
        return;
    }
    if (bus->transmit_ready != 0 && (address & ~3u) == bus->transmit) {
        send_byte(bus, uc, (uint32_t)value);
        return;
    }
    if (bus->flash != NULL && ek_flash_owns(bus->flash, address)) {
        ek_flash_set_register(bus->flash, uc, address, (uint32_t)value);
        return;
    }
    uint32_t shift = 8 * (address & 3u);
    uint32_t mask = mask_of(size) << shift;
    *reg = (*reg & ~mask) | (((uint32_t)value << shift) & mask);
    if (bus->flash != NULL) {
        ek_flash_set_access(bus->flash, address, *reg);
    }
    for (uint32_t i = 0; i < bus->follow_count; i++) {
        const follow *f = &bus->follows[i];
        if (f->address == (address & ~3u)) {
            uint32_t field = (1u << f->width) - 1u;
            uint32_t *to = register_at(bus, f->to);
            *to = (*to & ~(field << f->bit)) | (((*reg >> f->of) & field) << f->bit);
        }
    }
    if ((address & ~3u) == CPACR) {
        ek_trace_set_fpu(bus->trace, (*reg & CPACR_FPU) == CPACR_FPU);
    }
}

uint64_t ek_bus_sent(const ek_bus *bus, const uint8_t **bytes) {
    *bytes = bus->sent;
    return bus->sent_bytes;
}

uint64_t ek_bus_taken(const ek_bus *bus) { return bus->taken; }

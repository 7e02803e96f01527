/* The memory side of a traced run: which fetches and data accesses miss the caches that board data describe, and what
 * an instruction costs beyond its static price because of the values it works on.
 *
 * Nothing is priced here: events are counted per block, and every event has one price at one clock.
 */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CACHES 4
#define MAX_REGIONS 8
#define UNKNOWN 0

typedef struct {
    uint32_t tag;     /* address of the line, shifted right by its size */
    uint32_t sectors; /* bit i: the i-th fill of the line is there */
    uint32_t used;    /* time of the last access */
    uint32_t dirty;
} line;

typedef struct {
    line *lines;
    uint32_t sets, ways;
    uint32_t line_shift, fill_shift;
    uint32_t write_back; /* event of a dirty line that makes room, or EK_NONE: a cache for reads only */
    uint32_t time;
} cache;

typedef struct {
    uint32_t start, bytes;
    uint32_t fetch_cache, fetch_event;
    uint32_t data_cache, data_event;
    uint32_t *known; /* per halfword: index into instructions, or UNKNOWN */
} region;

struct ek_memory {
    ek_unicorn unicorn;
    ek_trace *trace;
    ek_describe describe;
    uint32_t bus_bytes, divide_cycles;
    const region *overlapping; /* memory of a load whose second cycle the access behind it hides */
    cache caches[MAX_CACHES];
    uint32_t cache_count;
    region regions[MAX_REGIONS];
    uint32_t region_count;
    ek_instruction *instructions; /* the first one stands for UNKNOWN */
    uint32_t instruction_count, instruction_capacity;
};

ek_memory *ek_memory_new(ek_trace *trace, const ek_unicorn *unicorn, uint32_t bus_bytes, uint32_t divide_cycles,
                         ek_describe describe) {
    ek_memory *m = calloc(1, sizeof *m);

    if (m != NULL) {
        m->unicorn = *unicorn;
        m->trace = trace;
        m->describe = describe;
        m->bus_bytes = bus_bytes;
        m->divide_cycles = divide_cycles;
        m->instruction_count = 1;
        m->instruction_capacity = 4096;
        m->instructions = calloc(m->instruction_capacity, sizeof *m->instructions);
        ek_trace_set_memory(trace, m);
    }
    return m;
}

void ek_memory_free(ek_memory *m) {
    for (uint32_t i = 0; i < m->cache_count; i++) {
        free(m->caches[i].lines);
    }
    for (uint32_t i = 0; i < m->region_count; i++) {
        free(m->regions[i].known);
    }
    free(m->instructions);
    free(m);
}

static uint32_t log2_of(uint32_t value) {
    uint32_t shift = 0;

    while ((1u << shift) < value) {
        shift++;
    }
    return shift;
}

uint32_t ek_memory_cache(ek_memory *m, uint32_t sets, uint32_t ways, uint32_t line_bytes, uint32_t fill_bytes,
                         uint32_t write_back) {
    if (m->cache_count == MAX_CACHES) {
        return EK_NONE;
    }
    cache *c = &m->caches[m->cache_count];
    *c = (cache){.lines = calloc((size_t)sets * ways, sizeof *c->lines),
                 .sets = sets,
                 .ways = ways,
                 .line_shift = log2_of(line_bytes),
                 .fill_shift = log2_of(fill_bytes),
                 .write_back = write_back};
    return m->cache_count++;
}

int ek_memory_region(ek_memory *m, uint32_t start, uint32_t bytes, uint32_t fetch_cache, uint32_t fetch_event,
                     uint32_t data_cache, uint32_t data_event) {
    if (m->region_count == MAX_REGIONS) {
        return 0;
    }
    m->regions[m->region_count++] = (region){.start = start,
                                             .bytes = bytes,
                                             .fetch_cache = fetch_cache,
                                             .fetch_event = fetch_event,
                                             .data_cache = data_cache,
                                             .data_event = data_event,
                                             .known = calloc(bytes / 2, sizeof(uint32_t))};
    return 1;
}

static region *region_of(ek_memory *m, uint32_t address) {
    for (uint32_t i = 0; i < m->region_count; i++) {
        if (address - m->regions[i].start < m->regions[i].bytes) {
            return &m->regions[i];
        }
    }
    return NULL;
}

/* Looks up one fill unit, least recently used lines make room; counts what has to be read or written back. */
static void look_up(cache *c, ek_block *b, uint32_t address, uint32_t event, int write) {
    uint32_t tag = address >> c->line_shift;
    uint32_t sector = 1u << ((address >> c->fill_shift) & ((1u << (c->line_shift - c->fill_shift)) - 1u));
    line *set = &c->lines[(size_t)(tag & (c->sets - 1u)) * c->ways];
    line *found = NULL, *oldest = set;

    for (uint32_t way = 0; way < c->ways; way++) {
        if (set[way].sectors != 0 && set[way].tag == tag) {
            found = &set[way];
            break;
        }
        if (set[way].used < oldest->used) {
            oldest = &set[way];
        }
    }
    if (found == NULL) {
        found = oldest;
        b->events[c->write_back == EK_NONE ? EK_DROPPED : c->write_back] += found->dirty;
        *found = (line){.tag = tag};
    }
    if ((found->sectors & sector) == 0) {
        found->sectors |= sector;
        b->events[event]++;
    }
    found->used = ++c->time;
    found->dirty |= (uint32_t)(write && c->write_back != EK_NONE);
}

/* All units that an access of this size touches; without a cache every bus word is an event of its own. Units behind
 * the first one count as `further`. */
static void reach(ek_memory *m, ek_block *b, uint32_t address, uint32_t bytes, uint32_t cached, uint32_t first,
                  uint32_t further, int write) {
    cache *c = cached == EK_NONE ? NULL : &m->caches[cached];
    uint32_t unit = c == NULL ? 4u : 1u << c->fill_shift;

    for (uint32_t at = address & ~(unit - 1u); at < address + bytes; at += unit) {
        uint32_t event = at > address ? further : first;
        if (c != NULL) {
            look_up(c, b, at, event, write);
        } else {
            b->events[event]++;
        }
    }
}

void ek_memory_fetch(ek_memory *m, ek_block *b, int falls_in) {
    region *r = region_of(m, b->address);

    if (r == NULL || r->fetch_event == EK_NONE) {
        return;
    }
    uint32_t ahead = r->fetch_event == EK_FLASH_FETCH ? EK_FLASH_AHEAD : r->fetch_event;
    reach(m, b, b->address, b->size, r->fetch_cache, falls_in ? ahead : r->fetch_event, ahead, 0);
}

/* A single access that is not aligned takes further bus accesses. On a 32-bit bus they are aligned halves and bytes;
 * a 64-bit bus replays a load once, whatever it crosses, and its stores wait in a buffer. */
static uint32_t further_accesses(uint32_t bus_bytes, uint32_t address, uint32_t bytes, int write) {
    if (bus_bytes == 8) {
        return !write && (address & (bytes - 1u)) != 0;
    }
    if (bytes == 4 && (address & 3u) != 0) {
        return (address & 1u) != 0 ? 2 : 1;
    }
    return bytes == 2 && (address & 1u) != 0;
}

static uint32_t reg(const ek_memory *m, void *uc, int32_t number) {
    uint32_t value = 0;

    m->unicorn.reg_read(uc, number, &value);
    return value;
}

static uint32_t leading_zeros(uint32_t value) { return value == 0 ? 32u : (uint32_t)__builtin_clz(value); }

/* Cycles of a division beyond its shortest: divide_cycles for 32 bits of quotient, less where it ends early. */
static uint32_t quotient_cycles(const ek_memory *m, void *uc, const ek_instruction *i) {
    uint32_t dividend = reg(m, uc, i->base), divisor = reg(m, uc, i->index);

    if (i->kind == EK_DIVIDE_SIGNED) {
        dividend = dividend >> 31 ? 0u - dividend : dividend;
        divisor = divisor >> 31 ? 0u - divisor : divisor;
    }
    uint32_t of = leading_zeros(dividend), by = leading_zeros(divisor);
    uint32_t bits = divisor == 0 || of > by ? 0 : by - of + 1;
    return (bits * m->divide_cycles + 31u) / 32u;
}

static void access_data(ek_memory *m, void *uc, ek_block *b, const ek_instruction *i) {
    uint32_t address = (uint32_t)i->offset;

    if (i->base >= 0) {
        address += reg(m, uc, i->base);
    }
    if (i->index >= 0) {
        address += reg(m, uc, i->index) << i->shift;
    }
    if (i->count == 1) {
        b->events[EK_UNALIGNED] += further_accesses(m->bus_bytes, address, i->bytes, i->kind == EK_STORE);
    }
    region *r = region_of(m, address);
    if (m->overlapping != NULL && m->overlapping != r) {
        b->events[EK_LOAD_USE]++; /* another memory: the load before could not share a cycle with this access */
    }
    m->overlapping = i->overlaps ? r : NULL;
    if (r != NULL && r->data_event != EK_NONE) {
        reach(m, b, address, (uint32_t)i->bytes * i->count, r->data_cache, r->data_event, r->data_event,
              i->kind == EK_STORE);
    }
}

static uint32_t learn(ek_memory *m, const ek_block *b, uint32_t address) {
    if (m->instruction_count == m->instruction_capacity) {
        uint32_t capacity = 2 * m->instruction_capacity;
        ek_instruction *instructions = realloc(m->instructions, capacity * sizeof *instructions);
        if (instructions == NULL) {
            return UNKNOWN;
        }
        m->instructions = instructions;
        m->instruction_capacity = capacity;
    }
    ek_instruction *i = &m->instructions[m->instruction_count];
    memset(i, 0, sizeof *i);
    m->describe(b->address, b->size, address, i);
    return m->instruction_count++;
}

/* unicorn calls this before every instruction that it executes: not for those that a condition skips. */
void ek_memory_on_instruction(void *uc, uint64_t at, uint32_t size, void *memory) {
    ek_memory *m = memory;
    uint32_t address = (uint32_t)at;
    ek_block *b = ek_trace_measured(m->trace);
    region *r = region_of(m, address);
    (void)size;

    if (b == NULL || r == NULL) {
        return;
    }
    uint32_t *known = &r->known[(address - r->start) / 2];
    if (*known == UNKNOWN) {
        *known = learn(m, b, address);
    }
    const ek_instruction *i = &m->instructions[*known];
    if (i->kind == EK_PLAIN) {
        m->overlapping = NULL; /* the access that was to follow was skipped */
        return;
    }
    b->events[EK_EXECUTE] += i->execute;
    b->events[EK_LOAD_USE] += i->load_use;
    if (i->kind == EK_DIVIDE_SIGNED || i->kind == EK_DIVIDE_UNSIGNED) {
        b->events[EK_EXECUTE] += quotient_cycles(m, uc, i);
    } else if (i->bytes != 0) {
        access_data(m, uc, b, i);
    }
}

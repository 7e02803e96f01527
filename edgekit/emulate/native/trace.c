/* Counts how often every basic block runs, and leaves by a taken branch, per context.
 *
 * A context is a call of one of the given functions: it begins at the function's first instruction and ends when
 * control is back at the return address, so functions shared by several layers count for the layer that called them.
 */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

#define REG_SP 12 /* UC_ARM_REG_SP */
#define REG_LR 10 /* UC_ARM_REG_LR */
#define MAX_DEPTH 64
#define TICK (1u << 23) /* instructions between two calls of `leave` without a context: under a second */
#define NONE UINT32_MAX

typedef struct {
    uint32_t context;
    uint32_t return_address;
    uint32_t sp;
} call;

struct ek_trace {
    ek_unicorn unicorn;
    uint32_t *functions;
    uint32_t function_count;
    ek_leave leave;

    ek_block *blocks;
    uint32_t block_count;
    uint32_t block_capacity;
    uint32_t *slots; /* open addressing: index into blocks, or NONE */
    uint32_t slot_mask;

    uint32_t previous;
    uint32_t context;
    uint32_t depth;
    call calls[MAX_DEPTH];

    uint64_t instructions;
    uint64_t before; /* instructions before the measurement started */
    uint64_t budget;
    uint64_t limit;
    uint64_t next_tick;
    uint64_t start_address, stop_address;
    uint64_t runs;
    int measuring;     /* the first input byte was taken, or the start address was reached */
    int fpu_enabled;   /* unicorn would run FPU instructions in any case */
    ek_memory *memory; /* NULL unless the run is traced */
    uint32_t reason;
    uint32_t reason_address;
};

ek_trace *ek_trace_new(const ek_unicorn *unicorn, const uint32_t *functions, uint32_t count, uint64_t budget,
                       uint64_t start_address, uint64_t stop_address, ek_leave leave) {
    ek_trace *t = calloc(1, sizeof *t);

    if (t == NULL) {
        return NULL;
    }
    t->unicorn = *unicorn;
    t->function_count = count;
    t->leave = leave;
    t->previous = NONE;
    t->budget = budget;
    t->limit = budget;
    t->next_tick = TICK;
    t->start_address = start_address;
    t->stop_address = stop_address;
    t->block_capacity = 4096;
    t->slot_mask = 2 * t->block_capacity - 1;
    t->functions = malloc((count + 1) * sizeof *t->functions);
    t->blocks = malloc(t->block_capacity * sizeof *t->blocks);
    t->slots = malloc((t->slot_mask + (size_t)1) * sizeof *t->slots);
    if (t->functions == NULL || t->blocks == NULL || t->slots == NULL) {
        ek_trace_free(t);
        return NULL;
    }
    memcpy(t->functions, functions, count * sizeof *functions);
    memset(t->slots, 0xFF, (t->slot_mask + (size_t)1) * sizeof *t->slots);
    return t;
}

void ek_trace_free(ek_trace *t) {
    free(t->functions);
    free(t->blocks);
    free(t->slots);
    free(t);
}

void ek_trace_stop(ek_trace *t, void *uc, uint32_t reason, uint32_t address) {
    if (t->reason == EK_RUNNING) {
        t->reason = reason;
        t->reason_address = address;
        t->unicorn.emu_stop(uc);
    }
}

void ek_trace_pause(ek_trace *t, void *uc) { t->unicorn.emu_stop(uc); }

uint32_t ek_trace_at(const ek_trace *t) { return t->previous != NONE ? t->blocks[t->previous].address : 0; }

void ek_trace_restart(ek_trace *t) {
    for (uint32_t i = 0; i < t->block_count; i++) {
        t->blocks[i].executions = 0;
        t->blocks[i].taken = 0;
        t->blocks[i].taken_wide = 0;
        t->blocks[i].mispredicted = 0;
        memset(t->blocks[i].events, 0, sizeof t->blocks[i].events);
    }
    t->before += t->instructions;
    t->instructions = 0;
    t->next_tick = TICK;
    t->runs = 0;
    t->measuring = 1;
    ek_trace_progress(t);
}

void ek_trace_progress(ek_trace *t) { t->limit = t->instructions + t->budget; }

void ek_trace_set_fpu(ek_trace *t, int enabled) { t->fpu_enabled = enabled; }

void ek_trace_set_memory(ek_trace *t, ek_memory *memory) { t->memory = memory; }

ek_block *ek_trace_measured(ek_trace *t) {
    return t->measuring && t->previous != NONE ? &t->blocks[t->previous] : NULL;
}

static uint32_t slot_of(const ek_trace *t, uint32_t context, uint32_t address, uint32_t size) {
    uint32_t slot = (((address >> 1) ^ (size << 17) ^ (context * 0x9E3779B1u)) * 0x85EBCA6Bu) >> 8;

    for (;; slot++) {
        uint32_t index = t->slots[slot & t->slot_mask];
        if (index == NONE) {
            return slot & t->slot_mask;
        }
        const ek_block *b = &t->blocks[index];
        if (b->address == address && b->context == context && b->size == size) {
            return slot & t->slot_mask;
        }
    }
}

static int grow(ek_trace *t) {
    uint32_t capacity = 2 * t->block_capacity;
    ek_block *blocks = realloc(t->blocks, capacity * sizeof *blocks);
    if (blocks == NULL) {
        return 0;
    }
    t->blocks = blocks;
    uint32_t *slots = realloc(t->slots, 2 * (size_t)capacity * sizeof *slots);
    if (slots == NULL) {
        return 0;
    }
    t->slots = slots;
    t->block_capacity = capacity;
    t->slot_mask = 2 * capacity - 1;
    memset(slots, 0xFF, 2 * (size_t)capacity * sizeof *slots);
    for (uint32_t i = 0; i < t->block_count; i++) {
        const ek_block *b = &t->blocks[i];
        t->slots[slot_of(t, b->context, b->address, b->size)] = i;
    }
    return 1;
}

/* A Thumb instruction is 32 bits wide when its first halfword starts with 0b11101, 0b11110 or 0b11111. */
static int is_wide(const uint8_t *code) { return (code[1] >> 3) >= 0x1D; }

/* Instructions of coprocessors 10 and 11: the FPU. */
static int is_float(const uint8_t *code) { return is_wide(code) && (code[1] & 0xEC) == 0xEC && (code[3] & 0xE) == 0xA; }

static void describe(ek_trace *t, void *uc, ek_block *b) {
    uint8_t code[4096];
    uint32_t size = b->size < sizeof code ? b->size : (uint32_t)sizeof code;

    t->unicorn.mem_read(uc, b->address, code, size);
    for (uint32_t at = 0; at + 2 <= size; b->instructions++) {
        if (!t->fpu_enabled && at + 4 <= size && is_float(code + at)) {
            ek_trace_stop(t, uc, EK_NO_FPU, b->address + at);
        }
        at += is_wide(code + at) ? 4 : 2;
    }
    b->wide_target = (b->address & 2u) != 0 && is_wide(code);
    for (uint32_t i = 0; i < t->function_count; i++) {
        if (t->functions[i] == b->address) {
            b->enters = i + 1;
        }
    }
}

static uint32_t find(ek_trace *t, void *uc, uint32_t context, uint32_t address, uint32_t size) {
    uint32_t slot = slot_of(t, context, address, size);

    if (t->slots[slot] == NONE) {
        if (t->block_count == t->block_capacity) {
            if (!grow(t)) {
                ek_trace_stop(t, uc, EK_NO_MEMORY, address);
                return NONE;
            }
            slot = slot_of(t, context, address, size);
        }
        ek_block *b = &t->blocks[t->block_count];
        memset(b, 0, sizeof *b);
        b->address = address;
        b->size = size;
        b->context = context;
        b->expectation = 1;
        describe(t, uc, b);
        t->slots[slot] = t->block_count++;
    }
    return t->slots[slot];
}

static void leave_calls(ek_trace *t, void *uc, uint32_t address) {
    uint32_t sp = 0;

    t->unicorn.reg_read(uc, REG_SP, &sp);
    while (t->depth > 0 && t->calls[t->depth - 1].return_address == address && t->calls[t->depth - 1].sp == sp) {
        uint32_t left = t->calls[--t->depth].context;
        t->context = t->depth > 0 ? t->calls[t->depth - 1].context : 0;
        if (t->leave != NULL && t->measuring) {
            t->leave(left, t->runs);
        }
        t->runs += left == 1;
    }
}

static void enter_call(ek_trace *t, void *uc, uint32_t context, uint32_t address) {
    uint32_t sp = 0, lr = 0;

    if (t->depth == MAX_DEPTH) {
        ek_trace_stop(t, uc, EK_NESTING, address);
        return;
    }
    t->unicorn.reg_read(uc, REG_SP, &sp);
    t->unicorn.reg_read(uc, REG_LR, &lr);
    t->calls[t->depth++] = (call){.context = context, .return_address = lr & ~1u, .sp = sp};
    t->context = context;
}

/* Short loops are one block after itself: no need to look that up. */
static int again(const ek_trace *t, uint32_t address, uint32_t size) {
    const ek_block *b = t->blocks + t->previous;

    return t->previous != NONE && b->address == address && b->size == size && b->context == t->context;
}

/* Counts how control went from block p to block b. */
static void leave_block(const ek_trace *t, ek_block *p, const ek_block *b) {
    int taken = b->address != p->address + p->size;

    if (t->measuring) {
        p->mispredicted += taken != (p->expectation >= 2);
    }
    if (taken) {
        p->taken++;
        p->taken_wide += b->wide_target;
        p->expectation += p->expectation < 3;
    } else {
        p->expectation -= p->expectation > 0;
    }
}

void ek_trace_on_block(void *uc, uint64_t at, uint32_t size, void *trace) {
    ek_trace *t = trace;
    uint32_t address = (uint32_t)at;

    if (t->reason != EK_RUNNING) {
        return;
    }
    if (t->depth > 0 && address == t->calls[t->depth - 1].return_address) {
        leave_calls(t, uc, address);
    }
    uint32_t index = again(t, address, size) ? t->previous : find(t, uc, t->context, address, size);
    if (index != NONE && t->blocks[index].enters != 0 && t->blocks[index].enters != t->context) {
        enter_call(t, uc, t->blocks[index].enters, address);
        index = find(t, uc, t->context, address, size);
    }
    if (index == NONE) {
        return;
    }

    ek_block *b = &t->blocks[index];
    int falls_in = 0;
    if (t->previous != NONE) {
        falls_in = address == t->blocks[t->previous].address + t->blocks[t->previous].size;
        leave_block(t, &t->blocks[t->previous], b);
        if (index == t->previous && b->instructions == 1 && address != b->address + b->size) {
            ek_trace_stop(t, uc, EK_SELF_LOOP, address);
        }
    }
    if (at == t->start_address && !t->measuring) {
        ek_trace_restart(t);
    }
    t->previous = index;
    if (at == t->stop_address) {
        ek_trace_stop(t, uc, EK_REACHED, address);
    } else if (t->instructions + b->instructions > t->limit) {
        ek_trace_stop(t, uc, EK_BUDGET, address);
    }
    if (t->reason != EK_RUNNING) {
        return; /* a block that does not run does not count */
    }
    b->executions++;
    t->instructions += b->instructions;
    if (t->instructions >= t->next_tick && t->leave != NULL) {
        t->next_tick = t->instructions + TICK;
        t->leave(0, t->instructions);
    }
    if (t->memory != NULL && t->measuring) {
        ek_memory_fetch(t->memory, b, falls_in);
    }
}

uint64_t ek_trace_blocks(const ek_trace *t, const ek_block **blocks) {
    *blocks = t->blocks;
    return t->measuring ? t->block_count : 0;
}

uint32_t ek_trace_reason(const ek_trace *t) { return t->reason; }

uint32_t ek_trace_context(const ek_trace *t) { return t->context; }

uint32_t ek_trace_address(const ek_trace *t) { return t->reason_address; }

uint64_t ek_trace_runs(const ek_trace *t) { return t->runs; }

uint64_t ek_trace_executed(const ek_trace *t) { return t->before + t->instructions; }

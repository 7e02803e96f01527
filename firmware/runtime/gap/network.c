/* The steps of a network on all cores. Core 0 moves tiles, the last core brings records, geometries and addresses; they
 * arrive in L1 while the cores compute, so that nothing here reads L2, where a load takes some 16 cycles.
 *
 * In step k the record of k+1 is in L1, that of k+2 on its way into the slot that k-2 left: core 0 may still store
 * tiles of k-1. */
#include "network.h"

#include <stddef.h>

#include "ek_port.h"

enum { SLOTS = 4 };

/* What the v6 DMA of GAP8's runtime takes in one command. */
#define COMMAND_BYTES 32768u
#define COMMAND_STRIDE 32767u

/* The operands of a record, all of them alike. */
typedef uintptr_t __attribute__((may_alias)) place;
enum { OPERANDS = sizeof(ek_operands) / sizeof(place) };

typedef struct slot slot;

struct slot {
    slot *next;
    const uint8_t *source; /* the record in L2 */
    uint32_t *geometry;    /* where the step's geometry lies in L1 */
    const ek_transfer *late, *store, *end;
    ek_dma loads;
    ek_step step;
    ek_transfer transfers[EK_TRANSFERS];
};

static struct {
    uint8_t *arena;
    uint32_t cores, storer, clerk; /* number of cores, and which of them stores tiles and brings records */
    ek_dma stores, records;
    slot slots[SLOTS];
    uint32_t geometries[2][EK_GEOMETRY_BYTES / 4];
} network EK_L1;

/* Saves registers only where the work is. */
#define NOINLINE __attribute__((noinline))

static slot *slot_of(const ek_step *step) { return (slot *)((uintptr_t)step - offsetof(slot, step)); }

/* A run of bytes, in as many commands as it takes. */
static void move_run(ek_dma *dma, uint8_t *l1, uint8_t *l2, uint32_t bytes, ek_way way) {
    while (bytes > COMMAND_BYTES) {
        ek_dma_1d(dma, l1, l2, COMMAND_BYTES, way);
        l1 += COMMAND_BYTES;
        l2 += COMMAND_BYTES;
        bytes -= COMMAND_BYTES;
    }
    ek_dma_1d(dma, l1, l2, bytes, way);
}

/* Lines at a distance, in as many commands as it takes. */
static void move_lines(ek_dma *dma, uint8_t *l1, uint8_t *l2, uint32_t length, uint32_t lines, uint32_t stride,
                       ek_way way) {
    uint32_t most = length * lines <= COMMAND_BYTES ? lines : COMMAND_BYTES / length;

    if (stride > COMMAND_STRIDE || length > COMMAND_STRIDE) {
        most = 1;
    }
    while (lines > 0) {
        const uint32_t now = lines < most ? lines : most;
        if (now == 1) {
            move_run(dma, l1, l2, length, way);
        } else {
            ek_dma_2d(dma, l1, l2, now * length, stride, length, way);
        }
        l1 += now * length;
        l2 += now * stride;
        lines -= now;
    }
}

/* A transfer that is more than one command, or could be a simpler one. */
NOINLINE static void move_box(ek_dma *dma, const ek_transfer *t, ek_way way) {
    uint8_t *l1 = network.arena + t->l1, *l2 = t->l2;
    uint32_t length = t->length, lines = t->lines, planes = t->planes, stride = t->line_stride;

    if (lines > 1 && stride == length) { /* a plane without gaps is one line */
        length *= lines;
        lines = 1;
    }
    if (lines == 1) { /* planes of one line are the lines of one plane */
        lines = planes;
        stride = t->plane_stride;
        planes = 1;
        if (lines > 1 && stride == length) {
            length *= lines;
            lines = 1;
        }
    }
    for (uint32_t plane = 0; plane < planes; plane++) {
        move_lines(dma, l1, l2, length, lines, stride, way);
        l1 += length * lines;
        l2 += t->plane_stride;
    }
}

NOINLINE static void move_boxes(ek_dma *dma, const ek_transfer *t, const ek_transfer *end, ek_way way) {
    for (; t < end; t++) {
        move_box(dma, t, way);
    }
}

/* Transfers of one command each need no call here and some 20 cycles. */
NOINLINE static void move_all(ek_dma *dma, const ek_transfer *t, const ek_transfer *end, ek_way way) {
    uint8_t *arena = network.arena;

    ek_dma_open(dma);
    for (; t < end; t++) {
        const uint32_t bytes = t->length * t->lines;
        if (t->planes != 1 || bytes > COMMAND_BYTES || t->line_stride > COMMAND_STRIDE) {
            move_boxes(dma, t, end, way);
            return;
        }
        if (t->lines == 1) {
            ek_dma_1d(dma, arena + t->l1, t->l2, bytes, way);
        } else {
            ek_dma_2d(dma, arena + t->l1, t->l2, bytes, t->line_stride, t->length, way);
        }
    }
}

/* Bytes of a constant in L2: records and geometries. */
static void load_record(void *l1, const void *l2, uint32_t bytes) {
    ek_dma_open(&network.records);
    ek_dma_1d(&network.records, l1, (uint8_t *)(uintptr_t)l2, bytes, EK_TO_L1);
}

static void load_geometry(slot *to, uint32_t *place) {
    to->geometry = place;
    load_record(place, to->step.geometry, to->step.geometry_bytes);
}

static void load_next_record(const slot *from) {
    if (from->step.next_bytes > 0) {
        from->next->source = from->source + from->step.bytes;
        load_record(&from->next->step, from->next->source, from->step.next_bytes);
    }
}

/* What is known of a record once it is in L1. */
static void read_counts(slot *of) {
    of->late = of->transfers + of->step.earlies;
    of->store = of->late + of->step.lates;
    of->end = of->store + of->step.stores;
}

/* On the last core: what the steps behind this one need besides their tiles. */
NOINLINE static void bring_records(const slot *now) {
    slot *next = now->next;

    load_next_record(next);
    if (next->step.geometry == now->step.geometry) {
        next->geometry = now->geometry;
    } else {
        load_geometry(next, network.geometries[now->geometry == network.geometries[0]]);
    }
    read_counts(next);
}

/* On every core but core 0, which has more to do: from offsets to addresses, in the copy of a record in L1. */
static void place_operands(slot *of, uint32_t core, uint32_t cores) {
    place *operands = (place *)&of->step.operands;
    uint8_t *arena = network.arena;

    for (uint32_t i = cores > 1 ? core - 1 : 0; i < OPERANDS; i += cores > 1 ? cores - 1 : 1) {
        if (operands[i] < EK_L1_OFFSETS) {
            operands[i] += (uintptr_t)arena;
        }
    }
}

NOINLINE static void start_fetches(const ek_fetch *fetch, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        ek_l3_start(fetch[i].l3, fetch[i].l2, fetch[i].bytes);
    }
}

/* On core 0. The DMA gets the next step's loads before those of this step have arrived: it never runs dry. */
NOINLINE static void load_tiles(slot *now) {
    slot *next = now->next;

    if (now->step.needs_fetch) {
        ek_l3_wait();
    }
    if (now->late < now->store) {
        move_all(&now->loads, now->late, now->store, EK_TO_L1);
    }
    if (now->step.next_bytes > 0 && next->step.earlies > 0) {
        move_all(&next->loads, next->transfers, next->transfers + next->step.earlies, EK_TO_L1);
    }
    ek_dma_wait(&now->loads);
    if (now->step.fetches > 0) {
        start_fetches((const ek_fetch *)(const void *)now->end, now->step.fetches);
    }
}

void ek_step_run(const ek_step *step) {
    slot *now = slot_of(step);
    const uint32_t core = ek_core_id(), cores = network.cores;
    const ek_team team = {(int32_t)core, (int32_t)cores};
    const int flush = step->flush && now->store < now->end; /* read now: later the record may already be another one */

    if (core == network.clerk && step->next_bytes > 0) {
        bring_records(now);
    }
    if (core > 0 || cores == 1) {
        place_operands(now->next, core, cores);
    }
    if (core == 0) {
        load_tiles(now);
    }
    if (now->transfers < now->store) {
        ek_barrier();
    }
    step->kernel(now->geometry, team, &step->operands);
    if (core == network.clerk) {
        ek_dma_wait(&network.records);
    }
    if (core == network.storer) {
        ek_dma_wait(&network.stores); /* of the step before */
    }
    ek_barrier();
    if (core == network.storer && now->store < now->end) {
        move_all(&network.stores, now->store, now->end, EK_TO_L2);
    }
    if (flush) { /* the next step may have no loads to wait for, and read L2 itself */
        if (core == network.storer) {
            ek_dma_wait(&network.stores);
        }
        ek_barrier();
    }
}

/* On core 0, before the first step: its record, that of the second, its geometry and its early loads. */
static void prepare(const ek_step *first, uint8_t *arena, uint32_t cores) {
    slot *now = &network.slots[0];

    network.arena = arena;
    network.cores = cores;
    network.storer = cores > 2 ? 1 : 0;
    network.clerk = cores - 1;
    for (uint32_t i = 0; i < SLOTS; i++) {
        network.slots[i].next = &network.slots[(i + 1) % SLOTS];
    }
    now->source = (const uint8_t *)first;
    load_record(&now->step, first, first->bytes);
    ek_dma_wait(&network.records);
    load_next_record(now);
    load_geometry(now, network.geometries[0]);
    read_counts(now);
    if (now->step.earlies > 0) {
        move_all(&now->loads, now->transfers, now->late, EK_TO_L1);
    }
    place_operands(now, 0, 1);
    ek_dma_wait(&network.records);
}

void ek_network_run(const ek_step *first, uint8_t *arena, uint32_t cores) {
    const slot *now = &network.slots[0];
    const uint32_t core = ek_core_id();
    uint32_t more = 1;

    if (core == 0) {
        prepare(first, arena, cores);
    }
    ek_barrier();
    while (more) {
        more = now->step.next_bytes; /* read now: later the slot may already be loaded again */
        now->step.layer(&now->step);
        now = now->next;
    }
    if (core == network.storer) {
        ek_dma_wait(&network.stores);
    }
    ek_barrier();
    if (core == 0) {
        ek_l3_wait();
    }
}

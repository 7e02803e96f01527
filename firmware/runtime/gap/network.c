/* The steps of a network on all cores. Core 0 feeds them: records, geometries and tiles arrive in L1 while the cores
 * compute, so that nothing here reads L2, where a load takes some 16 cycles.
 *
 * In step k the record of k+1 is in L1, that of k+2 on its way into the slot that k-1 leaves. */
#include "network.h"

#include <stddef.h>

#include "ek_port.h"

enum { SLOTS = 3 };

/* What the v6 DMA of GAP8's runtime takes in one command. */
#define COMMAND_BYTES 32768u
#define COMMAND_STRIDE 32767u

typedef struct slot slot;

struct slot {
    slot *next;
    const uint8_t *source; /* the record in L2 */
    uint32_t *geometry;    /* where the step's geometry lies in L1 */
    ek_dma loads;
    ek_step step;
    ek_transfer transfers[EK_TRANSFERS];
};

static struct {
    uint8_t *arena;
    uint32_t cores;
    ek_dma stores, records;
    slot slots[SLOTS];
    uint32_t geometries[2][EK_GEOMETRY_BYTES / 4];
} network EK_L1;

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

static void move(ek_dma *dma, const ek_transfer *t, ek_way way) {
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

static void move_all(ek_dma *dma, const ek_transfer *transfers, uint32_t count, ek_way way) {
    if (count > 0) {
        ek_dma_open(dma);
        for (uint32_t i = 0; i < count; i++) {
            move(dma, &transfers[i], way);
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

static const void *placed(const void *operand) {
    const uintptr_t value = (uintptr_t)operand;
    return value < EK_L1_OFFSETS ? network.arena + value : operand;
}

/* From offsets to addresses, in the copy of the record in L1. */
static void place_operands(ek_operands *operands) {
    for (int i = 0; i < EK_INPUTS; i++) {
        operands->x[i] = placed(operands->x[i]);
    }
    for (int i = 0; i < EK_CONSTANTS; i++) {
        operands->constant[i] = placed(operands->constant[i]);
    }
    operands->y = (void *)(uintptr_t)placed(operands->y);
    operands->scratch = (void *)(uintptr_t)placed(operands->scratch);
}

/* Whatever the next step can have while this one computes. */
static void feed_next(const slot *now) {
    slot *next = now->next;

    if (now->step.next_bytes == 0) {
        return;
    }
    load_next_record(next);
    if (next->step.geometry == now->step.geometry) {
        next->geometry = now->geometry;
    } else {
        load_geometry(next, network.geometries[now->geometry == network.geometries[0]]);
    }
    move_all(&next->loads, next->transfers, next->step.earlies, EK_TO_L1);
}

static void start_fetches(const slot *now) {
    const ek_step *step = &now->step;
    const ek_fetch *fetch = (const ek_fetch *)(const void *)&now->transfers[step->earlies + step->lates + step->stores];

    for (uint32_t i = 0; i < step->fetches; i++) {
        ek_l3_start(fetch[i].l3, fetch[i].l2, fetch[i].bytes);
    }
}

/* The DMA gets the next step's loads before those of this step have arrived: it never runs dry. */
static void begin(slot *now) {
    if (now->step.needs_fetch) {
        ek_l3_wait();
    }
    move_all(&now->loads, now->transfers + now->step.earlies, now->step.lates, EK_TO_L1);
    feed_next(now);
    ek_dma_wait(&now->loads);
    start_fetches(now);
}

/* After this nothing is under way but the loads of the next step, and fetches. */
static void settle(void) {
    ek_dma_wait(&network.records);
    ek_dma_wait(&network.stores);
}

static void end(const slot *now) {
    const ek_step *step = &now->step;

    move_all(&network.stores, now->transfers + step->earlies + step->lates, step->stores, EK_TO_L2);
    if (step->flush) {
        ek_dma_wait(&network.stores);
    }
}

void ek_step_run(const ek_step *step) {
    slot *now = slot_of(step);
    const uint32_t core = ek_core_id(), cores = network.cores;
    const ek_team team = {(int32_t)core, (int32_t)cores};

    if (core == 0) {
        begin(now);
    }
    if (core == cores - 1) { /* the last core has the time while core 0 drives the DMA */
        place_operands(&now->next->step.operands);
    }
    if (step->earlies + step->lates > 0) {
        ek_barrier();
    }
    step->kernel(now->geometry, team, &step->operands);
    if (core == 0) {
        settle();
    }
    ek_barrier();
    if (core == 0) {
        end(now);
    }
}

/* On core 0, before the first step: its record, that of the second, its geometry and its early loads. */
static void prepare(const ek_step *first, uint8_t *arena, uint32_t cores) {
    slot *now = &network.slots[0];

    network.arena = arena;
    network.cores = cores;
    for (uint32_t i = 0; i < SLOTS; i++) {
        network.slots[i].next = &network.slots[(i + 1) % SLOTS];
    }
    now->source = (const uint8_t *)first;
    load_record(&now->step, first, first->bytes);
    ek_dma_wait(&network.records);
    load_next_record(now);
    load_geometry(now, network.geometries[0]);
    move_all(&now->loads, now->transfers, now->step.earlies, EK_TO_L1);
    place_operands(&now->step.operands);
    ek_dma_wait(&network.records);
}

void ek_network_run(const ek_step *first, uint8_t *arena, uint32_t cores) {
    const slot *now = &network.slots[0];
    uint32_t more = 1;

    if (ek_core_id() == 0) {
        prepare(first, arena, cores);
    }
    ek_barrier();
    while (more) {
        more = now->step.next_bytes; /* read now: behind the step core 0 may already be loading into this slot */
        now->step.layer(&now->step);
        now = now->next;
    }
    if (ek_core_id() == 0) {
        ek_dma_wait(&network.stores);
        ek_l3_wait();
    }
}

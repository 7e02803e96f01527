/*
 * What a network needs from a cluster of cores with a scratchpad (L1) and a DMA to the memory outside (L2).
 *
 * A network is a row of records in L2, one per call of a kernel on one tile. Every core walks through them; core 0 also
 * drives the DMA. A record is a step, its transfers and its fetches, one behind the other; the next record follows it:
 *
 *     static const struct {
 *         struct { ek_step step; ek_transfer transfers[2]; } s0;
 *         struct { ek_step step; ek_transfer transfers[3]; ek_fetch fetches[1]; } s1;
 *     } records = {
 *         .s0 = {.step = {.layer = net_layer_00_conv, .kernel = call_conv, .bytes = sizeof records.s0,
 *                         .next_bytes = sizeof records.s1, .earlies = 1, .stores = 1},
 *                .transfers = {{.l1 = 0, .l2 = input, .length = 96, .lines = 1, .planes = 1}, {...}}},
 *         .s1 = {...},
 *     };
 *     void net_layer_00_conv(const ek_step *step) { ek_step_run(step); }
 *
 * Two implementations: pmsis/ on the vendor's SDK, bare/ on the registers of the open PULP platform.
 */
#ifndef EK_CLUSTER_H
#define EK_CLUSTER_H

#include <stdint.h>

#include "kernels/xpulpv2/team.h"

/* A box of bytes between L2 and L1: `planes` times `lines` lines of `length` bytes. It is packed in L1. */
typedef struct {
    uint8_t *l2;
    uint32_t l1; /* offset in the L1 arena */
    uint32_t length;
    uint16_t lines, planes;             /* at least 1 */
    uint32_t line_stride, plane_stride; /* bytes from one start to the next in L2; any value where there is only one */
} ek_transfer;

/* A piece of constants that comes from the memory outside the chip (L3); l3, l2 and bytes are multiples of 4. */
typedef struct {
    uint8_t *l2;
    uint32_t l3; /* offset in the model's L3 image */
    uint32_t bytes;
} ek_fetch;

enum {
    EK_INPUTS = 4,
    EK_CONSTANTS = 4,
    EK_TRANSFERS = 8,       /* transfers and fetches of a step together, at most */
    EK_GEOMETRY_BYTES = 128 /* at most */
};

/* Where a kernel finds its operands. In a record a value below EK_L1_OFFSETS is an offset in the L1 arena and
 * everything else an address; a kernel gets addresses. */
typedef struct {
    const void *x[EK_INPUTS];
    void *y;
    const void *constant[EK_CONSTANTS];
    void *scratch;
} ek_operands;

#define EK_L1_OFFSETS 0x100000u

/* A kernel's wrapper: unpacks the operands and calls it. */
typedef void ek_kernel(const void *geometry, ek_team team, const ek_operands *operands);

typedef struct ek_step ek_step;

/*
 * One call of a kernel on one tile. What happens when, in step k:
 *
 *   1. with `needs_fetch`: wait for every fetch that was started in earlier steps; start the late loads of k
 *   2. start the early loads of k+1
 *   3. wait for the loads of k; its early ones were started in step k-1; start the fetches of k
 *   4. the kernel, on all cores; meanwhile the stores of k-1 may be under way, older ones are done
 *   5. wait for the stores of k-1; start the stores of k and, with `flush`, wait for them
 *
 * So what the stores of k-1 read in L1 is free again from step k+1 on (its early loads included: they start in step k
 * and must not overwrite it). Early loads of k+1 may read what was stored in L2 up to step k-2, or k-1 with `flush`;
 * late loads of k what was stored up to k-2, or k-1 with `flush`. Fetches of k may overwrite what the loads of k read.
 */
struct ek_step {
    void (*layer)(const ek_step *step); /* the layer's own function: cycles and faults are attributed by its symbol */
    ek_kernel *kernel;
    const void *geometry; /* in L2; equal pointers of neighbours are not loaded again */
    uint16_t bytes;       /* of this record: step, transfers and fetches */
    uint16_t next_bytes;  /* of the record behind it; 0 in the last one */
    uint8_t geometry_bytes;
    uint8_t earlies, lates, stores; /* transfers of the record, in this order */
    uint8_t fetches;                /* behind the transfers */
    uint8_t needs_fetch;            /* late loads read what was fetched */
    uint8_t flush;                  /* the layer ends here */
    ek_operands operands;
};

/* Cores that a network runs on: 1 to the board's number. A debugger may change it before the program starts. */
extern volatile uint32_t ek_cores;

/* Runs the records from `first` on; returns when the last store has arrived. Called by the controller.
 * Returns 0, or 1 where the cluster could not be started or has fewer than `cores` cores or `l1_bytes` of L1. */
int ek_cluster_run(const ek_step *first, uint32_t l1_bytes, uint32_t cores);

/* Copies a caller's tensor to or from the arena in L2, unless it lies there; called by the controller. A compiler's
 * memcpy may go byte by byte, which takes longer than a small network. */
EK_INLINE void ek_copy_tensor(void *to, const void *from, uint32_t bytes) {
    ek_word *words = to;
    const ek_word *source = from;
    if (to == from) {
        return;
    }
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        for (; bytes >= 32; bytes -= 32, words += 8, source += 8) {
            ek_word block[8];
            EK_UNROLL
            for (int32_t i = 0; i < 8; i++) {
                block[i] = source[i];
            }
            EK_UNROLL
            for (int32_t i = 0; i < 8; i++) {
                words[i] = block[i];
            }
            EK_FENCE(); /* or the loop becomes a call of memcpy */
        }
    }
    uint8_t *byte = (uint8_t *)words;
    const uint8_t *last = (const uint8_t *)source;
    for (uint32_t i = 0; i < bytes; i++) {
        byte[i] = last[i];
        EK_FENCE();
    }
}

/* What a layer's function calls, on every core. */
void ek_step_run(const ek_step *step);

#endif

/*
 * What a network needs from a cluster of cores with a scratchpad (L1) and a DMA to the memory outside (L2).
 *
 * Two implementations: ../pmsis on the vendor's SDK, ../bare on the registers of the open PULP platform. The network is
 * the same for both: a table of steps, which every core walks through; core 0 also drives the DMA.
 */
#ifndef EK_CLUSTER_H
#define EK_CLUSTER_H

#include <stdint.h>

#include "kernels/xpulpv2/team.h"

/* A box of bytes between L2 and L1: `planes` times `lines` lines of `length` bytes. It is packed in L1. */
typedef struct {
    uint32_t l1; /* offset in the L1 arena */
    uint8_t *l2;
    uint32_t length, lines, planes;
    uint32_t line_stride, plane_stride; /* bytes from one start to the next in L2 */
} ek_transfer;

/* A piece of constants that comes from the memory outside the chip (L3). */
typedef struct {
    uint32_t l3; /* offset in the model's L3 image */
    uint8_t *l2;
    uint32_t bytes;
} ek_fetch;

enum { EK_INPUTS = 4, EK_CONSTANTS = 4 };

typedef struct ek_step ek_step;

/* Where a kernel finds its operands. */
typedef struct {
    const void *x[EK_INPUTS];
    void *y;
    const void *constant[EK_CONSTANTS];
    void *scratch;
} ek_operands;

/* A kernel's wrapper: unpacks the operands and calls it. */
typedef void ek_kernel(const void *geometry, ek_team team, const ek_operands *operands);

/* One call of a kernel on one tile. Every pointer into L1 is an offset in the arena; EK_IN_L2 marks the others. */
struct ek_step {
    void (*layer)(const ek_step *step); /* the layer's own function: cycles and faults are attributed by its symbol */
    const void *geometry;
    const ek_transfer *early, *late, *store; /* loads: early ones may start a step ahead; stores follow the step */
    const ek_fetch *fetch;                   /* started when this step starts, for a later one */
    uint8_t earlies, lates, stores, fetches;
    uint8_t flush;       /* wait for the stores: the layer ends here */
    uint8_t needs_fetch; /* the early loads of the NEXT step read what was fetched before: wait for it first */
    uintptr_t x[EK_INPUTS], y, constant[EK_CONSTANTS], scratch;
};

/* Where the step's pointers lie: offsets below this are in the L1 arena, everything else is an address. */
#define EK_L1_OFFSETS 0x100000u

/* Runs the steps on `cores` cores of the cluster; returns when the last store has arrived. Called by the controller.
 * Returns 0, or 1 where the cluster could not be started. */
int ek_cluster_run(const ek_step *steps, uint32_t count, uint32_t l1_bytes, uint32_t cores);

#endif

/* What the network needs from the cluster's hardware, through the vendor's SDK. */
#ifndef EK_PORT_H
#define EK_PORT_H

#include "pmsis.h"

#define EK_L1 PI_L1

static inline uint32_t ek_core_id(void) { return pi_core_id(); }

static inline void ek_barrier(void) { pi_cl_team_barrier(); }

/* Commands of a group that may be under way at once. Each holds one of the DMA's 16 ids until it is waited for, and
 * four groups are: the loads of two steps, stores, records. */
enum { EK_DMA_COMMANDS = 4 };

/* DMA commands that are waited for together. */
typedef struct {
    uint32_t count;
    pi_cl_dma_cmd_t commands[EK_DMA_COMMANDS];
} ek_dma;

typedef pi_cl_dma_dir_e ek_way;
#define EK_TO_L1 PI_CL_DMA_DIR_EXT2LOC
#define EK_TO_L2 PI_CL_DMA_DIR_LOC2EXT

static inline void ek_dma_wait(ek_dma *dma) {
    for (uint32_t i = 0; i < dma->count; i++) {
        pi_cl_dma_cmd_wait(&dma->commands[i]);
    }
    dma->count = 0;
    __asm__ volatile("" ::: "memory");
}

static inline void ek_dma_open(ek_dma *dma) { (void)dma; }

static inline pi_cl_dma_cmd_t *ek_dma_command(ek_dma *dma) {
    if (dma->count == EK_DMA_COMMANDS) {
        ek_dma_wait(dma);
    }
    return &dma->commands[dma->count++];
}

/* Addresses are uint32_t in the SDK; uintptr_t is the same there and also holds them on a 64-bit host. */
static inline void ek_dma_1d(ek_dma *dma, void *l1, uint8_t *l2, uint32_t bytes, ek_way way) {
    pi_cl_dma_cmd((uintptr_t)l2, (uintptr_t)l1, bytes, way, ek_dma_command(dma));
}

/* `bytes` is a multiple of `length`; lines lie `stride` apart in L2. */
static inline void ek_dma_2d(ek_dma *dma, void *l1, uint8_t *l2, uint32_t bytes, uint32_t stride, uint32_t length,
                             ek_way way) {
    pi_cl_dma_cmd_2d((uintptr_t)l2, (uintptr_t)l1, bytes, stride, length, way, ek_dma_command(dma));
}

/* Called by core 0 only. */
void ek_l3_start(uint32_t l3, uint8_t *l2, uint32_t bytes);
void ek_l3_wait(void);

#endif

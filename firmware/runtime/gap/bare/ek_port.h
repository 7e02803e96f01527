/* What the network needs from the cluster's hardware, on the registers of the open PULP platform. */
#ifndef EK_PORT_H
#define EK_PORT_H

#include "hyper.h"
#include "pulp.h"

#define EK_L1 __attribute__((section(".l1_bss")))

static inline uint32_t ek_core_id(void) { return hart() & 15u; }

/* EVENT_BARRIER is the only event of the mask then. */
static inline void ek_barrier(void) { SLEEP(BARRIER_WAIT_CLEAR); }

/* DMA commands that are waited for together: their ids as a mask. */
typedef uint32_t ek_dma;
typedef enum { EK_TO_L2 = 0, EK_TO_L1 = 1 } ek_way;

/* Commands belong to the id that was read last: called before the first command of every group. */
static inline void ek_dma_open(ek_dma *dma) { *dma |= 1u << DMA_COMMAND; }

static inline uint32_t ek_dma_word(uint32_t bytes, ek_way way) {
    return bytes | DMA_INCREMENT | DMA_EVENT | (way == EK_TO_L1 ? DMA_TO_L1 : 0u);
}

static inline void ek_dma_1d(ek_dma *dma, void *l1, uint8_t *l2, uint32_t bytes, ek_way way) {
    (void)dma;
    DMA_COMMAND = ek_dma_word(bytes, way);
    DMA_COMMAND = (uint32_t)(uintptr_t)l1;
    DMA_COMMAND = (uint32_t)(uintptr_t)l2;
}

/* `bytes` is a multiple of `length`; lines lie `stride` apart in L2. */
static inline void ek_dma_2d(ek_dma *dma, void *l1, uint8_t *l2, uint32_t bytes, uint32_t stride, uint32_t length,
                             ek_way way) {
    (void)dma;
    DMA_COMMAND = ek_dma_word(bytes, way) | DMA_2D;
    DMA_COMMAND = (uint32_t)(uintptr_t)l1;
    DMA_COMMAND = (uint32_t)(uintptr_t)l2;
    DMA_COMMAND = length;
    DMA_COMMAND = stride;
}

/* Until everything of the group has arrived. The event may stem from another group: the status decides. */
static inline void ek_dma_wait(ek_dma *dma) {
    const uint32_t ids = *dma;

    if (ids != 0) {
        while ((DMA_STATUS & ids) != 0) {
            EVENT_MASK_SET = 1u << EVENT_DMA;
            SLEEP(EVENT_WAIT_CLEAR);
            EVENT_MASK_CLEAR = 1u << EVENT_DMA;
        }
        DMA_STATUS = ids;
        *dma = 0;
    }
    __asm__ volatile("" ::: "memory");
}

static inline void ek_l3_start(uint32_t l3, uint8_t *l2, uint32_t bytes) { hyper_read(l3, l2, bytes); }

static inline void ek_l3_wait(void) { hyper_wait(); }

#endif

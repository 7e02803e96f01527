/* Registers of the open PULP platform: cluster control, event unit v3, DMA (mchan v7), the controller's interrupt
 * controller, standard output and exit. Names and offsets: pulp-runtime, pulp_cluster's RTL. */
#ifndef EK_PULP_H
#define EK_PULP_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define CLUSTER_FETCH_ENABLE REG(0x10200008u) /* bit i: core i runs */
#define CLUSTER_CLOCK_ENABLE REG(0x10200020u)
#define CLUSTER_BOOT_ADDRESS(core) REG(0x10200040u + 4u * (core))
#define CLUSTER_ICACHE_ENABLE REG(0x10201400u)
#define CLUSTER_TRIGGER(event) REG(0x10200E00u + 4u * (event)) /* software event on the cores of the mask written */

/* The event unit as a core of the cluster sees it: its own registers, one cycle away. */
#define EVENT_UNIT 0x10204000u
#define EVENT_MASK REG(EVENT_UNIT + 0x00u)
#define EVENT_MASK_CLEAR REG(EVENT_UNIT + 0x04u)
#define EVENT_MASK_SET REG(EVENT_UNIT + 0x08u)
#define BARRIER_TRIGGER_MASK REG(EVENT_UNIT + 0x200u)
#define BARRIER_TARGET_MASK REG(EVENT_UNIT + 0x20Cu)
enum { EVENT_WAIT_CLEAR = 0x3C, BARRIER_WAIT_CLEAR = 0x21C }; /* offsets of blocking reads */
enum { EVENT_START = 0, EVENT_DMA = 8, EVENT_BARRIER = 16 };  /* bits of the mask */

/* The DMA as a core of the cluster sees it. */
#define DMA_COMMAND REG(0x10204400u) /* read: an id for the commands that follow; write: the words of a command */
#define DMA_STATUS REG(0x10204404u)  /* read: bit i = id i is busy; write: frees the ids of the mask */
#define DMA_TO_L1 (1u << 17)
#define DMA_INCREMENT (1u << 18)
#define DMA_2D (1u << 19)
#define DMA_EVENT (1u << 20) /* EVENT_DMA on the issuing core when the id has nothing left to move */

#define ITC_MASK_SET REG(0x1A109804u)
#define ITC_STATUS REG(0x1A10980Cu)
#define ITC_STATUS_SET REG(0x1A109810u)
#define ITC_STATUS_CLEAR REG(0x1A109814u)

#define STDOUT(hart) REG(0x1A10F000u + ((((hart) >> 5) & 31u) << 7) + (((hart) & 15u) << 3))
#define EXIT REG(0x1A1040A0u)
#define EXIT_VALID (1u << 31)

/* mhartid: cluster in bits 10:5, core in bits 3:0; the controller is cluster 31. */
static inline uint32_t hart(void) {
    uint32_t value;
    __asm__ volatile("csrr %0, 0xf14" : "=r"(value));
    return value;
}

/* p.elw: a load that sleeps until its event, without a clock. What it returns differs between implementations. */
#define SLEEP(offset)                                                                                                  \
    do {                                                                                                               \
        uint32_t ignored_;                                                                                             \
        __asm__ volatile(".insn i 0x03, 6, %0, %1, %2" : "=r"(ignored_) : "r"(EVENT_UNIT), "i"(offset) : "memory");    \
    } while (0)

#endif

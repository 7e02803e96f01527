/* The controller hands a network to the cores of the cluster and sleeps until they are done. */
#include "cluster.h"

#include "ek_config.h"
#include "ek_port.h"
#include "network.h"
#include "startup.h"

#define LINE_DONE 1u /* a software line of the controller's interrupt controller */

/* From the linker script. */
extern uint8_t __l1_arena[], __l1_end[];
void _start(void);

volatile uint32_t ek_cores = EK_CORES;

static struct {
    const ek_step *first;
    uint32_t cores;
} job EK_L1;

static uint32_t running; /* mask of cores */

void cluster_start(void) {
    CLUSTER_CLOCK_ENABLE = 1;
    CLUSTER_ICACHE_ENABLE = ~0u;
    for (uint32_t core = 0; core < EK_CORES; core++) {
        CLUSTER_BOOT_ADDRESS(core) = (uint32_t)(uintptr_t)_start;
    }
    ITC_MASK_SET = 1u << LINE_DONE; /* interrupts stay off: this is what wfi wakes for */
}

/* A core that was just enabled sleeps at once in ek_core, or finds the event that is triggered meanwhile. */
static void wake(uint32_t mask) {
    if ((mask & ~running) != 0) {
        running |= mask;
        CLUSTER_FETCH_ENABLE = running;
    }
    CLUSTER_TRIGGER(EVENT_START) = mask;
}

static void sleep_until_done(void) {
    while ((ITC_STATUS & (1u << LINE_DONE)) == 0) {
        __asm__ volatile("wfi");
    }
    ITC_STATUS_CLEAR = 1u << LINE_DONE;
    __asm__ volatile("" ::: "memory");
}

int ek_cluster_run(const ek_step *first, uint32_t l1_bytes, uint32_t cores) {
    if (cores == 0 || cores > EK_CORES || l1_bytes > (uint32_t)(__l1_end - __l1_arena)) {
        return 1;
    }
    job.first = first;
    job.cores = cores;
    __asm__ volatile("" ::: "memory");
    wake((1u << cores) - 1u);
    sleep_until_done();
    return 0;
}

/* All members write the same masks, the trigger mask first: with the target mask first a fresh barrier would fire. */
static void join_barrier(uint32_t cores) {
    BARRIER_TRIGGER_MASK = (1u << cores) - 1u;
    BARRIER_TARGET_MASK = (1u << cores) - 1u;
}

void ek_core(uint32_t core) {
    for (;;) {
        EVENT_MASK = 1u << EVENT_START;
        SLEEP(EVENT_WAIT_CLEAR);
        EVENT_MASK = 1u << EVENT_BARRIER;
        join_barrier(job.cores);
        ek_network_run(job.first, __l1_arena, job.cores);
        if (core == 0) {
            ITC_STATUS_SET = 1u << LINE_DONE;
        }
    }
}

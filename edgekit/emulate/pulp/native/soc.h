/* The peripherals outside of the cluster: what they remember. */
#ifndef EK_PULP_SOC_H
#define EK_PULP_SOC_H

#include "machine.h"

enum { SOC_FIFO = 8, TIMERS = 6, LINE_BYTES = 256 };

/* One half of a timer block: block 0 is the cluster's, 1 and 2 are the controller's. */
typedef struct {
    uint32_t config, compare;
    uint64_t base;  /* count when `since` was */
    uint64_t since; /* cycle */
} timer;

struct soc {
    uint32_t itc_mask, itc_status, fifo[SOC_FIFO], fifo_count;
    timer timers[TIMERS];
    uint32_t plain[64], cluster_ctrl[8], boot[MAX_PES], fetch_enable, icache_enable, exit_value;
    uint8_t lines[MAX_CORES][LINE_BYTES]; /* of text, by core */
    uint32_t line_bytes[MAX_CORES];
    uint8_t *output;
    uint64_t output_bytes, output_capacity;
};

#endif

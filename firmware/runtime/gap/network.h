/* The walk through a network's records, which all cores of the team make together. */
#ifndef EK_NETWORK_H
#define EK_NETWORK_H

#include "ek_cluster.h"

/* Called by cores 0 to cores-1 with the same arguments; on core 0 it returns when the last store has arrived. */
void ek_network_run(const ek_step *first, uint8_t *arena, uint32_t cores);

#endif

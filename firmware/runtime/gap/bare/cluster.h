/* The cluster as the controller sees it. */
#ifndef EK_BARE_CLUSTER_H
#define EK_BARE_CLUSTER_H

/* Clock, instruction cache and boot addresses; cores start with the first network that needs them. */
void cluster_start(void);

#endif

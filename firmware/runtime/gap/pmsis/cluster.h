/* The cluster as the controller sees it. */
#ifndef EK_PMSIS_CLUSTER_H
#define EK_PMSIS_CLUSTER_H

/* Clocks, cluster and the memory outside the chip. Returns 0, or 1 where one of them could not be opened. A second call
 * changes nothing. */
int ek_cluster_open(void);

void ek_cluster_close(void);

#endif

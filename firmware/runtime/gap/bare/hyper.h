/* HyperRAM of the open PULP board (chip select 0), reached from L2 through uDMA's HyperBus channel. */
#ifndef EK_HYPER_H
#define EK_HYPER_H

#include <stdint.h>

/* Starts a read; address, l2 and bytes are multiples of 4. For one core at a time. */
void hyper_read(uint32_t address, uint8_t *l2, uint32_t bytes);

/* Until every read that was started has arrived in L2. */
void hyper_wait(void);

#endif

/* The memory outside the chip: EK_SHIM_RAM_BYTES of it. */
#ifndef EK_SHIM_RAM_H
#define EK_SHIM_RAM_H

#include "pmsis.h"

typedef struct {
    uint8_t *to;
    uint32_t from, size;
} pi_cl_ram_req_t;

int32_t pi_ram_open(struct pi_device *device);
int pi_ram_alloc(struct pi_device *device, uint32_t *addr, uint32_t size);
void pi_ram_write(struct pi_device *device, uint32_t pi_ram_addr, void *data, uint32_t size);
void pi_cl_ram_read(struct pi_device *device, uint32_t pi_ram_addr, void *addr, uint32_t size, pi_cl_ram_req_t *req);
void pi_cl_ram_read_wait(pi_cl_ram_req_t *req);

#endif

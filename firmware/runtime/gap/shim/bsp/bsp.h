/* The devices of the board: see ram.h, flash.h and fs.h. */
#ifndef EK_SHIM_BSP_H
#define EK_SHIM_BSP_H

#include "pmsis.h"

struct pi_default_ram_conf {
    int unused;
};

struct pi_default_flash_conf {
    int unused;
};

void pi_default_ram_conf_init(struct pi_default_ram_conf *conf);
void pi_default_flash_conf_init(struct pi_default_flash_conf *conf);

int pi_flash_open(struct pi_device *device);

#endif

#ifndef EK_SHIM_HYPERFLASH_H
#define EK_SHIM_HYPERFLASH_H

#include "bsp/bsp.h"

struct pi_hyperflash_conf {
    int unused;
};

void pi_hyperflash_conf_init(struct pi_hyperflash_conf *conf);

#endif

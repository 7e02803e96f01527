#ifndef EK_SHIM_HYPERRAM_H
#define EK_SHIM_HYPERRAM_H

#include "bsp/ram.h"

struct pi_hyperram_conf {
    int unused;
};

void pi_hyperram_conf_init(struct pi_hyperram_conf *conf);

#endif

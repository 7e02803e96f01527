/* Any function of one int8 value as a table of 256 bytes: y = table[x + 128]. */
#ifndef EK_TABLE_H
#define EK_TABLE_H

#include "base.h"

typedef struct {
    int32_t elements;
} ek_table_geometry;

EK_INLINE void ek_table(const ek_table_geometry *g, const int8_t *x, int8_t *y, const int8_t *table) {
    for (int32_t i = 0; i < g->elements; i++)
        y[i] = table[x[i] + 128];
}

#endif

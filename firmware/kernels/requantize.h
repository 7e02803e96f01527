/* Change of scale, zero point or type: y = requant(x + bias) with one record, where the bias is -z_x. */
#ifndef EK_REQUANTIZE_H
#define EK_REQUANTIZE_H

#include "requant.h"

typedef struct {
    int32_t elements;
    int32_t in_bits; /* 8, 16 or 32 */
    ek_requant requant;
} ek_requantize_geometry;

EK_INLINE void ek_requantize_tensor(const ek_requantize_geometry *g, const void *x, void *y, const int32_t *record) {
    for (int32_t i = 0; i < g->elements; i++) {
        const int32_t value = g->in_bits == 8    ? ((const int8_t *)x)[i]
                              : g->in_bits == 16 ? ((const int16_t *)x)[i]
                                                 : ((const int32_t *)x)[i];
        ek_store(&g->requant, y, i, ek_requantize(&g->requant, value + record[0], record));
    }
}

#endif

/* Index of the smallest value along one axis of a channels-last tensor; the lowest index wins ties. */
#ifndef EK_ARGMIN_H
#define EK_ARGMIN_H

#include "base.h"

typedef struct {
    int32_t outer, axis, inner; /* sizes: the axes before it in storage order, it, and those behind it */
    int32_t in_bits;            /* 8 or 32 */
} ek_argmin_geometry;

EK_INLINE int32_t ek_argmin_value(const ek_argmin_geometry *g, const void *x, int32_t at) {
    return g->in_bits == 8 ? ((const int8_t *)x)[at] : ((const int32_t *)x)[at];
}

EK_INLINE void ek_argmin(const ek_argmin_geometry *g, const void *x, int32_t *y) {
    for (int32_t o = 0; o < g->outer; o++)
        for (int32_t i = 0; i < g->inner; i++) {
            const int32_t from = o * g->axis * g->inner + i;
            int32_t best = 0, least = ek_argmin_value(g, x, from);
            for (int32_t k = 1; k < g->axis; k++) {
                const int32_t value = ek_argmin_value(g, x, from + k * g->inner);
                if (value < least) {
                    best = k;
                    least = value;
                }
            }
            y[o * g->inner + i] = best;
        }
}

#endif

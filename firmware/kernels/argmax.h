/* Index of the largest value along one axis of a channels-last tensor; the lowest index wins ties. */
#ifndef EK_ARGMAX_H
#define EK_ARGMAX_H

#include "base.h"

typedef struct {
    int32_t outer, axis, inner; /* sizes: the axes before it in storage order, it, and those behind it */
} ek_argmax_geometry;

EK_INLINE void ek_argmax(const ek_argmax_geometry *g, const int8_t *x, int32_t *y) {
    for (int32_t o = 0; o < g->outer; o++)
        for (int32_t i = 0; i < g->inner; i++) {
            const int8_t *from = x + o * g->axis * g->inner + i;
            int32_t best = 0;
            for (int32_t k = 1; k < g->axis; k++)
                if (from[k * g->inner] > from[best * g->inner])
                    best = k;
            y[o * g->inner + i] = best;
        }
}

#endif

/* Sum of two tensors: y = clip(z + ((x0 * m0 + x1 * m1 + a) >> s), lo, hi), portable C99. */
#ifndef EK_ADD_H
#define EK_ADD_H

#include "requant.h"

typedef struct {
    int32_t elements;
    int32_t m0, m1;
    int32_t a_low, a_high; /* the two words of a; the low one is unsigned */
    int32_t s;
    int32_t zero, lo, hi;
} ek_add_geometry;

EK_INLINE void ek_add(const ek_add_geometry *g, const int8_t *x0, const int8_t *x1, int8_t *y) {
    const int64_t a = ek_join(g->a_low, g->a_high);
    for (int32_t i = 0; i < g->elements; i++) {
        const int64_t total = (int64_t)x0[i] * g->m0 + (int64_t)x1[i] * g->m1 + a;
        y[i] = (int8_t)ek_requantize_full(total, g->s, g->zero, g->lo, g->hi);
    }
}

#endif

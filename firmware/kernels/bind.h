/* XOR of bits, word by word; the other operand is a tensor or a constant key. */
#ifndef EK_BIND_H
#define EK_BIND_H

#include "base.h"

typedef struct {
    int32_t words;
} ek_bind_geometry;

EK_INLINE void ek_bind(const ek_bind_geometry *g, const uint32_t *x0, const uint32_t *x1, uint32_t *y) {
    for (int32_t i = 0; i < g->words; i++)
        y[i] = x0[i] ^ x1[i];
}

EK_INLINE void ek_bind_key(const ek_bind_geometry *g, const uint32_t *x, uint32_t *y, const uint32_t *key) {
    ek_bind(g, x, key, y);
}

#endif

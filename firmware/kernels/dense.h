/* Fully connected layer, portable C99. Weights int8, stored [output][input in storage order]. */
#ifndef EK_DENSE_H
#define EK_DENSE_H

#include "requant.h"

typedef struct {
    int32_t inputs, outputs;
    int32_t in_zero;
    ek_requant requant;
} ek_dense_geometry;

EK_INLINE void ek_dense(const ek_dense_geometry *g, const int8_t *x, void *y, const int8_t *w, const int32_t *record) {
    const int32_t size = EK_RECORD_WORDS(&g->requant);
    for (int32_t o = 0; o < g->outputs; o++) {
        const int8_t *wo = w + o * g->inputs;
        int32_t acc = record[o * size];
        for (int32_t i = 0; i < g->inputs; i++)
            acc += (x[i] - g->in_zero) * wo[i];
        ek_store(&g->requant, y, o, ek_requantize(&g->requant, acc, record + o * size));
    }
}

#endif

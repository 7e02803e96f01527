/* Fully connected layer on bits that stand for +1 and -1, portable C99. Weights: a row of words per output. */
#ifndef EK_BINARY_DENSE_H
#define EK_BINARY_DENSE_H

#include "binary.h"

typedef struct {
    int32_t inputs, outputs;
    int32_t words; /* of the input */
    ek_binary_output out;
} ek_binary_dense_geometry;

EK_INLINE void ek_binary_dense(const ek_binary_dense_geometry *g, const uint32_t *x, void *y, const uint32_t *w,
                               const int32_t *record) {
    uint32_t word = 0;
    for (int32_t o = 0; o < g->outputs; o++) {
        const int32_t sum = g->inputs - 2 * ek_distance(x, w + o * g->words, g->words);
        ek_binary_put(&g->out, y, 0, o, g->outputs, sum, record, &word);
    }
}

#endif

/* Fully connected layer on bits that stand for +1 and -1, portable C99. Weights: a row of words per output. */
#ifndef EK_BINARY_DENSE_H
#define EK_BINARY_DENSE_H

#include "binary.h"

typedef struct {
    int32_t inputs, outputs;
    int32_t words; /* of the input */
    ek_binary_output out;
} ek_binary_dense_geometry;

/* Outputs from `first` to the one before `end`; of bits, whole words of them. */
EK_INLINE void ek_binary_dense_rows(const ek_binary_dense_geometry *g, int32_t first, int32_t end, const uint32_t *x,
                                    void *y, const uint32_t *w, const int32_t *record, ek_distance_function *distance) {
    uint32_t word = 0;
    for (int32_t o = first; o < end; o++) {
        const int32_t sum = g->inputs - 2 * distance(x, w + o * g->words, g->words);
        ek_binary_put(&g->out, y, 0, o, g->outputs, sum, record, &word);
    }
}

EK_INLINE void ek_binary_dense(const ek_binary_dense_geometry *g, const uint32_t *x, void *y, const uint32_t *w,
                               const int32_t *record) {
    ek_binary_dense_rows(g, 0, g->outputs, x, y, w, record, ek_distance);
}

#endif

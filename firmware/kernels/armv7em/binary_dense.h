/* Fully connected layer on bits with carry-save adders, Armv7E-M: same values as ../binary_dense.h. */
#ifndef EK_ARMV7EM_BINARY_DENSE_H
#define EK_ARMV7EM_BINARY_DENSE_H

#include "../binary_dense.h"
#include "hamming.h"

EK_INLINE void ek_binary_dense_dsp(const ek_binary_dense_geometry *g, const uint32_t *x, void *y, const uint32_t *w,
                                   const int32_t *record) {
    ek_binary_dense_rows(g, 0, g->outputs, x, y, w, record, ek_distance_dsp);
}

#endif

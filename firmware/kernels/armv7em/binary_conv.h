/* Convolution on bits with carry-save adders, Armv7E-M: same values as ../binary_conv.h. */
#ifndef EK_ARMV7EM_BINARY_CONV_H
#define EK_ARMV7EM_BINARY_CONV_H

#include "../binary_conv.h"
#include "hamming.h"

EK_INLINE void ek_binary_conv_dsp(const ek_binary_conv_geometry *g, const uint32_t *x, void *y, const uint32_t *w,
                                  const int32_t *record) {
    for (int32_t position = 0; position < g->window.out_h * g->window.out_w; position++)
        ek_binary_conv_position(g, position, 0, g->window.out_c, x, y, w, record, ek_distance_dsp);
}

#endif

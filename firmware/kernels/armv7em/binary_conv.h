/* Convolution on bits with carry-save adders, Armv7E-M: same values as ../binary_conv.h. */
#ifndef EK_ARMV7EM_BINARY_CONV_H
#define EK_ARMV7EM_BINARY_CONV_H

#include "../binary_window.h"
#include "hamming.h"

EK_INLINE void ek_binary_conv_dsp(const ek_binary_conv_geometry *g, const uint32_t *x, void *y, const uint32_t *w,
                                  const int32_t *record, void *scratch) {
    const int32_t run = ek_binary_run(g), outputs = g->window.out_c;
    for (int32_t position = 0; position < g->window.out_h * g->window.out_w; position++) {
        const ek_binary_window window = ek_binary_gather(g, position, x, scratch);
        uint32_t word = 0;
        for (int32_t o = 0; o < outputs; o++) {
            if (!window.whole)
                ek_binary_patch(g, &window.view, w + o * run, scratch);
            const int32_t sum = window.terms - 2 * ek_distance_dsp(window.words, w + o * run, run);
            ek_binary_put(&g->out, y, position, o, outputs, sum, record, &word);
        }
    }
}

#endif

/*
 * Depthwise convolution, portable C99: every output channel sees one input channel.
 *
 * Geometry and arithmetic are those of conv.h with groups = input channels. Weights int8, stored [kernel
 * row][tap][output].
 */
#ifndef EK_DEPTHWISE_H
#define EK_DEPTHWISE_H

#include "conv.h"

EK_INLINE void ek_depthwise(const ek_conv_geometry *g, const int8_t *x, void *y, const int8_t *w,
                            const int32_t *record) {
    const ek_window *s = &g->window;
    const int32_t multiplier = s->out_c / s->in_c, size = EK_RECORD_WORDS(&g->requant);
    for (int32_t oh = 0; oh < s->out_h; oh++) {
        const int32_t top = oh * s->stride_h - s->pad_top;
        const int32_t y0 = ek_first_tap(top, s->dilation_h, s->kernel_h);
        const int32_t y1 = ek_last_tap(top, s->dilation_h, s->kernel_h, s->in_h);
        for (int32_t ow = 0; ow < s->out_w; ow++) {
            const int32_t left = ow * s->stride_w - s->pad_left;
            const int32_t x0 = ek_first_tap(left, s->dilation_w, s->kernel_w);
            const int32_t x1 = ek_last_tap(left, s->dilation_w, s->kernel_w, s->in_w);
            const int32_t at = (oh * s->out_w + ow) * s->out_c;
            for (int32_t o = 0; o < s->out_c; o++) {
                int32_t acc = record[o * size];
                for (int32_t ky = y0; ky < y1; ky++) {
                    const int8_t *xr = x + (top + ky * s->dilation_h) * s->in_w * s->in_c + o / multiplier;
                    const int8_t *wr = w + ky * s->kernel_w * s->out_c + o;
                    for (int32_t kx = x0; kx < x1; kx++)
                        acc += (xr[(left + kx * s->dilation_w) * s->in_c] - g->in_zero) * wr[kx * s->out_c];
                }
                ek_store(&g->requant, y, at + o, ek_requantize(&g->requant, acc, record + o * size));
            }
        }
    }
}

#endif

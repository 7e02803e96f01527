/*
 * Convolution over one or two spatial dimensions, portable C99.
 *
 * acc = bias + sum (x - z_x) * w over the taps that fall inside the input, then requantization. Activations are
 * channels-last; weights int8, stored [output][kernel row][tap][input channel of the group].
 */
#ifndef EK_CONV_H
#define EK_CONV_H

#include "requant.h"
#include "window.h"

typedef struct {
    ek_window window;
    ek_requant requant;
    int32_t groups;
    int32_t in_zero;
} ek_conv_geometry;

EK_INLINE void ek_conv(const ek_conv_geometry *g, const int8_t *x, void *y, const int8_t *w, const int32_t *record) {
    const ek_window *s = &g->window;
    const int32_t channels = s->in_c / g->groups, outputs = s->out_c / g->groups;
    const int32_t row_weights = s->kernel_w * channels, size = EK_RECORD_WORDS(&g->requant);
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
                const int8_t *from = x + o / outputs * channels;
                const int8_t *wo = w + o * s->kernel_h * row_weights;
                int32_t acc = record[o * size];
                for (int32_t ky = y0; ky < y1; ky++) {
                    const int8_t *xr = from + (top + ky * s->dilation_h) * s->in_w * s->in_c;
                    for (int32_t kx = x0; kx < x1; kx++) {
                        const int8_t *xp = xr + (left + kx * s->dilation_w) * s->in_c;
                        const int8_t *wp = wo + ky * row_weights + kx * channels;
                        for (int32_t c = 0; c < channels; c++)
                            acc += (xp[c] - g->in_zero) * wp[c];
                    }
                }
                ek_store(&g->requant, y, at + o, ek_requantize(&g->requant, acc, record + o * size));
            }
        }
    }
}

#endif

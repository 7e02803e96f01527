/*
 * Convolution over one or two spatial dimensions on bits that stand for +1 and -1, portable C99.
 *
 * Taps that fall outside the input are worth nothing. Activations are channels-last; weights are words, stored
 * [output][kernel row][tap][words of the input's channels].
 */
#ifndef EK_BINARY_CONV_H
#define EK_BINARY_CONV_H

#include "binary.h"
#include "window.h"

typedef struct {
    ek_window window;
    int32_t words; /* of a position of the input */
    ek_binary_output out;
} ek_binary_conv_geometry;

/* What a window sees: its corner before padding is cut off, and the taps inside the input. */
typedef struct {
    int32_t top, left, y0, y1, x0, x1;
} ek_binary_view;

EK_INLINE ek_binary_view ek_binary_look(const ek_window *s, int32_t oh, int32_t ow) {
    const int32_t top = oh * s->stride_h - s->pad_top, left = ow * s->stride_w - s->pad_left;
    const ek_binary_view view = {top,
                                 left,
                                 ek_first_tap(top, s->dilation_h, s->kernel_h),
                                 ek_last_tap(top, s->dilation_h, s->kernel_h, s->in_h),
                                 ek_first_tap(left, s->dilation_w, s->kernel_w),
                                 ek_last_tap(left, s->dilation_w, s->kernel_w, s->in_w)};
    return view;
}

/* Taps that a window sees. */
EK_INLINE int32_t ek_binary_taps(const ek_binary_view *v) {
    return ek_max(0, v->y1 - v->y0) * ek_max(0, v->x1 - v->x0);
}

/* In how many bits what a window sees differs from an output's weights. */
EK_INLINE int32_t ek_binary_differences(const ek_binary_conv_geometry *g, const ek_binary_view *v, const uint32_t *x,
                                        const uint32_t *w, ek_distance_function *distance) {
    const ek_window *s = &g->window;
    int32_t sum = 0;
    for (int32_t ky = v->y0; ky < v->y1; ky++) {
        const uint32_t *row = x + (v->top + ky * s->dilation_h) * s->in_w * g->words;
        const uint32_t *taps = w + ky * s->kernel_w * g->words;
        if (s->dilation_w == 1 && v->x1 > v->x0) { /* neighbours in memory */
            sum += distance(row + (v->left + v->x0) * g->words, taps + v->x0 * g->words, (v->x1 - v->x0) * g->words);
            continue;
        }
        for (int32_t kx = v->x0; kx < v->x1; kx++)
            sum += distance(row + (v->left + kx * s->dilation_w) * g->words, taps + kx * g->words, g->words);
    }
    return sum;
}

/* Outputs of one position, from `first` to the one before `end`; of bits, whole words of them. */
EK_INLINE void ek_binary_conv_position(const ek_binary_conv_geometry *g, int32_t position, int32_t first, int32_t end,
                                       const uint32_t *x, void *y, const uint32_t *w, const int32_t *record,
                                       ek_distance_function *distance) {
    const ek_window *s = &g->window;
    const ek_binary_view view = ek_binary_look(s, position / s->out_w, position % s->out_w);
    const int32_t terms = ek_binary_taps(&view) * s->in_c, each = s->kernel_h * s->kernel_w * g->words;
    uint32_t word = 0;
    for (int32_t o = first; o < end; o++) {
        const int32_t sum = terms - 2 * ek_binary_differences(g, &view, x, w + o * each, distance);
        ek_binary_put(&g->out, y, position, o, s->out_c, sum, record, &word);
    }
}

EK_INLINE void ek_binary_conv(const ek_binary_conv_geometry *g, const uint32_t *x, void *y, const uint32_t *w,
                              const int32_t *record) {
    for (int32_t position = 0; position < g->window.out_h * g->window.out_w; position++)
        ek_binary_conv_position(g, position, 0, g->window.out_c, x, y, w, record, ek_distance);
}

#endif

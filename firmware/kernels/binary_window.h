/*
 * The window of a convolution on bits as one run of words, so that an output is one comparison of runs.
 *
 * A window that lies apart in memory, or reaches outside of the input, is copied. Where a tap is outside, the copy gets
 * an output's own weights: they do not differ, and padding is worth nothing.
 */
#ifndef EK_BINARY_WINDOW_H
#define EK_BINARY_WINDOW_H

#include "binary_conv.h"

typedef struct {
    ek_binary_view view;
    const uint32_t *words; /* the input itself, or the copy */
    int32_t terms;         /* bits that are seen */
    int32_t whole;         /* no tap is outside */
} ek_binary_window;

EK_INLINE void ek_binary_copy(uint32_t *to, const uint32_t *from, int32_t words) {
    for (int32_t i = 0; i < words; i++) {
        to[i] = from[i];
        EK_FENCE();
    }
}

/* Words of a window. */
EK_INLINE int32_t ek_binary_run(const ek_binary_conv_geometry *g) {
    return g->window.kernel_h * g->window.kernel_w * g->words;
}

/* `copy` has room for a window. */
EK_INLINE ek_binary_window ek_binary_gather(const ek_binary_conv_geometry *g, int32_t position, const uint32_t *x,
                                            uint32_t *copy) {
    const ek_window *s = &g->window;
    const ek_binary_view v = ek_binary_look(s, position / s->out_w, position % s->out_w);
    const int32_t seen = ek_binary_taps(&v), width = ek_max(0, v.x1 - v.x0);
    const int32_t whole = seen == s->kernel_h * s->kernel_w;
    const int32_t neighbours = s->kernel_w == 1 || s->dilation_w == 1;
    ek_binary_window window = {v, copy, seen * s->in_c, whole};
    if (whole && neighbours && s->kernel_h == 1) {
        window.words = x + (v.top * s->in_w + v.left) * g->words;
        return window;
    }
    for (int32_t ky = v.y0; ky < v.y1; ky++) {
        const uint32_t *row = x + ((v.top + ky * s->dilation_h) * s->in_w + v.left) * g->words;
        uint32_t *to = copy + ky * s->kernel_w * g->words;
        if (neighbours)
            ek_binary_copy(to + v.x0 * g->words, row + v.x0 * g->words, width * g->words);
        else
            for (int32_t kx = v.x0; kx < v.x1; kx++)
                ek_binary_copy(to + kx * g->words, row + kx * s->dilation_w * g->words, g->words);
    }
    return window;
}

/* Gives the copy the weights of an output wherever a tap is outside. */
EK_INLINE void ek_binary_patch(const ek_binary_conv_geometry *g, const ek_binary_view *v, const uint32_t *w,
                               uint32_t *copy) {
    const int32_t row = g->window.kernel_w * g->words;
    for (int32_t ky = 0; ky < g->window.kernel_h; ky++, w += row, copy += row) {
        const int32_t seen = ky >= v->y0 && ky < v->y1 && v->x1 > v->x0;
        const int32_t before = seen ? v->x0 * g->words : row, behind = seen ? v->x1 * g->words : row;
        ek_binary_copy(copy, w, before);
        ek_binary_copy(copy + behind, w + behind, row - behind);
    }
}

#endif

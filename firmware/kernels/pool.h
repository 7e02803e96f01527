/* Average and maximum pooling of channels-last int8 tensors, portable C99. */
#ifndef EK_POOL_H
#define EK_POOL_H

#include "requant.h"
#include "window.h"

typedef struct {
    ek_window window;
    ek_requant requant; /* average only; 1/N is inside its factor */
    int32_t in_zero;
} ek_pool_geometry;

/* The part of a window that lies inside the input. */
typedef struct {
    int32_t top, bottom, left, right;
} ek_span;

EK_INLINE ek_span ek_pool_span(const ek_window *s, int32_t oh, int32_t ow) {
    const int32_t top = oh * s->stride_h - s->pad_top, left = ow * s->stride_w - s->pad_left;
    const ek_span span = {ek_max(top, 0), ek_min(top + s->kernel_h, s->in_h), ek_max(left, 0),
                          ek_min(left + s->kernel_w, s->in_w)};
    return span;
}

/* Sum of one channel over a window; x points at the channel. */
EK_INLINE int32_t ek_pool_sum(const ek_window *s, const int8_t *x, ek_span in) {
    int32_t sum = 0;
    for (int32_t i = in.top; i < in.bottom; i++)
        for (int32_t j = in.left; j < in.right; j++)
            sum += x[(i * s->in_w + j) * s->in_c];
    return sum;
}

EK_INLINE int8_t ek_pool_largest(const ek_window *s, const int8_t *x, ek_span in) {
    int8_t best = -128;
    for (int32_t i = in.top; i < in.bottom; i++)
        for (int32_t j = in.left; j < in.right; j++) {
            const int8_t value = x[(i * s->in_w + j) * s->in_c];
            best = value > best ? value : best;
        }
    return best;
}

/* What the zero point has added to a sum over the window. */
EK_INLINE int32_t ek_pool_offset(const ek_pool_geometry *g, ek_span in) {
    return (in.bottom - in.top) * (in.right - in.left) * g->in_zero;
}

EK_INLINE void ek_average_pool(const ek_pool_geometry *g, const int8_t *x, void *y, const int32_t *record) {
    const ek_window *s = &g->window;
    for (int32_t oh = 0; oh < s->out_h; oh++)
        for (int32_t ow = 0; ow < s->out_w; ow++) {
            const ek_span in = ek_pool_span(s, oh, ow);
            const int32_t offset = ek_pool_offset(g, in), at = (oh * s->out_w + ow) * s->out_c;
            for (int32_t c = 0; c < s->out_c; c++)
                ek_store(&g->requant, y, at + c,
                         ek_requantize(&g->requant, ek_pool_sum(s, x + c, in) - offset, record));
        }
}

EK_INLINE void ek_max_pool(const ek_pool_geometry *g, const int8_t *x, int8_t *y) {
    const ek_window *s = &g->window;
    for (int32_t oh = 0; oh < s->out_h; oh++)
        for (int32_t ow = 0; ow < s->out_w; ow++) {
            const ek_span in = ek_pool_span(s, oh, ow);
            for (int32_t c = 0; c < s->out_c; c++)
                *y++ = ek_pool_largest(s, x + c, in);
        }
}

#endif

/*
 * Pooling, four channels at a time, Armv7E-M: same values as ../pool.h. Maxima with SSUB8 and SEL, sums with SXTAB16 in
 * int16 lanes, which hold 255 int8 values.
 */
#ifndef EK_ARMV7EM_POOL_H
#define EK_ARMV7EM_POOL_H

#include "../pool.h"
#include "dsp.h"

enum { EK_LANE_SUMS = 255 };

typedef struct {
    int32_t s0, s1, s2, s3;
} ek_pool_sums;

/* Sums of four neighbouring channels over a window. */
EK_INLINE ek_pool_sums ek_pool_sum4(const ek_window *s, const int8_t *x, ek_span in) {
    ek_pool_sums sums = {0, 0, 0, 0};
    for (int32_t i = in.top; i < in.bottom; i++)
        for (int32_t j = in.left; j < in.right;) {
            const int32_t end = ek_min(in.right, j + EK_LANE_SUMS);
            uint32_t even = 0, odd = 0;
            for (; j < end; j++) {
                const uint32_t bytes = ek_load_bytes(x + (i * s->in_w + j) * s->in_c);
                even = ek_add_even(even, bytes);
                odd = ek_add_odd(odd, bytes);
            }
            sums.s0 += ek_lane(even, 0);
            sums.s1 += ek_lane(odd, 0);
            sums.s2 += ek_lane(even, 1);
            sums.s3 += ek_lane(odd, 1);
        }
    return sums;
}

EK_INLINE void ek_average_pool_sxtab16(const ek_pool_geometry *g, const int8_t *x, void *y, const int32_t *record) {
    const ek_window *s = &g->window;
    const ek_requant *r = &g->requant;
    for (int32_t oh = 0; oh < s->out_h; oh++)
        for (int32_t ow = 0; ow < s->out_w; ow++) {
            const ek_span in = ek_pool_span(s, oh, ow);
            const int32_t offset = ek_pool_offset(g, in), at = (oh * s->out_w + ow) * s->out_c;
            int32_t c = 0;
            for (; c + 4 <= s->out_c; c += 4) {
                const ek_pool_sums sums = ek_pool_sum4(s, x + c, in);
                ek_store(r, y, at + c, ek_requantize_dsp(r, sums.s0 - offset, record));
                ek_store(r, y, at + c + 1, ek_requantize_dsp(r, sums.s1 - offset, record));
                ek_store(r, y, at + c + 2, ek_requantize_dsp(r, sums.s2 - offset, record));
                ek_store(r, y, at + c + 3, ek_requantize_dsp(r, sums.s3 - offset, record));
            }
            for (; c < s->out_c; c++)
                ek_store(r, y, at + c, ek_requantize_dsp(r, ek_pool_sum(s, x + c, in) - offset, record));
        }
}

EK_INLINE void ek_max_pool_sel(const ek_pool_geometry *g, const int8_t *x, int8_t *y) {
    const ek_window *s = &g->window;
    for (int32_t oh = 0; oh < s->out_h; oh++)
        for (int32_t ow = 0; ow < s->out_w; ow++) {
            const ek_span in = ek_pool_span(s, oh, ow);
            int32_t c = 0;
            for (; c + 4 <= s->out_c; c += 4) {
                uint32_t best = 0x80808080u;
                for (int32_t i = in.top; i < in.bottom; i++)
                    for (int32_t j = in.left; j < in.right; j++)
                        best = ek_max4(best, ek_load_bytes(x + c + (i * s->in_w + j) * s->in_c));
                ek_store_bytes(y + c, best);
            }
            for (; c < s->out_c; c++)
                y[c] = ek_pool_largest(s, x + c, in);
            y += s->out_c;
        }
}

#endif

/*
 * Sum of two tensors with SMLAD, Armv7E-M: same values as ../add.h.
 *
 * Factors are split into 16-bit halves, m = high * 2^16 + low with a signed low half, so that one SMLAD adds both
 * products of a half:  x0*m0 + x1*m1 + a = (x0*high0 + x1*high1 + a_high) * 2^16 + (x0*low0 + x1*low1 + a_low).  The
 * carry is the low sum's arithmetic shift, hence exact. z << (s - 16) is folded into a_high.
 */
#ifndef EK_ARMV7EM_ADD_H
#define EK_ARMV7EM_ADD_H

#include "../requant.h"
#include "dsp.h"

typedef struct {
    int32_t elements;
    int32_t m0_low, m0_high, m1_low, m1_high;
    int32_t a_low, a_high;
    int32_t shift; /* s - 16 */
    int32_t lo, hi;
} ek_add_smlad_geometry;

EK_INLINE int32_t ek_add_one(const ek_add_smlad_geometry *g, uint32_t pair) {
    const int32_t low = ek_smlad(pair, ek_lanes(g->m0_low, g->m1_low), g->a_low);
    const int32_t high = ek_smlad(pair, ek_lanes(g->m0_high, g->m1_high), g->a_high);
    return ek_clip_dsp((high + (low >> 16)) >> g->shift, g->lo, g->hi);
}

EK_INLINE void ek_add_smlad(const ek_add_smlad_geometry *g, const int8_t *x0, const int8_t *x1, int8_t *y) {
    const int8_t *end = x0 + g->elements / 4 * 4;
    while (x0 != end) {
        const uint32_t p = ek_load_bytes(x0), q = ek_load_bytes(x1);
        const uint32_t p_even = ek_bytes_even(p), q_even = ek_bytes_even(q);
        const uint32_t p_odd = ek_bytes_odd(p), q_odd = ek_bytes_odd(q);
        y[0] = (int8_t)ek_add_one(g, ek_pack_low(p_even, q_even));
        y[1] = (int8_t)ek_add_one(g, ek_pack_low(p_odd, q_odd));
        y[2] = (int8_t)ek_add_one(g, ek_pack_high(p_even, q_even));
        y[3] = (int8_t)ek_add_one(g, ek_pack_high(p_odd, q_odd));
        x0 += 4;
        x1 += 4;
        y += 4;
        EK_KEEP(x0);
        EK_KEEP(x1);
        EK_KEEP(y);
    }
    for (int32_t i = 0; i < g->elements % 4; i++)
        y[i] = (int8_t)ek_add_one(g, ek_lanes(x0[i], x1[i]));
}

#endif

/*
 * Sum of two tensors with pv.dotsp.h, XpulpV2: same values as ../add.h.
 *
 * Factors are split into 16-bit halves, m = high * 2^16 + low with a signed low half, so that one dot product adds both
 * products of a half:  x0*m0 + x1*m1 + a = (x0*high0 + x1*high1 + a_high) * 2^16 + (x0*low0 + x1*low1 + a_low).  The
 * carry is the low sum's arithmetic shift, hence exact. z << (s - 16) is folded into a_high.
 */
#ifndef EK_XPULPV2_ADD_H
#define EK_XPULPV2_ADD_H

#include "team.h"
#include "xpulp.h"

typedef struct {
    int32_t elements;
    int32_t m0_low, m0_high, m1_low, m1_high;
    int32_t a_low, a_high;
    int32_t shift; /* s - 16 */
    int32_t lo, hi;
} ek_add_xpulp_geometry;

EK_INLINE int32_t ek_add_one(uint32_t pair, uint32_t low, uint32_t high, int32_t a_low, int32_t a_high, int32_t shift) {
    const int32_t carry = ek_add_shift(ek_dotsp2(pair, low), a_low, 16);
    return ek_clip8(ek_add_shift(ek_sdotsp2(carry, pair, high), a_high, shift));
}

EK_INLINE void ek_add_xpulp(const ek_add_xpulp_geometry *g, ek_team team, const int8_t *x0, const int8_t *x1,
                            int8_t *y) {
    const uint32_t low = ek_pack2(g->m0_low, g->m1_low), high = ek_pack2(g->m0_high, g->m1_high);
    const uint32_t lo = (uint8_t)g->lo * 0x01010101u, hi = (uint8_t)g->hi * 0x01010101u;
    const int32_t a_low = g->a_low, a_high = g->a_high, shift = g->shift, fours = g->elements / 4;
    const int32_t from = 4 * ek_share(fours, team.core, team.cores),
                  to = 4 * ek_share(fours, team.core + 1, team.cores);
    const int8_t *p = x0 + from, *q = x1 + from, *end = x0 + to;
    int8_t *out = y + from;
    while (p != end) {
        const int32_t p0 = p[0], p1 = p[1], p2 = p[2], p3 = p[3];
        const int32_t q0 = q[0], q1 = q[1], q2 = q[2], q3 = q[3];
        const int32_t s0 = ek_add_one(ek_pack2(p0, q0), low, high, a_low, a_high, shift);
        const int32_t s1 = ek_add_one(ek_pack2(p1, q1), low, high, a_low, a_high, shift);
        const int32_t s2 = ek_add_one(ek_pack2(p2, q2), low, high, a_low, a_high, shift);
        const int32_t s3 = ek_add_one(ek_pack2(p3, q3), low, high, a_low, a_high, shift);
        ek_store4(out, ek_min4(ek_max4(ek_pack4(s0, s1, s2, s3), lo), hi));
        p += 4;
        q += 4;
        out += 4;
    }
    if (team.core == team.cores - 1)
        for (int32_t i = 4 * fours; i < g->elements; i++) {
            const int32_t sum = ek_add_one(ek_pack2(x0[i], x1[i]), low, high, a_low, a_high, shift);
            y[i] = (int8_t)ek_clip_between(sum, g->lo, g->hi);
        }
}

#endif

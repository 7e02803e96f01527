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

/* What the loop needs of the geometry. */
typedef struct {
    uint32_t low, high, lo, hi; /* factors in lanes; clip bounds four times */
    int32_t a_low, a_high, shift;
} ek_add_terms;

/* 4 * fours > 0 elements. */
EK_INLINE void ek_add_fours(const ek_add_terms *t, const int8_t *p, const int8_t *q, int8_t *y, int32_t fours) {
#if EK_XPULP_ASM
    /* clang-format off */
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP0("%[fours]", "37")
        EK_LB_POST("t0", "%[p]", "1") EK_LB_POST("t1", "%[p]", "1") EK_LB_POST("t2", "%[p]", "1")
        EK_LB_POST("t3", "%[p]", "1")
        EK_LB_POST("a4", "%[q]", "1") EK_LB_POST("a5", "%[q]", "1") EK_LB_POST("a6", "%[q]", "1")
        EK_LB_POST("a7", "%[q]", "1")
        EK_PACK2("t0", "a4", "t0") EK_PACK2("t1", "a5", "t1") EK_PACK2("t2", "a6", "t2") EK_PACK2("t3", "a7", "t3")
        EK_DOTSP2("a4", "t0", "%[low]") EK_DOTSP2("a5", "t1", "%[low]") EK_DOTSP2("a6", "t2", "%[low]")
        EK_DOTSP2("a7", "t3", "%[low]")
        EK_ADD_SHIFT("a4", "%[a_low]", "%[half]") EK_ADD_SHIFT("a5", "%[a_low]", "%[half]")
        EK_ADD_SHIFT("a6", "%[a_low]", "%[half]") EK_ADD_SHIFT("a7", "%[a_low]", "%[half]")
        EK_SDOTSP2("a4", "t0", "%[high]") EK_SDOTSP2("a5", "t1", "%[high]") EK_SDOTSP2("a6", "t2", "%[high]")
        EK_SDOTSP2("a7", "t3", "%[high]")
        EK_ADD_SHIFT("a4", "%[a_high]", "%[shift]") EK_ADD_SHIFT("a5", "%[a_high]", "%[shift]")
        EK_ADD_SHIFT("a6", "%[a_high]", "%[shift]") EK_ADD_SHIFT("a7", "%[a_high]", "%[shift]")
        EK_CLIP8("a4") EK_CLIP8("a5") EK_CLIP8("a6") EK_CLIP8("a7")
        EK_PACKLO4("t0", "a5", "a4") EK_PACKHI4("t0", "a7", "a6")
        EK_MAX4("t0", "t0", "%[lo]") EK_MIN4("t0", "t0", "%[hi]") EK_SW_POST("t0", "%[y]", "4") EK_ASM_END
        : [p] "+r"(p), [q] "+r"(q), [y] "+r"(y)
        : [fours] "r"(fours), [low] "r"(t->low), [high] "r"(t->high), [a_low] "r"(t->a_low), [a_high] "r"(t->a_high),
          [half] "r"(16), [shift] "r"(t->shift), [lo] "r"(t->lo), [hi] "r"(t->hi)
        : "t0", "t1", "t2", "t3", "a4", "a5", "a6", "a7", "memory");
    /* clang-format on */
#else
    for (int32_t i = 0; i < 4 * fours; i += 4) {
        int32_t sum[4];
        for (int32_t k = 0; k < 4; k++)
            sum[k] = ek_add_one(ek_pack2(p[i + k], q[i + k]), t->low, t->high, t->a_low, t->a_high, t->shift);
        ek_store4(y + i, ek_min4(ek_max4(ek_pack4(sum[0], sum[1], sum[2], sum[3]), t->lo), t->hi));
    }
#endif
}

EK_INLINE void ek_add_xpulp(const ek_add_xpulp_geometry *g, ek_team team, const int8_t *x0, const int8_t *x1,
                            int8_t *y) {
    const ek_add_terms t = {ek_pack2(g->m0_low, g->m1_low),
                            ek_pack2(g->m0_high, g->m1_high),
                            (uint8_t)g->lo * 0x01010101u,
                            (uint8_t)g->hi * 0x01010101u,
                            g->a_low,
                            g->a_high,
                            g->shift};
    const int32_t fours = g->elements / 4, from = ek_share(fours, team.core, team.cores);
    const int32_t to = ek_share(fours, team.core + 1, team.cores);
    if (to > from)
        ek_add_fours(&t, x0 + 4 * from, x1 + 4 * from, y + 4 * from, to - from);
    if (team.core == team.cores - 1)
        for (int32_t i = 4 * fours; i < g->elements; i++) {
            const int32_t sum = ek_add_one(ek_pack2(x0[i], x1[i]), t.low, t.high, t.a_low, t.a_high, t.shift);
            y[i] = (int8_t)ek_clip_between(sum, g->lo, g->hi);
        }
}

#endif

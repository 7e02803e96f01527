/*
 * Majority and parity over positions, XpulpV2: same values as ../bundle.h; the team shares the words of a position.
 *
 * Up to 63 positions are counted in seven planes, which stay in registers: hardware loops over eight words at a time,
 * then over the rest, one by one.
 */
#ifndef EK_XPULPV2_BUNDLE_H
#define EK_XPULPV2_BUNDLE_H

#include "../bundle.h"
#include "team.h"
#include "xpulp.h"

enum { EK_PLANES_XPULP = 7 };

#if EK_XPULP_ASM
/* clang-format off */
/* sum, a and b become sum and a, the carry; u is free. */
#define EK_ADD3(sum, a, b, u)                                                                                          \
    "xor " u ", " sum ", " a "\n\tand " a ", " sum ", " a "\n\txor " sum ", " u ", " b "\n\t"                          \
    "and " u ", " u ", " b "\n\tor " a ", " a ", " u "\n\t"
/* The carry of plane p and `a` is b. */
#define EK_ADD2(p, a, b) "and " b ", " p ", " a "\n\txor " p ", " p ", " a "\n\t"
#define EK_TWO(a, b) EK_LW_POST_R(a, "%[x]", "%[step]") EK_LW_POST_R(b, "%[x]", "%[step]")
#define EK_FROM_FOURS(a, b)                                                                                            \
    EK_ADD2("%[p3]", a, b) EK_ADD2("%[p4]", b, a) EK_ADD2("%[p5]", a, b) "xor %[p6], %[p6], " b "\n\t"

/* As ek_majority_word, for seven planes. */
EK_INLINE uint32_t ek_majority_seven(const ek_bundle_geometry *g, const uint32_t *x) {
    const int32_t step = 4 * g->words, eights = g->positions / 8, rest = g->positions % 8;
    uint32_t p[EK_PLANES];
    ek_majority_begin(g, p);
    if (eights > 0)
        __asm__ volatile(
            EK_ASM_BEGIN EK_LOOP0("%[count]", "8 + 35 + 7")
            EK_TWO("t0", "t1") EK_ADD3("%[p0]", "t0", "t1", "t2")
            EK_TWO("t1", "t2") EK_ADD3("%[p0]", "t1", "t2", "t3") EK_ADD3("%[p1]", "t0", "t1", "t2")
            EK_TWO("t1", "t2") EK_ADD3("%[p0]", "t1", "t2", "t3")
            EK_TWO("t2", "t3") EK_ADD3("%[p0]", "t2", "t3", "t4") EK_ADD3("%[p1]", "t1", "t2", "t3")
            EK_ADD3("%[p2]", "t0", "t1", "t2") EK_FROM_FOURS("t0", "t1") EK_ASM_END
            : [x] "+r"(x), [p0] "+r"(p[0]), [p1] "+r"(p[1]), [p2] "+r"(p[2]), [p3] "+r"(p[3]), [p4] "+r"(p[4]),
              [p5] "+r"(p[5]), [p6] "+r"(p[6])
            : [count] "r"(eights), [step] "r"(step)
            : "t0", "t1", "t2", "t3", "t4", "memory");
    if (rest > 0)
        __asm__ volatile(
            EK_ASM_BEGIN EK_LOOP0("%[count]", "1 + 6 + 7")
            EK_LW_POST_R("t0", "%[x]", "%[step]") EK_ADD2("%[p0]", "t0", "t1")
            EK_ADD2("%[p1]", "t1", "t0") EK_ADD2("%[p2]", "t0", "t1") EK_FROM_FOURS("t1", "t0") EK_ASM_END
            : [x] "+r"(x), [p0] "+r"(p[0]), [p1] "+r"(p[1]), [p2] "+r"(p[2]), [p3] "+r"(p[3]), [p4] "+r"(p[4]),
              [p5] "+r"(p[5]), [p6] "+r"(p[6])
            : [count] "r"(rest), [step] "r"(step)
            : "t0", "t1", "memory");
    return p[6];
}
/* clang-format on */
#else
EK_INLINE uint32_t ek_majority_seven(const ek_bundle_geometry *g, const uint32_t *x) { return ek_majority_word(g, x); }
#endif

EK_INLINE void ek_majority_xpulp(const ek_bundle_geometry *g, ek_team team, const uint32_t *x, uint32_t *y) {
    const int32_t end = ek_share(g->words, team.core + 1, team.cores);
    for (int32_t i = ek_share(g->words, team.core, team.cores); i < end; i++)
        y[i] = EK_OFTEN(g->planes == EK_PLANES_XPULP) ? ek_majority_seven(g, x + i) : ek_majority_word(g, x + i);
}

/* XOR of `count` > 0 words, `step` bytes from one to the next. */
EK_INLINE uint32_t ek_parity_word(const uint32_t *x, int32_t count, int32_t step) {
    uint32_t word = 0;
#if EK_XPULP_ASM
    __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[count]", "3")
                         EK_LW_POST_R("t0", "%[x]", "%[step]") "nop\n\txor %[word], %[word], t0\n\t" EK_ASM_END
                     : [x] "+r"(x), [word] "+r"(word)
                     : [count] "r"(count), [step] "r"(step)
                     : "t0", "memory");
#else
    for (int32_t i = 0; i < count; i++)
        word ^= x[i * (step / 4)];
#endif
    return word;
}

EK_INLINE void ek_parity_xpulp(const ek_bundle_geometry *g, ek_team team, const uint32_t *x, uint32_t *y) {
    const int32_t end = ek_share(g->words, team.core + 1, team.cores);
    for (int32_t i = ek_share(g->words, team.core, team.cores); i < end; i++)
        y[i] = ek_parity_word(x + i, g->positions, 4 * g->words);
}

#endif

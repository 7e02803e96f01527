/* XOR of bits, XpulpV2: same values as ../bind.h; the team shares the words. */
#ifndef EK_XPULPV2_BIND_H
#define EK_XPULPV2_BIND_H

#include "../bind.h"
#include "team.h"
#include "xpulp.h"

/* y = a ^ b for 2 * pairs > 0 words. */
EK_INLINE void ek_xor_pairs(const uint32_t *a, const uint32_t *b, uint32_t *y, int32_t pairs) {
#if EK_XPULP_ASM
    /* clang-format off */
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP0("%[pairs]", "8")
        EK_LW_POST("t0", "%[a]", "4") EK_LW_POST("t1", "%[b]", "4")
        EK_LW_POST("t2", "%[a]", "4") EK_LW_POST("t3", "%[b]", "4")
        "xor t0, t0, t1\n\txor t2, t2, t3\n\t"
        EK_SW_POST("t0", "%[y]", "4") EK_SW_POST("t2", "%[y]", "4") EK_ASM_END
        : [a] "+r"(a), [b] "+r"(b), [y] "+r"(y)
        : [pairs] "r"(pairs)
        : "t0", "t1", "t2", "t3", "memory");
    /* clang-format on */
#else
    for (int32_t i = 0; i < 2 * pairs; i++)
        y[i] = a[i] ^ b[i];
#endif
}

EK_INLINE void ek_bind_xpulp(const ek_bind_geometry *g, ek_team team, const uint32_t *x0, const uint32_t *x1,
                             uint32_t *y) {
    const int32_t pairs = g->words / 2, last = g->words - 1;
    const int32_t first = ek_share(pairs, team.core, team.cores), end = ek_share(pairs, team.core + 1, team.cores);
    if (end > first)
        ek_xor_pairs(x0 + 2 * first, x1 + 2 * first, y + 2 * first, end - first);
    if (g->words % 2 && team.core == team.cores - 1)
        y[last] = x0[last] ^ x1[last];
}

EK_INLINE void ek_bind_key_xpulp(const ek_bind_geometry *g, ek_team team, const uint32_t *x, uint32_t *y,
                                 const uint32_t *key) {
    ek_bind_xpulp(g, team, x, key, y);
}

EK_INLINE void ek_bind_seed_xpulp(const ek_bind_seed_geometry *g, ek_team team, const uint32_t *x, uint32_t *y) {
    ek_bind_drawn(g, x, y, ek_share(g->words, team.core, team.cores), ek_share(g->words, team.core + 1, team.cores));
}

#endif

/* Table and requantization, shared by elements: same values as ../table.h and ../requantize.h. */
#ifndef EK_XPULPV2_ELEMENTWISE_H
#define EK_XPULPV2_ELEMENTWISE_H

#include "../requantize.h"
#include "../table.h"
#include "requant.h"
#include "team.h"

/* y = middle[x] for 4 * fours > 0 elements. */
EK_INLINE void ek_table_fours(const int8_t *x, int8_t *y, const int8_t *middle, int32_t fours) {
#if EK_XPULP_ASM
    int32_t a, b, c, d;
    /* clang-format off */
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP0("%[fours]", "12")
        EK_LB_POST("%[a]", "%[x]", "1") EK_LB_POST("%[b]", "%[x]", "1")
        EK_LB_POST("%[c]", "%[x]", "1") EK_LB_POST("%[d]", "%[x]", "1")
        EK_LBU_INDEX("%[a]", "%[middle]", "%[a]") EK_LBU_INDEX("%[b]", "%[middle]", "%[b]")
        EK_LBU_INDEX("%[c]", "%[middle]", "%[c]") EK_LBU_INDEX("%[d]", "%[middle]", "%[d]")
        EK_SB_POST("%[a]", "%[y]", "1") EK_SB_POST("%[b]", "%[y]", "1")
        EK_SB_POST("%[c]", "%[y]", "1") EK_SB_POST("%[d]", "%[y]", "1") EK_ASM_END
        : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [x] "+r"(x), [y] "+r"(y)
        : [fours] "r"(fours), [middle] "r"(middle)
        : "memory");
    /* clang-format on */
#else
    for (int32_t i = 0; i < 4 * fours; i++)
        y[i] = middle[x[i]];
#endif
}

EK_INLINE void ek_table_xpulp(const ek_table_geometry *g, ek_team team, const int8_t *x, int8_t *y,
                              const int8_t *table) {
    const int8_t *middle = table + 128;
    const int32_t fours = g->elements / 4;
    const int32_t from = ek_share(fours, team.core, team.cores), to = ek_share(fours, team.core + 1, team.cores);
    if (to > from)
        ek_table_fours(x + 4 * from, y + 4 * from, middle, to - from);
    if (team.core == team.cores - 1)
        for (int32_t i = 4 * fours; i < g->elements; i++)
            y[i] = middle[x[i]];
}

EK_INLINE void ek_requantize_tensor_xpulp(const ek_requantize_geometry *g, ek_team team, const void *x, void *y,
                                          const int32_t *record) {
    const int32_t end = ek_share(g->elements, team.core + 1, team.cores);
    for (int32_t i = ek_share(g->elements, team.core, team.cores); i < end; i++) {
        const int32_t value = g->in_bits == 8    ? ((const int8_t *)x)[i]
                              : g->in_bits == 16 ? ((const int16_t *)x)[i]
                                                 : ((const int32_t *)x)[i];
        ek_store(&g->requant, y, i, ek_requantize_xpulp(&g->requant, value + record[0], record));
    }
}

#endif

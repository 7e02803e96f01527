/*
 * Random projection to bits, XpulpV2: same values as ../project.h. Cores share words of 32 rows.
 *
 * Places are upper words of products of 32 by 16 bits, in two instructions where MULHU would take five cycles; entries
 * of neighbours are pairs of 16-bit lanes.
 */
#ifndef EK_XPULPV2_PROJECT_H
#define EK_XPULPV2_PROJECT_H

#include "../project.h"
#include "team.h"
#include "xpulp.h"

/* All blocks of a half, which have their full size; `of_half` is a literal, `twice` has the block in both halves. */
EK_INLINE int32_t ek_project_places_xpulp(const int16_t *x, uint32_t half, int32_t of_half, uint32_t twice,
                                          int32_t sum) {
    const uint32_t block = twice & 0xffffu;
    uint32_t f = half;
#if EK_XPULP_ASM
    if (of_half == 4) {
        int32_t a, b, c, d;
        /* clang-format off */
        __asm__(EK_ASM_BEGIN
                EK_MULUN16("%[a]", "%[f]", "%[twice]") EK_MACHHUN16("%[a]", "%[f]", "%[twice]")
                "mul %[f], %[f], %[block]\n\tslli %[a], %[a], 1\n\t"
                EK_MULUN16("%[b]", "%[f]", "%[twice]") EK_MACHHUN16("%[b]", "%[f]", "%[twice]")
                "mul %[f], %[f], %[block]\n\tslli %[b], %[b], 1\n\t"
                EK_MULUN16("%[c]", "%[f]", "%[twice]") EK_MACHHUN16("%[c]", "%[f]", "%[twice]")
                "mul %[f], %[f], %[block]\n\tslli %[c], %[c], 1\n\t"
                EK_MULUN16("%[d]", "%[f]", "%[twice]") EK_MACHHUN16("%[d]", "%[f]", "%[twice]")
                "slli %[d], %[d], 1\n\t"
                EK_LH_INDEX("%[a]", "%[x]", "%[a]") "add %[x], %[x], %[bytes]\n\t"
                EK_LH_INDEX("%[b]", "%[x]", "%[b]") "add %[x], %[x], %[bytes]\n\t"
                EK_LH_INDEX("%[c]", "%[x]", "%[c]") "add %[x], %[x], %[bytes]\n\t"
                EK_LH_INDEX("%[d]", "%[x]", "%[d]")
                EK_EXTRACT1("%[f]", "%[half]", "0") "ori %[f], %[f], 1\n\t" EK_MAC("%[sum]", "%[a]", "%[f]")
                EK_EXTRACT1("%[f]", "%[half]", "1") "ori %[f], %[f], 1\n\t" EK_MAC("%[sum]", "%[b]", "%[f]")
                EK_EXTRACT1("%[f]", "%[half]", "2") "ori %[f], %[f], 1\n\t" EK_MAC("%[sum]", "%[c]", "%[f]")
                EK_EXTRACT1("%[f]", "%[half]", "3") "ori %[f], %[f], 1\n\t" EK_MAC("%[sum]", "%[d]", "%[f]")
                EK_ASM_END
                : [sum] "+&r"(sum), [f] "+&r"(f), [x] "+&r"(x),
                  [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d)
                : [half] "r"(half), [twice] "r"(twice), [block] "r"(block), [bytes] "r"(2 * block)
                : "memory");
        /* clang-format on */
        return sum;
    }
#endif
    EK_UNROLL
    for (int32_t j = 0; j < of_half; j++, x += block) {
        const int32_t value = x[(int32_t)ek_upper_product(f, twice)];
        sum += (half >> j) & 1u ? -value : value;
        f *= block;
    }
    return sum;
}

EK_INLINE uint32_t ek_load_pair(const int16_t *x) { return ek_load4((const int8_t *)(const void *)x); }

/* The values whose sign is negative, of 32. */
EK_INLINE int32_t ek_project_signs_xpulp(const int16_t *x, uint32_t half, int32_t sum) {
    EK_UNROLL
    for (int32_t j = 0; j < 16; j++)
        sum = ek_sdotsp2(sum, ek_load_pair(x + 2 * j), (half >> j) & 0x00010001u);
    return sum;
}

/* Four values times the ones of their bytes. */
EK_INLINE int32_t ek_project_counts_xpulp(const int16_t *x, uint32_t half, int32_t sum) {
    half -= (half >> 1) & 0x55555555u;
    half = (half & 0x33333333u) + ((half >> 2) & 0x33333333u);
    half = (half + (half >> 4)) & 0x0f0f0f0fu;
    sum = ek_sdotsp2(sum, ek_load_pair(x), half & 0x00ff00ffu);
    return ek_sdotsp2(sum, ek_load_pair(x + 2), (half >> 8) & 0x00ff00ffu);
}

/* The full words of one row; form and entries of half a word are literals, so that each has a loop of its own. */
EK_INLINE int32_t ek_project_full_xpulp(const ek_project_geometry *g, const int16_t *x, uint64_t *counter, int32_t form,
                                        int32_t of_half) {
    const int32_t step = of_half * g->block, full = g->values / (2 * step);
    const uint32_t twice = (uint32_t)g->block << 16 | (uint32_t)g->block;
    uint64_t at = *counter;
    int32_t sum = 0;
    for (int32_t i = 0; i < full; i++) {
        at += EK_SPLITMIX_GAMMA;
        const uint64_t drawn = ek_splitmix_mix(at);
        EK_UNROLL
        for (int32_t half = 0; half < 2; half++, x += step) {
            const uint32_t bits = (uint32_t)(drawn >> (32 * half));
            sum = form == EK_PROJECT_SPARSE  ? ek_project_places_xpulp(x, bits, of_half, twice, sum)
                  : form == EK_PROJECT_SIGNS ? ek_project_signs_xpulp(x, bits, sum)
                                             : ek_project_counts_xpulp(x, bits, sum);
        }
    }
    *counter = at;
    return sum;
}

EK_INLINE int32_t ek_project_row_xpulp(const ek_project_geometry *g, const int16_t *x, uint64_t counter, int32_t base) {
    int32_t sum;
    if (g->form == EK_PROJECT_SIGNS)
        sum = ek_project_full_xpulp(g, x, &counter, EK_PROJECT_SIGNS, 32);
    else if (g->form == EK_PROJECT_GAUSSIAN)
        sum = ek_project_full_xpulp(g, x, &counter, EK_PROJECT_GAUSSIAN, 4);
    else if (g->of_half == 4)
        sum = ek_project_full_xpulp(g, x, &counter, EK_PROJECT_SPARSE, 4);
    else if (g->of_half == 2)
        sum = ek_project_full_xpulp(g, x, &counter, EK_PROJECT_SPARSE, 2);
    else
        sum = ek_project_full_xpulp(g, x, &counter, EK_PROJECT_SPARSE, 1);
    return ek_project_rest(g, x, counter, base, sum);
}

EK_INLINE int32_t ek_project_base_xpulp(const ek_project_geometry *g, const int16_t *x) {
    const int32_t covered = ek_project_covered(g);
    int32_t base = 0;
    for (int32_t i = 0; i < covered; i += 2)
        base = ek_sdotsp2(base, ek_load_pair(x + i), 0x00010001u);
    return base;
}

EK_INLINE void ek_project_xpulp(const ek_project_geometry *g, ek_team team, const int16_t *x, uint32_t *y) {
    const int32_t words = EK_PROJECT_WORDS(g), units = words * g->positions;
    const int32_t end = ek_share(units, team.core + 1, team.cores);
    int32_t unit = ek_share(units, team.core, team.cores);
    while (unit < end) { /* of one position at a time */
        const int32_t p = unit / words, stop = ek_min(end, (p + 1) * words);
        const int16_t *own = x + p * g->values;
        const int32_t base = ek_project_base_xpulp(g, own);
        for (; unit < stop; unit++) {
            const int32_t row = 32 * (unit - p * words), count = ek_min(32, g->dimension - row);
            uint64_t counter = ek_project_counter(g, p, row);
            uint32_t word = 0;
            for (int32_t i = 0; i < count; i++, counter += EK_PROJECT_STRIDE(g))
                word |= (uint32_t)(ek_project_row_xpulp(g, own, counter, base) >= 0) << i;
            y[unit] = word;
        }
    }
}

#endif

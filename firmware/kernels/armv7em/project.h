/*
 * Random projection to bits, Armv7E-M: same values as ../project.h.
 *
 * Words are drawn in halves of 32 bits, so that shifts and products are single instructions. The places of a half are
 * a chain of UMULL; entries of neighbours are pairs of 16-bit lanes for SMLAD.
 */
#ifndef EK_ARMV7EM_PROJECT_H
#define EK_ARMV7EM_PROJECT_H

#include "../project.h"
#include "dsp.h"

typedef struct {
    uint32_t low, high;
} ek_halves;

EK_INLINE ek_halves ek_halves_of(uint64_t word) {
    const ek_halves halves = {(uint32_t)word, (uint32_t)(word >> 32)};
    return halves;
}

EK_INLINE uint64_t ek_joined(ek_halves halves) { return (uint64_t)halves.high << 32 | halves.low; }

/* Constants of SplitMix64: too many for the registers, they stay in memory. */
#define EK_SPLITMIX_TABLE {0x7F4A7C15u, 0x9E3779B9u, 0x1CE4E5B9u, 0xBF58476Du, 0x133111EBu, 0x94D049BBu}

/* The next counter, and the word that belongs to it: ek_splitmix_mix of ../splitmix.h. */
EK_INLINE ek_halves ek_splitmix_next(ek_halves *counter, const uint32_t *table) {
#if EK_DSP_ASM
    uint32_t low = counter->low, high = counter->high, a, b, t, u, v;
    /* clang-format off */
    __asm__("ldrd %[a], %[b], [%[table]]\n\t"
            "adds %[low], %[low], %[a]\n\t"
            "adc %[high], %[high], %[b]\n\t"
            "ldrd %[a], %[b], [%[table], #8]\n\t"
            "eor %[t], %[low], %[low], lsr #30\n\t"
            "eor %[t], %[t], %[high], lsl #2\n\t"
            "eor %[v], %[high], %[high], lsr #30\n\t"
            "mul %[b], %[t], %[b]\n\t"
            "mla %[b], %[v], %[a], %[b]\n\t"
            "umull %[t], %[u], %[t], %[a]\n\t"
            "add %[u], %[u], %[b]\n\t"
            "ldrd %[a], %[b], [%[table], #16]\n\t"
            "eor %[t], %[t], %[t], lsr #27\n\t"
            "eor %[t], %[t], %[u], lsl #5\n\t"
            "eor %[u], %[u], %[u], lsr #27\n\t"
            "mul %[b], %[t], %[b]\n\t"
            "mla %[b], %[u], %[a], %[b]\n\t"
            "umull %[t], %[u], %[t], %[a]\n\t"
            "add %[u], %[u], %[b]\n\t"
            "eor %[t], %[t], %[t], lsr #31\n\t"
            "eor %[t], %[t], %[u], lsl #1\n\t"
            "eor %[u], %[u], %[u], lsr #31"
            : [low] "+&r"(low), [high] "+&r"(high), [a] "=&r"(a), [b] "=&r"(b), [t] "=&r"(t), [u] "=&r"(u), [v] "=&r"(v)
            : [table] "r"(table), "m"(*(const uint32_t(*)[6])table)
            : "cc");
    /* clang-format on */
    counter->low = low, counter->high = high;
    const ek_halves drawn = {t, u};
    return drawn;
#else
    (void)table;
    *counter = ek_halves_of(ek_joined(*counter) + EK_SPLITMIX_GAMMA);
    return ek_halves_of(ek_splitmix_mix(ek_joined(*counter)));
#endif
}

/* Four blocks: their places first, so that the loads are neighbours. */
EK_INLINE int32_t ek_project_four_places(const ek_project_geometry *g, const int16_t *x, uint32_t half, int32_t sum) {
#if EK_DSP_ASM
    uint32_t f, a, b, c, d;
    /* clang-format off */
    __asm__("umull %[f], %[a], %[half], %[block]\n\t"
            "umull %[f], %[b], %[f], %[block]\n\t"
            "umull %[f], %[c], %[f], %[block]\n\t"
            "umull %[f], %[d], %[f], %[block]\n\t"
            "add %[b], %[x], %[b], lsl #1\n\t"
            "add %[c], %[x], %[c], lsl #1\n\t"
            "add %[d], %[x], %[d], lsl #1\n\t"
            "ldrsh %[a], [%[x], %[a], lsl #1]\n\t"
            "ldrsh %[b], [%[b], %[second]]\n\t"
            "ldrsh %[c], [%[c], %[third]]\n\t"
            "ldrsh %[d], [%[d], %[fourth]]\n\t"
            "sbfx %[f], %[half], #0, #1\n\t"
            "orr %[f], %[f], #1\n\t"
            "smlabb %[sum], %[a], %[f], %[sum]\n\t"
            "sbfx %[f], %[half], #1, #1\n\t"
            "orr %[f], %[f], #1\n\t"
            "smlabb %[sum], %[b], %[f], %[sum]\n\t"
            "sbfx %[f], %[half], #2, #1\n\t"
            "orr %[f], %[f], #1\n\t"
            "smlabb %[sum], %[c], %[f], %[sum]\n\t"
            "sbfx %[f], %[half], #3, #1\n\t"
            "orr %[f], %[f], #1\n\t"
            "smlabb %[sum], %[d], %[f], %[sum]"
            : [sum] "+&r"(sum), [f] "=&r"(f), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d)
            : [half] "r"(half), [block] "r"(g->block), [x] "r"(x),
              [second] "i"(2 * g->block), [third] "i"(4 * g->block), [fourth] "i"(6 * g->block)
            : "memory");
    /* clang-format on */
    return sum;
#else
    return sum + ek_project_places(g, x, 0, half);
#endif
}

/* All blocks of a half, which have their full size. */
EK_INLINE int32_t ek_project_places_dsp(const ek_project_geometry *g, const int16_t *x, uint32_t half, int32_t sum) {
    if (g->of_half == 4)
        return ek_project_four_places(g, x, half, sum);
    uint32_t f = half;
    EK_UNROLL
    for (int32_t j = 0; j < g->of_half; j++) {
        const uint64_t product = (uint64_t)f * (uint32_t)g->block;
        sum += x[(int32_t)(product >> 32) + j * g->block] * (((int32_t)(half << (31 - j)) >> 31) | 1);
        f = (uint32_t)product;
    }
    return sum;
}

/* Twice the values whose sign is negative, of 32. */
EK_INLINE int32_t ek_project_signs_dsp(const int16_t *x, uint32_t half, int32_t sum) {
    EK_UNROLL
    for (int32_t j = 0; j < 16; j++)
        sum = ek_smlad(ek_load_bytes((const int8_t *)(x + 2 * j)), (half >> j) & 0x00010001u, sum);
    return sum;
}

/* Four values times the ones of their bytes. */
EK_INLINE int32_t ek_project_counts_dsp(const int16_t *x, uint32_t half, int32_t sum) {
    half -= (half >> 1) & 0x55555555u;
    half = (half & 0x33333333u) + ((half >> 2) & 0x33333333u);
    half = (half + (half >> 4)) & 0x0f0f0f0fu;
    sum = ek_smlad(ek_load_bytes((const int8_t *)x), half & 0x00ff00ffu, sum);
    return ek_smlad(ek_load_bytes((const int8_t *)(x + 2)), (half >> 8) & 0x00ff00ffu, sum);
}

EK_INLINE int32_t ek_project_half_dsp(const ek_project_geometry *g, const int16_t *x, uint32_t half, int32_t sum) {
    return g->form == EK_PROJECT_SPARSE  ? ek_project_places_dsp(g, x, half, sum)
           : g->form == EK_PROJECT_SIGNS ? ek_project_signs_dsp(x, half, sum)
                                         : ek_project_counts_dsp(x, half, sum);
}

/* The sum of one row; see ek_project_rest of ../project.h. */
EK_INLINE int32_t ek_project_row_dsp(const ek_project_geometry *g, const int16_t *x, ek_halves counter, int32_t base,
                                     const uint32_t *table) {
    const int32_t step = g->of_half * g->block, full = g->values / (2 * step);
    const int16_t *from = x, *end = x + full * 2 * step;
    int32_t sum = 0;
    while (from != end) {
        const ek_halves drawn = ek_splitmix_next(&counter, table);
        sum = ek_project_half_dsp(g, from, drawn.low, sum);
        sum = ek_project_half_dsp(g, from + step, drawn.high, sum);
        from += 2 * step;
        EK_KEEP(from);
    }
    return ek_project_rest(g, x, ek_joined(counter), base, sum);
}

EK_INLINE void ek_project_dsp(const ek_project_geometry *g, const int16_t *x, uint32_t *y) {
    const uint32_t table[6] = EK_SPLITMIX_TABLE;
    const int32_t covered = ek_project_covered(g);
    for (int32_t p = 0; p < g->positions; p++, x += g->values) {
        uint64_t counter = ek_project_counter(g, p, 0);
        int32_t base = 0;
        for (int32_t i = 0; i < covered; i++)
            base += x[i];
        for (int32_t row = 0; row < g->dimension; row += 32) {
            const int32_t count = ek_min(32, g->dimension - row);
            uint32_t word = 0;
            for (int32_t i = 0; i < count; i++, counter += EK_PROJECT_STRIDE(g))
                word |= (uint32_t)(ek_project_row_dsp(g, x, ek_halves_of(counter), base, table) >= 0) << i;
            *y++ = word;
        }
    }
}

#endif

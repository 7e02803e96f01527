/*
 * Random projection to bits, bit = [sum of entries times values >= 0]: rows are made of a seed (quant/ops/project.py
 * has their definition), portable C99. Every sum fits int32.
 */
#ifndef EK_PROJECT_H
#define EK_PROJECT_H

#include "bits.h"
#include "splitmix.h"

enum { EK_PROJECT_SPARSE, EK_PROJECT_SIGNS, EK_PROJECT_GAUSSIAN };

typedef struct {
    int32_t values, positions; /* values of a position */
    int32_t dimension;         /* rows of a position */
    int32_t form;              /* one of the above */
    int32_t block;             /* values of which one has an entry */
    int32_t of_half;           /* entries that half a word gives */
    int32_t row_words;
    int32_t seed_low, seed_high;
} ek_project_geometry;

#define EK_PROJECT_WORDS(g) (((g)->dimension + 31) / 32) /* of bits of a position */

#define EK_PROJECT_STRIDE(g) (EK_SPLITMIX_GAMMA * (uint32_t)(g)->row_words) /* from row to row */

/* The counter before the words of a row; see ek_splitmix_word. */
EK_INLINE uint64_t ek_project_counter(const ek_project_geometry *g, int32_t position, int32_t row) {
    const uint64_t seed = (uint64_t)(uint32_t)g->seed_high << 32 | (uint32_t)g->seed_low;
    return seed + (uint32_t)(position * g->dimension + row) * EK_PROJECT_STRIDE(g);
}

/* Blocks `k` to `k + of_half - 1`: the upper word of f * block is the place in a block, the lower one the next f. */
EK_INLINE int32_t ek_project_places(const ek_project_geometry *g, const int16_t *x, int32_t k, uint32_t half) {
    uint32_t f = half;
    int32_t sum = 0;
    for (int32_t j = 0; j < g->of_half && (k + j) * g->block < g->values; j++) {
        const int32_t first = (k + j) * g->block, width = ek_min(g->block, g->values - first);
        const uint64_t product = (uint64_t)f * (uint32_t)width;
        const int32_t value = x[first + (int32_t)(product >> 32)];
        sum += (half >> j) & 1u ? -value : value;
        f = (uint32_t)product;
    }
    return sum;
}

/* 32 entries: bit j of a half is the sign of value 2 j, bit 16 + j that of value 2 j + 1. */
EK_INLINE int32_t ek_project_signs(const ek_project_geometry *g, const int16_t *x, int32_t k, uint32_t half) {
    const int32_t count = ek_min(32, g->values - k);
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += (half >> (i / 2 + 16 * (i & 1))) & 1u ? -x[k + i] : x[k + i];
    return sum;
}

/* Four entries, ones of a byte less 4: bytes 0, 2, 1, 3. */
EK_INLINE int32_t ek_project_counts(const ek_project_geometry *g, const int16_t *x, int32_t k, uint32_t half) {
    const int32_t count = ek_min(4, g->values - k);
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += x[k + i] * (ek_popcount((half >> (8 * (i / 2 + 2 * (i & 1)))) & 0xffu) - 4);
    return sum;
}

EK_INLINE int32_t ek_project_half(const ek_project_geometry *g, const int16_t *x, int32_t k, uint32_t half) {
    return g->form == EK_PROJECT_SPARSE  ? ek_project_places(g, x, k, half)
           : g->form == EK_PROJECT_SIGNS ? ek_project_signs(g, x, k, half)
                                         : ek_project_counts(g, x, k, half);
}

/* Entries of the word behind a counter, the first of which is number `k` of the row. */
EK_INLINE int32_t ek_project_word(const ek_project_geometry *g, const int16_t *x, int32_t k, uint64_t counter) {
    const uint64_t drawn = ek_splitmix_mix(counter + EK_SPLITMIX_GAMMA);
    return ek_project_half(g, x, k, (uint32_t)drawn) + ek_project_half(g, x, k + g->of_half, (uint32_t)(drawn >> 32));
}

EK_INLINE void ek_project(const ek_project_geometry *g, const int16_t *x, uint32_t *y) {
    for (int32_t p = 0; p < g->positions; p++, x += g->values) {
        uint64_t counter = ek_project_counter(g, p, 0);
        for (int32_t row = 0; row < g->dimension; row += 32) {
            const int32_t count = ek_min(32, g->dimension - row);
            uint32_t bits = 0;
            for (int32_t i = 0; i < count; i++) {
                int32_t sum = 0;
                for (int32_t word = 0; word < g->row_words; word++, counter += EK_SPLITMIX_GAMMA)
                    sum += ek_project_word(g, x, 2 * g->of_half * word, counter);
                bits |= (uint32_t)(sum >= 0) << i;
            }
            *y++ = bits;
        }
    }
}

/*
 * What faster variants share. They take the full words of a row, whose blocks all have their size, in another way:
 * of signs they add the values with a negative one, of counts the values times the ones of their bytes. `base` is the
 * sum of all values that full words cover.
 */
EK_INLINE int32_t ek_project_covered(const ek_project_geometry *g) {
    const int32_t step = 2 * g->of_half * g->block;
    return g->form == EK_PROJECT_SPARSE ? 0 : g->values / step * step;
}

/* The sum of a row from that of its full words; `counter` is behind them. */
EK_INLINE int32_t ek_project_rest(const ek_project_geometry *g, const int16_t *x, uint64_t counter, int32_t base,
                                  int32_t sum) {
    const int32_t full = g->values / (2 * g->of_half * g->block);
    if (g->form != EK_PROJECT_SPARSE)
        sum = g->form == EK_PROJECT_SIGNS ? base - 2 * sum : sum - 4 * base;
    return full < g->row_words ? sum + ek_project_word(g, x, 2 * g->of_half * full, counter) : sum;
}

#endif

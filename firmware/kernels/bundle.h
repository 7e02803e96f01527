/*
 * One vector of bits of many, channel by channel: by majority or by parity, portable C99.
 *
 * A majority counts 32 channels at once: bit i of plane k is bit k of the count of channel i. Counts begin so that more
 * than half of the positions carry into the highest plane. Eight words go through full adders into the planes of ones,
 * twos and fours; what they carry ripples through the planes above.
 */
#ifndef EK_BUNDLE_H
#define EK_BUNDLE_H

#include "bits.h"

enum { EK_PLANES = 32 }; /* at most */

/* Planes are registers where every loop over them is unrolled, which GCC has to be told. */
#if defined(__GNUC__) && !defined(__clang__)
#define EK_PLANE_LOOP _Pragma("GCC unroll 32")
#else
#define EK_PLANE_LOOP
#endif

typedef struct {
    int32_t words; /* of a position */
    int32_t positions;
    int32_t planes; /* 4 or more: 2^(planes - 1) is larger than positions */
    uint32_t begin; /* what every count begins with: 2^(planes - 1) - 1 - positions / 2 */
} ek_bundle_geometry;

EK_INLINE void ek_majority_begin(const ek_bundle_geometry *g, uint32_t planes[EK_PLANES]) {
    EK_PLANE_LOOP
    for (int32_t k = 0; k < g->planes; k++)
        planes[k] = 0u - ((g->begin >> k) & 1u);
}

/* Adds a word of weight 2^k. */
EK_INLINE void ek_majority_carry(const ek_bundle_geometry *g, uint32_t planes[EK_PLANES], uint32_t carry, int32_t k) {
    EK_PLANE_LOOP
    for (; k < g->planes; k++) {
        const uint32_t both = planes[k] & carry;
        planes[k] ^= carry;
        carry = both;
    }
}

/* The sum of four words goes into the planes of ones and twos; the result weighs 4. */
EK_INLINE uint32_t ek_majority_four(uint32_t planes[EK_PLANES], const uint32_t *x, int32_t apart) {
    const uint32_t first = ek_full_add(&planes[0], x[0], x[apart]);
    return ek_full_add(&planes[1], first, ek_full_add(&planes[0], x[2 * apart], x[3 * apart]));
}

/* The word of 32 channels that begins at x. */
EK_INLINE uint32_t ek_majority_word(const ek_bundle_geometry *g, const uint32_t *x) {
    uint32_t planes[EK_PLANES];
    ek_majority_begin(g, planes);
    for (int32_t p = g->positions / 8; p > 0; p--, x += 8 * g->words) {
        const uint32_t first = ek_majority_four(planes, x, g->words);
        const uint32_t second = ek_majority_four(planes, x + 4 * g->words, g->words);
        ek_majority_carry(g, planes, ek_full_add(&planes[2], first, second), 3);
    }
    for (int32_t p = g->positions % 8; p > 0; p--, x += g->words)
        ek_majority_carry(g, planes, *x, 0);
    return planes[g->planes - 1];
}

EK_INLINE void ek_majority(const ek_bundle_geometry *g, const uint32_t *x, uint32_t *y) {
    for (int32_t i = 0; i < g->words; i++)
        y[i] = ek_majority_word(g, x + i);
}

/* 1 where the number of ones is odd. */
EK_INLINE void ek_parity(const ek_bundle_geometry *g, const uint32_t *x, uint32_t *y) {
    for (int32_t i = 0; i < g->words; i++) {
        uint32_t word = 0;
        for (int32_t p = 0; p < g->positions; p++)
            word ^= x[p * g->words + i];
        y[i] = word;
    }
}

#endif

/* Thermometer and Gray-like codes: the word of every value's level, one behind the other, portable C99. */
#ifndef EK_LEVEL_ENCODE_H
#define EK_LEVEL_ENCODE_H

#include "levels.h"

typedef struct {
    int32_t values, positions; /* values of a position */
    int32_t bits, levels;      /* of a code */
    int32_t deviations;        /* that the levels span */
    int32_t gray;              /* 1: Gray, 0: thermometer */
    int32_t stride;            /* Gray: the highest power of 2 up to bits - 2, 0 for two bits */
} ek_level_encode_geometry;

#define EK_LEVEL_WORDS(g) (((g)->values * (g)->bits + 31) / 32) /* of a position */

/* Where bits are appended. */
typedef struct {
    uint32_t *to;
    uint32_t word;
    int32_t used; /* bits of `word`, below 32 */
} ek_appender;

EK_INLINE void ek_append(ek_appender *a, uint32_t bits, int32_t count) {
    a->word |= bits << a->used;
    a->used += count;
    if (a->used >= 32) {
        *a->to++ = a->word;
        a->used -= 32;
        a->word = a->used ? bits >> (count - a->used) : 0;
    }
}

/* Ones in the bits below `bit`. */
EK_INLINE uint32_t ek_ones_below(int32_t bit) { return bit <= 0 ? 0 : bit >= 32 ? 0xffffffffu : (1u << bit) - 1u; }

/* Pairs (i, j), i < j < bits, with i below `bit`. */
EK_INLINE int32_t ek_pairs_before(int32_t bit, int32_t bits) { return bit * (2 * bits - 1 - bit) / 2; }

/*
 * 32 bits of a Gray word from `from` on. Before its level all pairs of the bits below `row` and `several` pairs
 * (row, row + 1) .. (row, row + several) were flipped: a bit below row bits - 1 times, row itself row + several times,
 * those up to row + several row + 1 times, the others row times.
 */
EK_INLINE uint32_t ek_gray_bits(int32_t row, int32_t several, int32_t bits, int32_t from) {
    const uint32_t below = ek_ones_below(row - from), up_to = ek_ones_below(row + 1 - from);
    uint32_t word = row & 1 ? 0xffffffffu : 0;
    word ^= ek_ones_below(row + several + 1 - from) & ~up_to;
    word ^= several & 1 ? up_to & ~below : 0;
    return (word & ~below) | (bits & 1 ? 0 : below);
}

EK_INLINE void ek_append_level(const ek_level_encode_geometry *g, ek_appender *a, int32_t level) {
    int32_t row = 0, several = 0;
    if (g->gray) {
        for (int32_t step = g->stride; step; step >>= 1)
            if (row + step <= g->bits - 2 && ek_pairs_before(row + step, g->bits) <= level)
                row += step;
        several = level - ek_pairs_before(row, g->bits);
    }
    for (int32_t from = 0; from < g->bits; from += 32) {
        const int32_t count = ek_min(32, g->bits - from);
        const uint32_t bits = g->gray ? ek_gray_bits(row, several, g->bits, from) : ek_ones_below(level + 1 - from);
        ek_append(a, bits & ek_ones_below(count), count);
    }
}

/* The words of values `from` to `to` of a position; its bits begin at word 0 of `y`, those of `from` at a word. */
EK_INLINE void ek_level_words(const ek_level_encode_geometry *g, const ek_levels *levels, const int16_t *x, uint32_t *y,
                              int32_t from, int32_t to) {
    ek_appender a = {y + from * g->bits / 32, 0, 0};
    for (int32_t i = from; i < to; i++)
        ek_append_level(g, &a, ek_level(levels, x[i]));
    if (a.used)
        *a.to = a.word;
}

EK_INLINE void ek_level_encode(const ek_level_encode_geometry *g, const int16_t *x, uint32_t *y) {
    for (int32_t p = 0; p < g->positions; p++) {
        const int16_t *own = x + p * g->values;
        const ek_levels levels = ek_levels_of(ek_sample_sums_of(own, g->values), g->values, g->levels, g->deviations);
        ek_level_words(g, &levels, own, y + p * EK_LEVEL_WORDS(g), 0, g->values);
    }
}

#endif

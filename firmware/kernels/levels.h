/*
 * The levels of a sample's int16 values x, exactly, with one multiplication per value.
 *
 * With n values, S = sum x, V = n sum x^2 - S^2, r = max(1, isqrt(V)) and q levels over k deviations
 *
 *   level(x) = clip(floor(u(x) / e), 0, q - 1),   u(x) = a x + c,   a = 2 q n,   c = k r (q - 1) - 2 q S,   e = 2 k r.
 *
 * Between `first`, the smallest x with a level above 0, and `last`, the smallest one of level q - 1,
 *
 *   (x - first) * floor(a 2^32 / e) + floor(u(first) 2^32 / e)
 *
 * is at most 2^16 + 1 below u(x) 2^32 / e. Its upper word is the level, except where the lower one is that close to
 * 2^32: there u(x) itself decides. n < 2^16 and 2 q n < 2^31 keep a below 2^31, u below 2^49, e below 2^34.
 */
#ifndef EK_LEVELS_H
#define EK_LEVELS_H

#include "base.h"

typedef struct {
    int64_t squares; /* sum of x^2 */
    int32_t total;   /* sum of x */
} ek_sample_sums;

typedef struct {
    int32_t first, last;
    int32_t top;            /* q - 1 */
    int64_t a, c, e;        /* of u(x) */
    uint64_t slope, offset; /* levels per value and at `first`, times 2^32 */
} ek_levels;

#define EK_LEVELS_CLOSE 0xfffe0000u /* a lower word above which u(x) is asked */

EK_INLINE ek_sample_sums ek_sample_sums_of(const int16_t *x, int32_t n) {
    ek_sample_sums sums = {0, 0};
    for (int32_t i = 0; i < n; i++) {
        sums.squares += x[i] * x[i];
        sums.total += x[i];
    }
    return sums;
}

/* floor(sqrt(v)), bit by bit. */
EK_INLINE int64_t ek_isqrt(uint64_t v) {
    uint64_t root = 0;
    for (uint64_t bit = 1ull << 62; bit; bit >>= 2) {
        const uint64_t least = root + bit;
        root >>= 1;
        if (v >= least) {
            v -= least;
            root += bit;
        }
    }
    return (int64_t)root;
}

/* floor(a * 2^32 / b) for a < 2^50, where that fits; bit by bit, because cores of 32 bits have no such division. */
EK_INLINE uint64_t ek_ratio(uint64_t a, uint64_t b) {
    uint64_t quotient = 0, rest = 0;
    for (int32_t bit = 49; bit >= -32; bit--) {
        rest = (rest << 1) | (bit >= 0 ? (a >> bit) & 1u : 0u);
        quotient <<= 1;
        if (rest >= b) {
            rest -= b;
            quotient |= 1u;
        }
    }
    return quotient;
}

/* The smallest int16 x with u(x) >= bound, 2^15 where there is none; u does not fall. */
EK_INLINE int32_t ek_levels_reach(const ek_levels *l, int64_t bound) {
    int32_t x = -(1 << 15);
    for (int32_t step = 1 << 15; step; step >>= 1)
        if (l->a * (x + step - 1) + l->c < bound)
            x += step;
    return l->a * x + l->c < bound ? x + 1 : x;
}

/* The levels of a sample of `n` values; `deviations` is k, `levels` is q. */
EK_INLINE ek_levels ek_levels_of(ek_sample_sums sums, int32_t n, int32_t levels, int32_t deviations) {
    const int64_t variance = n * sums.squares - (int64_t)sums.total * sums.total;
    const int64_t root = ek_isqrt((uint64_t)variance), r = deviations * (root > 0 ? root : 1);
    ek_levels l = {0, 0, levels - 1, 2 * (int64_t)levels * n, 0, 2 * r, 0, 0};

    l.c = r * l.top - 2 * (int64_t)levels * sums.total;
    l.first = ek_levels_reach(&l, l.e);
    l.last = ek_levels_reach(&l, l.e * l.top);
    if (l.first < l.last) {
        l.slope = ek_ratio((uint64_t)l.a, (uint64_t)l.e);
        l.offset = ek_ratio((uint64_t)(l.a * l.first + l.c), (uint64_t)l.e);
    }
    return l;
}

EK_INLINE int32_t ek_level(const ek_levels *l, int32_t x) {
    if (x >= l->last)
        return l->top;
    if (x < l->first)
        return 0;
    const uint64_t near = (uint64_t)(uint32_t)(x - l->first) * l->slope + l->offset;
    const int32_t level = (int32_t)(near >> 32);
    return (uint32_t)near >= EK_LEVELS_CLOSE && l->a * x + l->c >= l->e * (level + 1) ? level + 1 : level;
}

#endif

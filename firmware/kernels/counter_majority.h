/* Counters -> bits: 1 above the zero point, the tie bit where equal. Tie bits are made from a seed, 64 at a time.
 *
 * A counter with tie bit t gives 1 where zero - t - counter is negative. */
#ifndef EK_COUNTER_MAJORITY_H
#define EK_COUNTER_MAJORITY_H

#include "base.h"
#include "splitmix.h"

typedef struct {
    int32_t channels, positions;
    int32_t bytes; /* 2 or 4 per counter */
    int32_t zero;
    int32_t seed_low, seed_high; /* the two words of the seed */
} ek_counter_majority_geometry;

/* Whether counter i gives 1, as the sign bit. */
EK_INLINE uint32_t ek_outvoted(const ek_counter_majority_geometry *g, const void *counters, int32_t i, uint32_t tie) {
    if (g->bytes == 2)
        return (uint32_t)(g->zero - (int32_t)tie - ((const int16_t *)counters)[i]) & 0x80000000u;
    return (uint32_t)(((int64_t)g->zero - tie - ((const int32_t *)counters)[i]) < 0) << 31;
}

/* Word w of a position's bits. */
EK_INLINE uint32_t ek_outvoted_word(const ek_counter_majority_geometry *g, const void *counters, int32_t p, int32_t w) {
    const uint64_t seed = (uint64_t)(uint32_t)g->seed_high << 32 | (uint32_t)g->seed_low;
    const int32_t first = p * g->channels + 32 * w, count = ek_min(32, g->channels - 32 * w);
    uint32_t ties = (uint32_t)(ek_splitmix_word(seed, (uint64_t)(w >> 1)) >> (w & 1 ? 32 : 0));
    uint32_t bits = 0;
    int32_t i = 0;
    for (; i + 8 <= count; i += 8) {
        EK_UNROLL
        for (int32_t k = 0; k < 8; k++)
            bits = bits >> 1 | ek_outvoted(g, counters, first + i + k, ties >> k & 1u);
        ties >>= 8;
    }
    for (; i < count; i++, ties >>= 1)
        bits = bits >> 1 | ek_outvoted(g, counters, first + i, ties & 1u);
    return bits >> (32 - count);
}

EK_INLINE void ek_counter_majority(const ek_counter_majority_geometry *g, const void *counters, uint32_t *y) {
    const int32_t words = (g->channels + 31) / 32;
    for (int32_t p = 0; p < g->positions; p++)
        for (int32_t w = 0; w < words; w++)
            y[p * words + w] = ek_outvoted_word(g, counters, p, w);
}

#endif

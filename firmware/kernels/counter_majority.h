/* Counters -> bits: 1 above the zero point, the tie bit where equal. Tie bits are made from a seed, 64 at a time. */
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

EK_INLINE void ek_counter_majority(const ek_counter_majority_geometry *g, const void *counters, uint32_t *y) {
    const uint64_t seed = (uint64_t)(uint32_t)g->seed_high << 32 | (uint32_t)g->seed_low;
    const int32_t words = (g->channels + 31) / 32;
    for (int32_t p = 0; p < g->positions; p++)
        for (int32_t w = 0; w < words; w++) {
            const int32_t first = p * g->channels + 32 * w, count = ek_min(32, g->channels - 32 * w);
            const uint32_t ties = (uint32_t)(ek_splitmix_word(seed, (uint64_t)(w >> 1)) >> (w & 1 ? 32 : 0));
            uint32_t above = 0, equal = 0;
            for (int32_t i = 0; i < count; i++) {
                const int32_t c =
                    g->bytes == 2 ? ((const int16_t *)counters)[first + i] : ((const int32_t *)counters)[first + i];
                above |= (uint32_t)(c > g->zero) << i;
                equal |= (uint32_t)(c == g->zero) << i;
            }
            y[p * words + w] = above | (equal & ties);
        }
}

#endif

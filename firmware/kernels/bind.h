/* XOR of bits, word by word; the other operand is a tensor, a constant key or one that is made from a seed. */
#ifndef EK_BIND_H
#define EK_BIND_H

#include "base.h"
#include "splitmix.h"

typedef struct {
    int32_t words;
} ek_bind_geometry;

EK_INLINE void ek_bind(const ek_bind_geometry *g, const uint32_t *x0, const uint32_t *x1, uint32_t *y) {
    for (int32_t i = 0; i < g->words; i++)
        y[i] = x0[i] ^ x1[i];
}

EK_INLINE void ek_bind_key(const ek_bind_geometry *g, const uint32_t *x, uint32_t *y, const uint32_t *key) {
    ek_bind(g, x, key, y);
}

typedef struct {
    int32_t words;
    int32_t row;                  /* words of a position */
    int32_t first;                /* the word of the key that x begins with */
    uint32_t tail;                /* bits of the last word of a position */
    uint32_t seed_low, seed_high; /* SplitMix64; every position begins with a word of 64 bits */
} ek_bind_seed_geometry;

/* Words `i` to `end` - 1. */
EK_INLINE void ek_bind_drawn(const ek_bind_seed_geometry *g, const uint32_t *x, uint32_t *y, int32_t i, int32_t end) {
    const uint64_t seed = (uint64_t)g->seed_high << 32 | g->seed_low, step = EK_SPLITMIX_GAMMA;
    int32_t position = (g->first + i) / g->row, word = (g->first + i) % g->row;
    for (; i < end; position++, word = 0) {
        const int32_t stop = ek_min(end, i + g->row - word), whole = ek_min(end, i + g->row - word - 1);
        const int32_t drawn = position * ((g->row + 1) / 2) + word / 2;
        uint64_t counter = seed + (uint64_t)(drawn + 1) * step, key = ek_splitmix_mix(counter);
        if (word % 2 && i < whole) {
            y[i] = x[i] ^ (uint32_t)(key >> 32);
            i++, word++;
            key = ek_splitmix_mix(counter += step);
        }
        for (; i + 2 <= whole; i += 2, word += 2, key = ek_splitmix_mix(counter += step)) {
            y[i] = x[i] ^ (uint32_t)key;
            y[i + 1] = x[i + 1] ^ (uint32_t)(key >> 32);
        }
        for (; i < stop; i++, word++) {
            const uint32_t half = word % 2 ? (uint32_t)(key >> 32) : (uint32_t)key;
            y[i] = x[i] ^ (word == g->row - 1 ? half & g->tail : half);
        }
    }
}

EK_INLINE void ek_bind_seed(const ek_bind_seed_geometry *g, const uint32_t *x, uint32_t *y) {
    ek_bind_drawn(g, x, y, 0, g->words);
}

#endif

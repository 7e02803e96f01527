/* One vector of bits of many, channel by channel: by majority or by parity, portable C99. */
#ifndef EK_BUNDLE_H
#define EK_BUNDLE_H

#include "base.h"

typedef struct {
    int32_t words; /* of a position */
    int32_t positions;
} ek_bundle_geometry;

/* 1 where more than half of the bits are 1; a tie gives 0. */
EK_INLINE void ek_majority(const ek_bundle_geometry *g, const uint32_t *x, uint32_t *y) {
    for (int32_t i = 0; i < g->words; i++) {
        uint32_t word = 0;
        for (int32_t bit = 0; bit < 32; bit++) {
            int32_t ones = 0;
            for (int32_t p = 0; p < g->positions; p++)
                ones += (int32_t)((x[p * g->words + i] >> bit) & 1u);
            word |= (uint32_t)(ones > g->positions / 2) << bit;
        }
        y[i] = word;
    }
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

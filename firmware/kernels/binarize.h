/* Numbers to bits: 1 from a threshold on, which is one for the tensor or one per channel, portable C99. */
#ifndef EK_BINARIZE_H
#define EK_BINARIZE_H

#include "base.h"

typedef struct {
    int32_t channels, positions;
    int32_t in_bits; /* 8, 16 or 32 */
    int32_t several; /* 1: a threshold per channel */
} ek_binarize_geometry;

EK_INLINE int32_t ek_number(const void *x, int32_t index, int32_t bits) {
    return bits == 8    ? ((const int8_t *)x)[index]
           : bits == 16 ? ((const int16_t *)x)[index]
                        : ((const int32_t *)x)[index];
}

/* Word `word` of a position: the bits of its channels, zeros behind the last one. */
EK_INLINE uint32_t ek_binarized(const ek_binarize_geometry *g, const void *x, const int32_t *threshold,
                                int32_t position, int32_t word) {
    const int32_t first = 32 * word, count = ek_min(32, g->channels - first);
    uint32_t bits = 0;
    for (int32_t i = 0; i < count; i++) {
        const int32_t value = ek_number(x, position * g->channels + first + i, g->in_bits);
        bits |= (uint32_t)(value >= threshold[g->several ? first + i : 0]) << i;
    }
    return bits;
}

EK_INLINE void ek_binarize(const ek_binarize_geometry *g, const void *x, uint32_t *y, const int32_t *threshold) {
    const int32_t words = (g->channels + 31) / 32;
    for (int32_t p = 0; p < g->positions; p++)
        for (int32_t word = 0; word < words; word++)
            *y++ = ek_binarized(g, x, threshold, p, word);
}

#endif

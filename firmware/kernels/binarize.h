/* Numbers to bits: 1 from a threshold on, which is one for the tensor or one per channel, portable C99. */
#ifndef EK_BINARIZE_H
#define EK_BINARIZE_H

#include "base.h"

typedef struct {
    int32_t channels, positions;
    int32_t in_bits; /* 8, 16 or 32 */
    int32_t several; /* 1: a threshold per channel */
} ek_binarize_geometry;

/* Bits of `count` values from number `first` on; `bits` is a literal. */
EK_INLINE uint32_t ek_binarized_from(const void *x, int32_t first, int32_t count, int32_t bits,
                                     const int32_t *threshold, int32_t step) {
    uint32_t word = 0;
    for (int32_t i = 0; i < count; i++, threshold += step) {
        const int32_t value = bits == 8    ? ((const int8_t *)x)[first + i]
                              : bits == 16 ? ((const int16_t *)x)[first + i]
                                           : ((const int32_t *)x)[first + i];
        word |= (uint32_t)(value >= *threshold) << i;
    }
    return word;
}

/* Word `word` of a position: the bits of its channels, zeros behind the last one. */
EK_INLINE uint32_t ek_binarized(const ek_binarize_geometry *g, const void *x, const int32_t *threshold,
                                int32_t position, int32_t word) {
    const int32_t channel = 32 * word, first = position * g->channels + channel;
    const int32_t count = ek_min(32, g->channels - channel);
    const int32_t *own = threshold + (g->several ? channel : 0);
    if (g->in_bits == 8)
        return ek_binarized_from(x, first, count, 8, own, g->several);
    if (g->in_bits == 16)
        return ek_binarized_from(x, first, count, 16, own, g->several);
    return ek_binarized_from(x, first, count, 32, own, g->several);
}

EK_INLINE void ek_binarize(const ek_binarize_geometry *g, const void *x, uint32_t *y, const int32_t *threshold) {
    const int32_t words = (g->channels + 31) / 32;
    for (int32_t p = 0; p < g->positions; p++)
        for (int32_t word = 0; word < words; word++)
            *y++ = ek_binarized(g, x, threshold, p, word);
}

#endif

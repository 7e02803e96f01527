/* Thermometer and Gray-like codes, Armv7E-M: same values as ../level_encode.h; sums take two values at a time. */
#ifndef EK_ARMV7EM_LEVEL_ENCODE_H
#define EK_ARMV7EM_LEVEL_ENCODE_H

#include "../level_encode.h"
#include "dsp.h"

EK_INLINE ek_sample_sums ek_sample_sums_dsp(const int16_t *x, int32_t n) {
    const int16_t *end = x + n / 2 * 2;
    ek_sample_sums sums = {0, 0};
    while (x != end) {
        const uint32_t pair = ek_load_bytes((const int8_t *)(const void *)x);
        sums.squares = ek_smlald(pair, pair, sums.squares);
        sums.total = ek_smlad(pair, 0x00010001u, sums.total);
        x += 2;
        EK_KEEP(x);
    }
    if (n & 1) {
        sums.squares += *x * *x;
        sums.total += *x;
    }
    return sums;
}

EK_INLINE void ek_level_encode_dsp(const ek_level_encode_geometry *g, const int16_t *x, uint32_t *y) {
    for (int32_t p = 0; p < g->positions; p++, x += g->values, y += EK_LEVEL_WORDS(g)) {
        const ek_levels levels = ek_levels_of(ek_sample_sums_dsp(x, g->values), g->values, g->levels, g->deviations);
        ek_level_words(g, &levels, x, y, 0, g->values);
    }
}

#endif

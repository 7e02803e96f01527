/*
 * Thermometer and Gray-like codes, XpulpV2: same values as ../level_encode.h.
 *
 * Every core adds up its share of the values of every position; the sums lie in scratch memory, [position][core] with
 * three words each. Behind a barrier the cores share blocks of 32 values, whose words begin and end with a word of
 * bits.
 */
#ifndef EK_XPULPV2_LEVEL_ENCODE_H
#define EK_XPULPV2_LEVEL_ENCODE_H

#include "../level_encode.h"
#include "team.h"
#include "xpulp.h"

EK_INLINE ek_sample_sums ek_sample_sums_xpulp(const int16_t *x, int32_t n) {
    ek_sample_sums sums = {0, 0};
    int32_t i = 0;
    for (; i + 2 <= n; i += 2) {
        const uint32_t pair = ek_load4((const int8_t *)(const void *)(x + i));
        sums.squares += (uint32_t)ek_dotsp2(pair, pair); /* up to 2^31 */
        sums.total = ek_sdotsp2(sums.total, pair, 0x00010001u);
    }
    if (i < n) {
        sums.squares += x[i] * x[i];
        sums.total += x[i];
    }
    return sums;
}

/* y is not written. */
EK_INLINE void ek_level_sums_xpulp(const ek_level_encode_geometry *g, ek_team team, const int16_t *x, uint32_t *y,
                                   void *scratch) {
    const int32_t first = ek_share(g->values, team.core, team.cores);
    const int32_t count = ek_share(g->values, team.core + 1, team.cores) - first;
    uint32_t *part = (uint32_t *)scratch + 3 * team.core;
    (void)y;
    for (int32_t p = 0; p < g->positions; p++, part += 3 * team.cores) {
        const ek_sample_sums sums = ek_sample_sums_xpulp(x + p * g->values + first, count);
        part[0] = (uint32_t)sums.squares;
        part[1] = (uint32_t)(sums.squares >> 32);
        part[2] = (uint32_t)sums.total;
    }
}

EK_INLINE ek_sample_sums ek_level_sums_joined(const uint32_t *part, int32_t cores) {
    ek_sample_sums sums = {0, 0};
    for (int32_t core = 0; core < cores; core++, part += 3) {
        sums.squares += (int64_t)((uint64_t)part[1] << 32 | part[0]);
        sums.total += (int32_t)part[2];
    }
    return sums;
}

EK_INLINE void ek_level_words_xpulp(const ek_level_encode_geometry *g, ek_team team, const int16_t *x, uint32_t *y,
                                    void *scratch) {
    const int32_t blocks = (g->values + 31) / 32, units = blocks * g->positions;
    const int32_t end = ek_share(units, team.core + 1, team.cores);
    int32_t unit = ek_share(units, team.core, team.cores);
    while (unit < end) { /* of one position at a time */
        const int32_t p = unit / blocks, stop = ek_min(end, (p + 1) * blocks);
        const ek_sample_sums sums = ek_level_sums_joined((const uint32_t *)scratch + 3 * team.cores * p, team.cores);
        const ek_levels levels = ek_levels_of(sums, g->values, g->levels, g->deviations);
        ek_level_words(g, &levels, x + p * g->values, y + p * EK_LEVEL_WORDS(g), 32 * (unit - p * blocks),
                       ek_min(g->values, 32 * (stop - p * blocks)));
        unit = stop;
    }
}

#endif

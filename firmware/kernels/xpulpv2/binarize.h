/* Numbers to bits, XpulpV2: same values as ../binarize.h. Cores share words of bits. */
#ifndef EK_XPULPV2_BINARIZE_H
#define EK_XPULPV2_BINARIZE_H

#include "../binarize.h"
#include "team.h"

EK_INLINE void ek_binarize_xpulp(const ek_binarize_geometry *g, ek_team team, const void *x, uint32_t *y,
                                 const int32_t *threshold) {
    const int32_t words = (g->channels + 31) / 32, end = ek_share(words * g->positions, team.core + 1, team.cores);
    for (int32_t unit = ek_share(words * g->positions, team.core, team.cores); unit < end; unit++)
        y[unit] = ek_binarized(g, x, threshold, unit / words, unit % words);
}

#endif

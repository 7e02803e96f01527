/* Counters -> bits, on a team: everybody computes a share of the words. */
#ifndef EK_XPULPV2_COUNTER_MAJORITY_H
#define EK_XPULPV2_COUNTER_MAJORITY_H

#include "../counter_majority.h"
#include "team.h"

EK_INLINE void ek_counter_majority_xpulp(const ek_counter_majority_geometry *g, ek_team team, const void *counters,
                                         uint32_t *y) {
    const int32_t words = (g->channels + 31) / 32, all = g->positions * words;
    const int32_t last = ek_share(all, team.core + 1, team.cores);
    for (int32_t unit = ek_share(all, team.core, team.cores); unit < last; unit++)
        y[unit] = ek_outvoted_word(g, counters, unit / words, unit % words);
}

#endif

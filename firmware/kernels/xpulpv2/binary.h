/*
 * Layers on bits with p.cnt, XpulpV2: same values as ../binary_dense.h and ../binary_conv.h.
 *
 * The team shares outputs, four at a time, or words of 32 where the outputs are bits: neighbours in a word are one
 * core's. A convolution shares those of all positions.
 */
#ifndef EK_XPULPV2_BINARY_H
#define EK_XPULPV2_BINARY_H

#include "../binary_conv.h"
#include "../binary_dense.h"
#include "hamming.h"

/* Outputs that a core takes at once. */
EK_INLINE int32_t ek_binary_unit(const ek_binary_output *out) { return out->form == EK_BINARY_BITS ? 32 : 4; }

EK_INLINE void ek_binary_dense_xpulp(const ek_binary_dense_geometry *g, ek_team team, const uint32_t *x, void *y,
                                     const uint32_t *w, const int32_t *record) {
    const int32_t unit = ek_binary_unit(&g->out), units = (g->outputs + unit - 1) / unit;
    const int32_t end = ek_min(g->outputs, ek_share(units, team.core + 1, team.cores) * unit);
    int32_t o = ek_share(units, team.core, team.cores) * unit, four[4];
    uint32_t word = 0;
    for (; o + 4 <= end; o += 4) {
        const uint32_t *from = w + o * g->words;
        const uint32_t *const rows[4] = {from, from + g->words, from + 2 * g->words, from + 3 * g->words};
        ek_differences4(x, rows, g->words, four);
        for (int32_t i = 0; i < 4; i++)
            ek_binary_put(&g->out, y, 0, o + i, g->outputs, g->inputs - 2 * four[i], record, &word);
    }
    for (; o < end; o++) {
        const int32_t sum = g->inputs - 2 * ek_differences(x, w + o * g->words, g->words);
        ek_binary_put(&g->out, y, 0, o, g->outputs, sum, record, &word);
    }
}

EK_INLINE void ek_binary_conv_xpulp(const ek_binary_conv_geometry *g, ek_team team, const uint32_t *x, void *y,
                                    const uint32_t *w, const int32_t *record) {
    const ek_window *s = &g->window;
    const int32_t unit = ek_binary_unit(&g->out), units = (s->out_c + unit - 1) / unit;
    const int32_t all = units * s->out_h * s->out_w, end = ek_share(all, team.core + 1, team.cores);
    for (int32_t at = ek_share(all, team.core, team.cores); at < end; at++) {
        const int32_t first = at % units * unit;
        ek_binary_conv_position(g, at / units, first, ek_min(s->out_c, first + unit), x, y, w, record, ek_differences);
    }
}

#endif

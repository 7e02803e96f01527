/*
 * Layers on bits with p.cnt, XpulpV2: same values as ../binary_dense.h and ../binary_conv.h.
 *
 * The team shares outputs, four at a time, or words of 32 where the outputs are bits: neighbours in a word are one
 * core's. A convolution shares those of all positions.
 */
#ifndef EK_XPULPV2_BINARY_H
#define EK_XPULPV2_BINARY_H

#include "../binary_dense.h"
#include "../binary_window.h"
#include "hamming.h"

/* Outputs that a core takes at once. */
EK_INLINE int32_t ek_binary_unit(const ek_binary_output *out) { return out->form == EK_BINARY_BITS ? 32 : 4; }

/* Outputs from `o` to the one before `end` of a run of words, four at a time. */
EK_INLINE void ek_binary_rows(const ek_binary_output *out, int32_t position, int32_t o, int32_t end, int32_t outputs,
                              int32_t terms, const uint32_t *x, int32_t words, void *y, const uint32_t *w,
                              const int32_t *record) {
    uint32_t word = 0;
    int32_t four[4];
    for (; o + 4 <= end; o += 4) {
        const uint32_t *from = w + o * words;
        const uint32_t *const rows[4] = {from, from + words, from + 2 * words, from + 3 * words};
        ek_differences4(x, rows, words, four);
        for (int32_t i = 0; i < 4; i++)
            ek_binary_put(out, y, position, o + i, outputs, terms - 2 * four[i], record, &word);
    }
    for (; o < end; o++)
        ek_binary_put(out, y, position, o, outputs, terms - 2 * ek_differences(x, w + o * words, words), record, &word);
}

EK_INLINE void ek_binary_dense_xpulp(const ek_binary_dense_geometry *g, ek_team team, const uint32_t *x, void *y,
                                     const uint32_t *w, const int32_t *record) {
    const int32_t unit = ek_binary_unit(&g->out), units = (g->outputs + unit - 1) / unit;
    const int32_t end = ek_min(g->outputs, ek_share(units, team.core + 1, team.cores) * unit);
    const int32_t o = ek_share(units, team.core, team.cores) * unit;
    ek_binary_rows(&g->out, 0, o, end, g->outputs, g->inputs, x, g->words, y, w, record);
}

/* In how many bits what a window sees differs from the weights of four outputs, `run` words from one to the next. */
EK_INLINE void ek_binary_seen4(const ek_binary_conv_geometry *g, const ek_binary_view *v, const uint32_t *copy,
                               const uint32_t *w, int32_t run, int32_t sums[4]) {
    const int32_t width = (v->x1 - v->x0) * g->words;
    int32_t four[4];
    for (int32_t i = 0; i < 4; i++)
        sums[i] = 0;
    if (width <= 0)
        return;
    for (int32_t ky = v->y0; ky < v->y1; ky++) {
        const int32_t at = (ky * g->window.kernel_w + v->x0) * g->words;
        const uint32_t *from = w + at;
        const uint32_t *const rows[4] = {from, from + run, from + 2 * run, from + 3 * run};
        ek_differences4(copy + at, rows, width, four);
        for (int32_t i = 0; i < 4; i++)
            sums[i] += four[i];
    }
}

/* Outputs from `o` to the one before `end` of a window that reaches outside of the input. */
EK_INLINE void ek_binary_edge(const ek_binary_conv_geometry *g, const ek_binary_window *window, int32_t position,
                              int32_t o, int32_t end, void *y, const uint32_t *w, const int32_t *record,
                              uint32_t *copy) {
    const int32_t run = ek_binary_run(g), outputs = g->window.out_c;
    uint32_t word = 0;
    int32_t four[4];
    for (; o + 4 <= end; o += 4) {
        ek_binary_seen4(g, &window->view, copy, w + o * run, run, four);
        for (int32_t i = 0; i < 4; i++)
            ek_binary_put(&g->out, y, position, o + i, outputs, window->terms - 2 * four[i], record, &word);
    }
    for (; o < end; o++) {
        ek_binary_patch(g, &window->view, w + o * run, copy);
        const int32_t sum = window->terms - 2 * ek_differences(copy, w + o * run, run);
        ek_binary_put(&g->out, y, position, o, outputs, sum, record, &word);
    }
}

/* Units `first` to `last` of a position. */
EK_INLINE void ek_binary_position(const ek_binary_conv_geometry *g, int32_t position, int32_t first, int32_t last,
                                  const uint32_t *x, void *y, const uint32_t *w, const int32_t *record,
                                  uint32_t *copy) {
    const int32_t unit = ek_binary_unit(&g->out), outputs = g->window.out_c;
    const int32_t o = first * unit, end = ek_min(outputs, last * unit);
    const ek_binary_window window = ek_binary_gather(g, position, x, copy);
    if (window.whole)
        ek_binary_rows(&g->out, position, o, end, outputs, window.terms, window.words, ek_binary_run(g), y, w, record);
    else
        ek_binary_edge(g, &window, position, o, end, y, w, record, copy);
}

/* Every core takes positions in turn, so that those at the edges, which take longer, are everyone's; of few positions
 * the outputs are shared. */
EK_INLINE void ek_binary_conv_xpulp(const ek_binary_conv_geometry *g, ek_team team, const uint32_t *x, void *y,
                                    const uint32_t *w, const int32_t *record, void *scratch) {
    const int32_t unit = ek_binary_unit(&g->out), units = (g->window.out_c + unit - 1) / unit;
    const int32_t positions = g->window.out_h * g->window.out_w, all = units * positions;
    const int32_t shared = positions < 2 * team.cores, end = ek_share(all, team.core + 1, team.cores);
    uint32_t *copy = (uint32_t *)scratch + team.core * ek_binary_run(g);
    int32_t at = shared ? ek_share(all, team.core, team.cores) : team.core * units;
    while (at < (shared ? end : all)) {
        const int32_t first = at % units, last = shared ? ek_min(units, first + end - at) : units;
        ek_binary_position(g, at / units, first, last, x, y, w, record, copy);
        at += shared ? last - first : units * team.cores;
    }
}

#endif

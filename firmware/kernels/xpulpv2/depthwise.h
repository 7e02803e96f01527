/*
 * Depthwise convolution with four-way dot products, XpulpV2: same values as ../depthwise.h.
 *
 * Channels lie next to each other in memory, the taps of one channel do not. A core therefore copies a band of input
 * rows of four channels into its own scratch memory, transposed: there a channel's row is contiguous, and one word
 * holds four taps. Where taps are `dilation_w` apart, a row is stored as that many phases, so that they are neighbours
 * again. Padding is z_x in the copy; z_x is folded into the biases.
 *
 * Rows and columns may have changed roles (kernels that are taller than wide): the geometry says how far apart rows and
 * columns lie in memory. Weights int8: [output][kernel row][tap, filled up to whole words].
 *
 * Scratch memory of a core: [row of the band][channel][phase][column]. The team shares (four channels, chunk of
 * columns, output row); a band is up to `rows` neighbouring output rows.
 */
#ifndef EK_XPULPV2_DEPTHWISE_H
#define EK_XPULPV2_DEPTHWISE_H

#include "../window.h"
#include "depthwise_loops.h"
#include "team.h"

typedef struct {
    ek_window window;
    ek_requant requant;
    int32_t in_zero;
    int32_t x_row, x_column, y_row, y_column; /* elements from one to the next */
    int32_t columns, rows;                    /* outputs of a chunk and of a band */
    int32_t pitch;                            /* bytes of a phase, whole words */
    int32_t scratch;                          /* bytes of one core */
} ek_depthwise_xpulp_geometry;

/* Fewer than four columns of an input row. */
EK_INLINE void ek_depthwise_few(const int8_t *x, int32_t step, int32_t count, int8_t *to, int32_t channel) {
    for (int32_t i = 0; i < count; i++)
        for (int32_t lane = 0; lane < 4; lane++)
            to[i + lane * channel] = (int8_t)ek_byte(ek_load4(x + i * step), lane);
}

/* One phase of the input rows of a band: columns left, left + dilation_w, ... from row `top` on, z_x outside. */
EK_INLINE void ek_depthwise_phase(const ek_depthwise_xpulp_geometry *g, const int8_t *x, int32_t top, int32_t rows,
                                  int32_t left, int32_t count, int8_t *to) {
    const ek_window *s = &g->window;
    const int32_t apart = s->dilation_w, channel = apart * g->pitch, step = apart * g->x_column;
    const int32_t first = ek_first_tap(left, apart, count);
    const int32_t last = ek_max(first, ek_last_tap(left, apart, count, s->in_w)), seen = last - first;
    const int32_t begin = ek_min(ek_max(0, -top), rows), end = ek_max(begin, ek_min(rows, s->in_h - top));
    const uint32_t zero = ek_repeat4(g->in_zero);
    for (int32_t i = last; i < count; i += 4) /* the last word may reach into the slack of the pitch */
        ek_fill_apart(to + i, zero, 4 * rows, channel);
    for (int32_t i = 0; i < first; i += 4)
        ek_fill_apart(to + i, zero, 4 * rows, channel);
    for (int32_t i = first; i < last && begin + rows - end > 0; i += 4) {
        ek_fill_apart(to + i, zero, 4 * begin, channel);
        ek_fill_apart(to + i + 4 * end * channel, zero, 4 * (rows - end), channel);
    }
    x += (top + begin) * g->x_row + (left + first * apart) * g->x_column;
    to += 4 * begin * channel + first;
    if (seen >= 4) {
        ek_transpose_rows(x, step, g->x_row, seen / 4, end - begin, to, channel);
        if (seen % 4)
            ek_transpose_rows(x + (seen - 4) * step, step, g->x_row, 1, end - begin, to + seen - 4, channel);
        return;
    }
    for (int32_t i = begin; i < end; i++, x += g->x_row, to += 4 * channel)
        ek_depthwise_few(x, step, seen, to, channel);
}

/* The input rows of a band, from row `top` and column `left`. */
EK_INLINE void ek_depthwise_band(const ek_depthwise_xpulp_geometry *g, const int8_t *x, int32_t top, int32_t rows,
                                 int32_t left, int32_t width, int8_t *to) {
    const ek_window *s = &g->window;
    const int32_t count = (width - 1) * s->stride_w / s->dilation_w + s->kernel_w;
    for (int32_t phase = 0; phase < s->dilation_w; phase++)
        ek_depthwise_phase(g, x, top, rows, left + phase, count, to + phase * g->pitch);
}

/* Outputs along the columns of one row: those that share a phase are neighbours in the copy. */
EK_INLINE void ek_depthwise_columns(const ek_depthwise_xpulp_geometry *g, ek_taps *t, int32_t width) {
    const ek_window *s = &g->window;
    if (s->dilation_w == 1) {
        t->x_step = s->stride_w;
        t->y_step = g->y_column;
        ek_taps_run(t, &g->requant, width);
        return;
    }
    const int8_t *x = t->x;
    const int32_t at = t->at;
    for (int32_t j = 0; j < ek_min(width, s->dilation_w); j++) { /* outputs j, j + dilation_w, ... */
        const int32_t start = j * s->stride_w;
        t->x = x + start % s->dilation_w * g->pitch + start / s->dilation_w;
        t->at = at + j * g->y_column;
        t->x_step = s->stride_w;
        t->y_step = s->dilation_w * g->y_column;
        ek_taps_run(t, &g->requant, (width - j + s->dilation_w - 1) / s->dilation_w);
    }
}

/* A band of one output channel. */
EK_INLINE void ek_depthwise_channel(const ek_depthwise_xpulp_geometry *g, ek_taps *t, int32_t width, int32_t rows) {
    const ek_window *s = &g->window;
    const int32_t row = s->stride_h * 4 * s->dilation_w * g->pitch, at = t->at;
    const int8_t *x = t->x;
    const int32_t neighbours = s->dilation_w == 1;
    int32_t done = 0;
    if (neighbours && s->stride_w == 1 && ek_taps_are_3x3(t, &g->requant) && width > 1) {
        done = width / 2 * 2;
        ek_taps_pairs(t, &g->requant, done / 2, rows, row, g->y_row, g->y_column);
    }
    if (neighbours && (width - done < 4 && rows > width - done)) {
        for (int32_t j = done; j < width; j++) {
            t->x = x + j * s->stride_w;
            t->at = at + j * g->y_column;
            t->x_step = row;
            t->y_step = g->y_row;
            ek_taps_run(t, &g->requant, rows);
        }
        return;
    }
    for (int32_t i = 0; i < rows && done < width; i++) {
        t->x = x + i * row + done * s->stride_w;
        t->at = at + i * g->y_row + done * g->y_column;
        ek_depthwise_columns(g, t, width - done);
    }
}

EK_INLINE void ek_depthwise_xpulp(const ek_depthwise_xpulp_geometry *g, ek_team team, const int8_t *x, void *y,
                                  const int8_t *w, const int32_t *record, void *scratch) {
    const ek_window *s = &g->window;
    const int32_t multiplier = s->out_c / s->in_c, chunks = (s->out_w + g->columns - 1) / g->columns;
    const int32_t units = (s->in_c + 3) / 4 * chunks * s->out_h, end = ek_share(units, team.core + 1, team.cores);
    const int32_t channel = s->dilation_w * g->pitch, words = (s->kernel_w + 3) / 4, weights = 4 * s->kernel_h * words;
    const int32_t record_words = EK_RECORD_WORDS(&g->requant);
    int8_t *band = (int8_t *)scratch + team.core * g->scratch;
    int32_t unit = ek_share(units, team.core, team.cores);
    while (unit < end) {
        const int32_t part = unit / s->out_h, oh = unit % s->out_h;
        const int32_t c = part / chunks * 4, ow = part % chunks * g->columns, width = ek_min(g->columns, s->out_w - ow);
        const int32_t rows = ek_min(ek_min(g->rows, end - unit), s->out_h - oh);
        const int32_t seen = (rows - 1) * s->stride_h + (s->kernel_h - 1) * s->dilation_h + 1;
        const int32_t channels = ek_min(4, s->in_c - c);
        ek_depthwise_band(g, x + c, oh * s->stride_h - s->pad_top, seen, ow * s->stride_w - s->pad_left, width, band);
        ek_taps t = {band,
                     w + c * multiplier * weights,
                     record + c * multiplier * record_words,
                     y,
                     oh * g->y_row + ow * g->y_column + c * multiplier,
                     0,
                     0,
                     4 * channel * s->dilation_h,
                     s->kernel_h,
                     words};
        for (int32_t i = 0; i < channels; i++)
            for (int32_t k = 0; k < multiplier; k++) {
                ek_taps output = t;
                output.x += i * channel;
                ek_depthwise_channel(g, &output, width, rows);
                t.w += weights;
                t.record += record_words;
                t.at++;
            }
        unit += rows;
    }
}

#endif

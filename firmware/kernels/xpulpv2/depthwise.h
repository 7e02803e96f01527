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
    int32_t columns;                          /* outputs of a chunk */
    int32_t pitch;                            /* bytes of a phase, whole words */
    int32_t scratch;                          /* bytes of the whole team */
} ek_depthwise_xpulp_geometry;

/* Fewer than four columns of an input row. */
EK_INLINE void ek_depthwise_few(const int8_t *x, int32_t step, int32_t count, int8_t *to, int32_t channel) {
    for (int32_t i = 0; i < count; i++)
        for (int32_t lane = 0; lane < 4; lane++)
            to[i + lane * channel] = (int8_t)ek_byte(ek_load4(x + i * step), lane);
}

/* What a band's copy holds of one phase: columns first .. last-1 of `count` and rows begin .. end-1 of `rows` lie
 * inside the input, whose column `left` and row `top` are the copy's first ones. */
typedef struct {
    int32_t top, rows, begin, end;
    int32_t left, count, first, last;
} ek_depthwise_part;

EK_INLINE ek_depthwise_part ek_depthwise_look(const ek_window *s, int32_t top, int32_t rows, int32_t left,
                                              int32_t count) {
    const int32_t first = ek_first_tap(left, s->dilation_w, count), begin = ek_min(ek_max(0, -top), rows);
    const int32_t last = ek_max(first, ek_last_tap(left, s->dilation_w, count, s->in_w));
    const ek_depthwise_part part = {top,  rows,  begin, ek_max(begin, ek_min(rows, s->in_h - top)),
                                    left, count, first, last};
    return part;
}

/* z_x outside the input, by words: the last one may reach into what is written later, or behind the band. */
EK_INLINE void ek_depthwise_pad(ek_depthwise_part p, uint32_t zero, int32_t channel, int8_t *to) {
    int32_t left = 0, right = p.last;
    while (left < p.first || right < p.count) { /* one word on each side, or twice the one that is needed */
        const int32_t a = left < p.first ? left : right, b = right < p.count ? right : left;
        ek_fill_twice(to + a, to + b, zero, 4 * p.rows, channel);
        left += 4;
        right += 4;
    }
    for (int32_t i = p.first; i < p.last && p.end - p.begin < p.rows; i += 4) {
        ek_fill_apart(to + i, zero, 4 * p.begin, channel);
        ek_fill_apart(to + i + 4 * p.end * channel, zero, 4 * (p.rows - p.end), channel);
    }
}

EK_INLINE void ek_depthwise_copy(const ek_depthwise_xpulp_geometry *g, ek_depthwise_part p, const int8_t *x,
                                 int32_t channel, int8_t *to) {
    const int32_t step = g->window.dilation_w * g->x_column, seen = p.last - p.first, rows = p.end - p.begin;
    x += (p.top + p.begin) * g->x_row + p.left * g->x_column + p.first * step;
    to += 4 * p.begin * channel + p.first;
    if (seen >= 4) {
        ek_transpose_rows(x, step, g->x_row, seen / 4, rows, to, channel);
        if (seen % 4)
            ek_transpose_rows(x + (seen - 4) * step, step, g->x_row, 1, rows, to + seen - 4, channel);
        return;
    }
    for (int32_t i = 0; i < rows; i++, x += g->x_row, to += 4 * channel)
        ek_depthwise_few(x, step, seen, to, channel);
}

/* The input rows of a band, from row `top` and column `left`; `padded`: the padding is there already. */
EK_INLINE void ek_depthwise_band(const ek_depthwise_xpulp_geometry *g, const int8_t *x, int32_t top, int32_t rows,
                                 int32_t left, int32_t width, int32_t padded, int8_t *to) {
    const ek_window *s = &g->window;
    const int32_t count = (width - 1) * s->stride_w / s->dilation_w + s->kernel_w, phases = s->dilation_w;
    for (int32_t turn = padded ? phases : 0; turn < 2 * phases; turn++) { /* all padding comes first */
        const int32_t phase = turn < phases ? turn : turn - phases;
        const ek_depthwise_part p = ek_depthwise_look(s, top, rows, left + phase, count);
        if (turn < phases)
            ek_depthwise_pad(p, ek_repeat4(g->in_zero), phases * g->pitch, to + phase * g->pitch);
        else
            ek_depthwise_copy(g, p, x, phases * g->pitch, to + phase * g->pitch);
    }
}

/* A band of one output channel, line by line: the outputs of a row that share a phase (every dilation_w-th one) are
 * neighbours in the copy. Where a band has more rows than columns, lines of one column. */
EK_INLINE void ek_depthwise_channel(const ek_depthwise_xpulp_geometry *g, const ek_taps *t, int32_t width,
                                    int32_t rows) {
    const ek_window *s = &g->window;
    const int32_t row = s->stride_h * 4 * s->dilation_w * g->pitch,
                  upright = s->dilation_w == 1 && width < 4 && rows > width;
    const int32_t phases = upright ? width : ek_min(width, s->dilation_w);
    for (int32_t i = 0; i < (upright ? 1 : rows); i++)
        for (int32_t j = 0; j < phases; j++) {
            const int32_t start = j * s->stride_w;
            ek_taps line = *t;
            line.x += i * row + (s->dilation_w == 1 ? start : start % s->dilation_w * g->pitch + start / s->dilation_w);
            line.at += i * g->y_row + j * g->y_column;
            line.x_step = upright ? row : s->stride_w;
            line.y_step = upright ? g->y_row : s->dilation_w * g->y_column;
            ek_taps_run(&line, &g->requant,
                        upright              ? rows
                        : s->dilation_w == 1 ? width
                                             : (width - j + s->dilation_w - 1) / s->dilation_w);
        }
}

/* Whether ek_depthwise_3x3 computes a layer. */
EK_INLINE int32_t ek_depthwise_is_3x3(const ek_window *s, const ek_requant *r) {
    return s->kernel_h == 3 && s->kernel_w <= 3 && s->dilation_w == 1 && !r->full && r->out_bits == 8;
}

/* A band of such a layer: pairs of outputs, then an odd last column; or every output by itself. All channels are one
 * run, or the outputs of one input channel where there are several of them. */
EK_INLINE void ek_depthwise_3x3(const ek_depthwise_xpulp_geometry *g, const ek_taps *t, int32_t channel,
                                int32_t channels, int32_t multiplier, int32_t width, int32_t rows) {
    const ek_window *s = &g->window;
    const int32_t paired = s->stride_w == 1 ? width & ~1 : 0, together = multiplier == 1;
    for (int32_t turn = 0; turn < 2 * (together ? 1 : channels); turn++) {
        const int32_t i = turn >> 1, from = turn & 1 ? paired : 0, until = turn & 1 ? width : paired;
        ek_taps_3x3 run = {t->x + i * channel + from * s->stride_w,
                           t->w + i * multiplier * 12,
                           t->record + i * multiplier * 4,
                           (int8_t *)t->y + t->at + i * multiplier + from * g->y_column,
                           together ? channel : 0,
                           t->row,
                           s->stride_w,
                           s->stride_h * 4 * channel - (until - from) * s->stride_w,
                           g->y_column,
                           g->y_row - (until - from) * g->y_column,
                           until - from,
                           rows,
                           together ? channels : multiplier,
                           g->requant.lo,
                           g->requant.hi};
        if (until == from)
            continue;
        if (from > 0 || paired == 0) {
            ek_taps_singles(&run);
            continue;
        }
        run.count >>= 1;
        ek_taps_pairs(&run);
    }
}

/* Output rows of a band: those that fit `bytes`, all bands of a core being equally large. */
EK_INLINE int32_t ek_depthwise_rows(const ek_depthwise_xpulp_geometry *g, int32_t bytes, int32_t rows) {
    const ek_window *s = &g->window;
    const int32_t held = (bytes - 8) / (4 * s->dilation_w * g->pitch), halo = (s->kernel_h - 1) * s->dilation_h + 1;
    const int32_t most = ek_max(1, ek_min(rows, 1 + (held - halo) / s->stride_h)),
                  bands = ek_max(1, (rows + most - 1) / most);
    return (rows + bands - 1) / bands;
}

EK_INLINE void ek_depthwise_xpulp(const ek_depthwise_xpulp_geometry *g, ek_team team, const int8_t *x, void *y,
                                  const int8_t *w, const int32_t *record, void *scratch) {
    const ek_window *s = &g->window;
    const int32_t multiplier = s->out_c / s->in_c, chunks = (s->out_w + g->columns - 1) / g->columns;
    const int32_t units = (s->in_c + 3) / 4 * chunks * s->out_h, end = ek_share(units, team.core + 1, team.cores);
    const int32_t channel = s->dilation_w * g->pitch, words = (s->kernel_w + 3) / 4, weights = 4 * s->kernel_h * words;
    const int32_t record_words = EK_RECORD_WORDS(&g->requant), small = ek_depthwise_is_3x3(s, &g->requant);
    const int32_t own = g->scratch / team.cores / 8 * 8;
    int8_t *band = (int8_t *)scratch + team.core * own;
    int32_t unit = ek_share(units, team.core, team.cores), before_oh = -1, before_ow = -1, before_rows = 0;
    const int32_t most = ek_depthwise_rows(g, own, ek_min(s->out_h, end - unit));
    while (unit < end) {
        const int32_t part = unit / s->out_h, oh = unit % s->out_h;
        const int32_t c = part / chunks * 4, ow = part % chunks * g->columns, width = ek_min(g->columns, s->out_w - ow);
        const int32_t rows = ek_min(ek_min(most, end - unit), s->out_h - oh);
        const int32_t seen = (rows - 1) * s->stride_h + (s->kernel_h - 1) * s->dilation_h + 1;
        const int32_t channels = ek_min(4, s->in_c - c), o = c * multiplier;
        const int32_t padded = oh == before_oh && ow == before_ow && rows == before_rows;
        ek_depthwise_band(g, x + c, oh * s->stride_h - s->pad_top, seen, ow * s->stride_w - s->pad_left, width, padded,
                          band);
        before_oh = oh;
        before_ow = ow;
        before_rows = rows;
        ek_taps t = {
            band, w + o * weights, record + o * record_words,   y,           oh * g->y_row + ow * g->y_column + o,
            1,    g->y_column,     4 * channel * s->dilation_h, s->kernel_h, words};
        if (small)
            ek_depthwise_3x3(g, &t, channel, channels, multiplier, width, rows);
        for (int32_t i = 0; i < channels && !small; i++, t.x += channel)
            for (int32_t k = 0; k < multiplier; k++, t.w += weights, t.record += record_words, t.at++)
                ek_depthwise_channel(g, &t, width, rows);
        unit += rows;
    }
}

#endif

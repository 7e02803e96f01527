/*
 * Convolution with SMLAD, Armv7E-M: same values as ../conv.h.
 *
 * Input rows are expanded once into int16 pairs of x - z_x, a word per channel pair, so that padding is zeros. The last
 * channel of an odd number of channels pairs with itself one tap later: no lane is wasted but at the last tap.
 *
 * A column of scratch holds, per group of four channels, the pairs (0, 2) and (1, 3), then a pair for two channels
 * more, then the odd one. Weights (int16 pairs in words) are stored as the loops read them: per group and per two
 * outputs, kernel row, channel pair, tap, output; then the odd channel's tap pairs.
 */
#ifndef EK_ARMV7EM_CONV_H
#define EK_ARMV7EM_CONV_H

#include "../conv.h"
#include "mac_block.h"

enum { EK_EDGE = 4 }; /* blocks at the start of a row that have code of their own, without the taps they cannot see */

/* What follows from the geometry; literals after inlining. */
EK_INLINE int32_t ek_conv_words(const ek_conv_geometry *g) { return (g->window.in_c / g->groups + 1) / 2; }

EK_INLINE int32_t ek_conv_columns(const ek_window *s) {
    return (s->out_w - 1) * s->stride_w + (s->kernel_w - 1) * s->dilation_w + 1;
}

/* Words of one output and one kernel row: channel pairs, then tap pairs of an odd channel. */
EK_INLINE int32_t ek_conv_row_weights(int32_t channels, int32_t taps) {
    return channels / 2 * taps + (channels & 1 ? (taps + 1) / 2 : 0);
}

EK_INLINE int32_t ek_conv_span(const ek_window *s) { return (s->kernel_h - 1) * s->dilation_h + 1; }

/* One column: `channels` values of x, minus the zero point, in words. The odd channel's value also goes to the lane
 * `before` words earlier, if that is not 0. */
EK_INLINE void ek_conv_column(const int8_t *x, int32_t channels, int32_t zero, ek_word *out, int32_t before) {
    const uint32_t shift = ek_lanes(-zero, -zero);
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
        const uint32_t bytes = ek_load_bytes(x + c);
        *out++ = ek_add_even(shift, bytes);
        *out++ = ek_add_odd(shift, bytes);
    }
    if (channels & 2) {
        *out++ = ek_lanes(x[c] - zero, x[c + 1] - zero);
        c += 2;
    }
    if (channels & 1) {
        const int32_t value = x[c] - zero;
        *out = (uint32_t)value & 0xffffu;
        if (before)
            ((ek_half *)(out - before))[1] = (ek_half)value;
    }
}

/* Input row `x` (channels of one group) into scratch columns, zeros left and right of it; without what lies before the
 * first window, where the pad is negative. */
EK_INLINE void ek_conv_expand(const ek_conv_geometry *g, const int8_t *x, ek_word *row) {
    const ek_window *s = &g->window;
    const int32_t words = ek_conv_words(g), columns = ek_conv_columns(s), channels = s->in_c / g->groups;
    const int32_t left = ek_max(0, ek_min(s->pad_left, columns)), before_window = ek_max(0, -s->pad_left);
    const int32_t filled = ek_max(0, ek_min(s->in_w - before_window, columns - left));
    const int32_t tap = s->dilation_w, pairs_taps = (channels & 1) && s->kernel_w > 1;
    for (int32_t i = 0; i < left * words; i++)
        row[i] = 0;
    for (int32_t i = (left + filled) * words; i < columns * words; i++)
        row[i] = 0;
    row += left * words;
    x += before_window * s->in_c;
    for (int32_t i = 0; i < filled; i++) {
        const int32_t before = pairs_taps && left + i >= tap ? tap * words : 0;
        ek_conv_column(x + i * s->in_c, channels, g->in_zero, row + i * words, before);
    }
}

/* Sums of a block over one row of the window. A kernel of one tap takes neighbouring words as its steps. */
EK_INLINE void ek_conv_row_sums(const ek_block *b, const ek_word *x, const ek_word *w, int32_t channels, int32_t taps,
                                int32_t skip, ek_sums *acc) {
    const ek_block words = {b->channels, 0, 1, 1, b->apart}, odd = {b->channels, b->slides, 2, b->gap, b->apart};
    const int32_t pairs = channels / 2;
    if (taps == 1) {
        if (!skip)
            ek_block_run(&words, x, w, (channels + 1) / 2, 0, acc);
        return;
    }
    if (pairs > 0) {
        const ek_word *end = x + pairs;
        do {
            ek_block_run(b, x, w, taps, skip, acc);
            x++;
            w += taps * b->channels;
            if (pairs == 1)
                break;
            EK_KEEP(x);
            EK_KEEP(w);
        } while (x != end);
    }
    if (channels & 1)
        ek_block_run(&odd, x, w, (taps + 1) / 2, skip / 2, acc);
}

/* Sums of a block: rows of the window that lie inside the input, all channels, all taps but the first `skip`. */
EK_INLINE void ek_conv_sums(const ek_conv_geometry *g, const ek_block *b, const ek_word *x, const ek_word *w,
                            int32_t top, int32_t skip, ek_sums *acc) {
    const ek_window *s = &g->window;
    const int32_t channels = s->in_c / g->groups, taps = s->kernel_w;
    const int32_t span = ek_conv_span(s), row_words = ek_conv_columns(s) * ek_conv_words(g);
    const int32_t row_weights = ek_conv_row_weights(channels, taps) * b->channels;
    const int32_t from = ek_first_tap(top, s->dilation_h, s->kernel_h);
    const int32_t to = ek_last_tap(top, s->dilation_h, s->kernel_h, s->in_h);
    for (int32_t ky = from; ky < to; ky++) {
        const ek_word *row = x + (top + ky * s->dilation_h) % span * row_words;
        ek_conv_row_sums(b, row, w + ky * row_weights, channels, taps, skip, acc);
    }
}

/* block->channels outputs at three positions, `apart` output columns from each other. */
EK_INLINE void ek_conv_block(const ek_conv_geometry *g, const ek_block *block, const ek_word *x, const ek_word *w,
                             const int32_t *record, void *y, int32_t at, int32_t apart, int32_t top, int32_t skip) {
    const ek_requant *r = &g->requant;
    const int32_t *next = record + EK_RECORD_WORDS(r);
    const int32_t step = apart * g->window.out_c, a = record[0], b = block->channels == 2 ? next[0] : 0;
    ek_sums acc = {a, a, a, b, b, b};
    ek_conv_sums(g, block, x, w, top, skip, &acc);
    ek_store(r, y, at, ek_requantize_dsp(r, acc.a0, record));
    ek_store(r, y, at + step, ek_requantize_dsp(r, acc.a1, record));
    ek_store(r, y, at + 2 * step, ek_requantize_dsp(r, acc.a2, record));
    if (block->channels == 2) {
        ek_store(r, y, at + 1, ek_requantize_dsp(r, acc.b0, next));
        ek_store(r, y, at + 1 + step, ek_requantize_dsp(r, acc.b1, next));
        ek_store(r, y, at + 1 + 2 * step, ek_requantize_dsp(r, acc.b2, next));
    }
}

/* One output row of `channels` outputs. Blocks overlap at the end of a row rather than leave a rest: the input has been
 * copied, so that computing an output twice is harmless. */
EK_INLINE void ek_conv_row(const ek_conv_geometry *g, int32_t channels, const ek_word *x, const ek_word *w,
                           const int32_t *record, void *y, int32_t at, int32_t top) {
    const ek_window *s = &g->window;
    const int32_t words = ek_conv_words(g), stride = s->stride_w;
    const int32_t slides = stride == 1 && s->kernel_w > 1 && s->out_w >= 3 * s->dilation_w;
    const int32_t apart = slides ? s->dilation_w : s->out_w >= 3 ? 1 : 0;
    const int32_t phases = slides ? s->dilation_w : s->out_w >= 3 ? 1 : s->out_w;
    const ek_block b = {channels, slides, 1, s->dilation_w * words, apart * stride * words};
    for (int32_t phase = 0; phase < phases; phase++) {
        const int32_t rest = apart ? (s->out_w - 1 - phase) / apart - 2 : 0; /* blocks start at 0 .. rest, in `apart` */
        int32_t i = 0;
        EK_UNROLL
        for (int32_t e = 0; e < EK_EDGE; e++) {
            const int32_t skip =
                ek_first_tap((phases - 1 + (3 * e + 2) * apart) * stride - s->pad_left, s->dilation_w, s->kernel_w);
            if (skip > 0 && i == 3 * e && i <= rest) {
                const int32_t t = phase + i * apart;
                ek_conv_block(g, &b, x + t * stride * words, w, record, y, at + t * s->out_c, apart, top, skip);
                i += 3;
            }
        }
        while (i < rest + 3) {
            const int32_t t = phase + ek_min(i, rest) * apart;
            ek_conv_block(g, &b, x + t * stride * words, w, record, y, at + t * s->out_c, apart, top, 0);
            i += 3;
        }
    }
}

EK_INLINE void ek_conv_smlad(const ek_conv_geometry *g, const int8_t *x, void *y, const uint32_t *w,
                             const int32_t *record, void *scratch) {
    const ek_window *s = &g->window;
    const int32_t words = ek_conv_words(g), span = ek_conv_span(s), row_words = ek_conv_columns(s) * words;
    const int32_t channels = s->in_c / g->groups, outputs = s->out_c / g->groups;
    const int32_t size = EK_RECORD_WORDS(&g->requant);
    const int32_t steps = s->kernel_h * ek_conv_row_weights(channels, s->kernel_w);
    ek_word *rows = scratch;
    for (int32_t group = 0; group < g->groups; group++) {
        int32_t ready = 0;
        for (int32_t oh = 0; oh < s->out_h; oh++) {
            const int32_t top = oh * s->stride_h - s->pad_top;
            ready = ek_max(ready, top);
            for (; ready < ek_min(s->in_h, top + span); ready++)
                ek_conv_expand(g, x + ready * s->in_w * s->in_c + group * channels, rows + ready % span * row_words);
            int32_t o = 0;
            for (; o + 2 <= outputs; o += 2) {
                const int32_t out = group * outputs + o;
                ek_conv_row(g, 2, rows, w + out * steps, record + out * size, y, oh * s->out_w * s->out_c + out, top);
            }
            if (outputs & 1) {
                const int32_t out = group * outputs + o;
                ek_conv_row(g, 1, rows, w + out * steps, record + out * size, y, oh * s->out_w * s->out_c + out, top);
            }
        }
    }
}

#endif

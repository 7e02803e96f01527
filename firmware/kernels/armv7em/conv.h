/*
 * Convolution with SMLAD, Armv7E-M: same values as ../conv.h.
 *
 * Input rows are expanded once into int16 pairs of x - z_x, a word per channel pair, so that padding is zeros. The last
 * channel of an odd number of channels pairs with itself one tap later: no lane is wasted but at the last tap.
 *
 * A column of scratch holds, per group of four channels, the pairs (0, 2) and (1, 3), then a pair for two channels more,
 * then the odd one. Weights (int16 pairs in words) are stored as the loops read them: per group and per two outputs, kernel
 * row, channel pair, tap, output; then the odd channel's tap pairs.
 */
#ifndef EK_ARMV7EM_CONV_H
#define EK_ARMV7EM_CONV_H

#include "../conv.h"
#include "mac_block.h"

/* What follows from the geometry; literals after inlining. */
EK_INLINE int32_t ek_conv_words(const ek_conv_geometry *g) { return (g->window.in_c / g->groups + 1) / 2; }

EK_INLINE int32_t ek_conv_columns(const ek_window *s) {
    return (s->out_w - 1) * s->stride_w + (s->kernel_w - 1) * s->dilation_w + 1;
}

EK_INLINE int32_t ek_conv_span(const ek_window *s) { return (s->kernel_h - 1) * s->dilation_h + 1; }

/* One column: `channels` values of x, minus the zero point, in words. The odd channel's value also goes to the lane
 * `before` words earlier, if that is not 0. */
EK_INLINE void ek_conv_column(const int8_t *x, int32_t channels, int32_t zero, ek_word *out, int32_t before) {
    const uint32_t shift = ek_lanes(-zero, -zero);
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
        const uint32_t bytes = ek_load_bytes(x + c);
        *out++ = ek_sxtab16(shift, bytes);
        *out++ = ek_sxtab16(shift, ek_ror(bytes, 8));
    }
    if (channels & 2) {
        *out++ = ek_lanes(x[c] - zero, x[c + 1] - zero);
        c += 2;
    }
    if (channels & 1) {
        const int32_t value = x[c] - zero;
        *out = (uint32_t)value & 0xffffu;
        if (before) ((ek_half *)(out - before))[1] = (ek_half)value;
    }
}

/* Input row `x` (channels of one group) into scratch columns, zeros left and right of it. */
EK_INLINE void ek_conv_expand(const ek_conv_geometry *g, const int8_t *x, ek_word *row) {
    const ek_window *s = &g->window;
    const int32_t words = ek_conv_words(g), columns = ek_conv_columns(s), channels = s->in_c / g->groups;
    const int32_t left = ek_min(s->pad_left, columns), filled = ek_min(s->in_w, columns - left);
    const int32_t tap = s->dilation_w, pairs_taps = (channels & 1) && s->kernel_w > 1;
    for (int32_t i = 0; i < left * words; i++) row[i] = 0;
    for (int32_t i = (left + filled) * words; i < columns * words; i++) row[i] = 0;
    row += left * words;
    for (int32_t i = 0; i < filled; i++) {
        const int32_t before = pairs_taps && left + i >= tap ? tap * words : 0;
        ek_conv_column(x + i * s->in_c, channels, g->in_zero, row + i * words, before);
    }
}

/* Sums of a block: rows of the window that lie inside the input, all channel pairs, all taps but the first `skip`. */
EK_INLINE void ek_conv_sums(const ek_conv_geometry *g, const ek_block *b, const ek_word *x, const ek_word *w, int32_t top,
                            int32_t skip, int32_t *acc) {
    const ek_window *s = &g->window;
    const int32_t channels = s->in_c / g->groups, pairs = channels / 2, words = ek_conv_words(g);
    const int32_t span = ek_conv_span(s), row_words = ek_conv_columns(s) * words;
    const int32_t taps = s->kernel_w, odd_steps = channels & 1 ? (taps + 1) / 2 : 0;
    const int32_t row_weights = (pairs * taps + odd_steps) * b->channels;
    const ek_block odd = {b->channels, b->slides, 2, b->gap, b->apart};
    const int32_t from = ek_first_tap(top, s->dilation_h, s->kernel_h);
    const int32_t to = ek_last_tap(top, s->dilation_h, s->kernel_h, s->in_h);
    for (int32_t ky = from; ky < to; ky++) {
        const ek_word *xr = x + (top + ky * s->dilation_h) % span * row_words;
        const ek_word *wr = w + ky * row_weights;
        for (int32_t c = 0; c < pairs; c++) ek_block_run(b, xr + c, wr + c * taps * b->channels, taps, skip, acc);
        if (odd_steps) ek_block_run(&odd, xr + pairs, wr + pairs * taps * b->channels, odd_steps, skip / 2, acc);
    }
}

EK_INLINE int32_t ek_requantize_dsp(const ek_requant *r, int32_t acc, const int32_t *record) {
    if (r->full) return ek_requantize(r, acc, record);
    const int32_t value = ek_smmla(acc, record[1], record[2]) >> record[3];
    return r->lo == -128 && r->hi == 127 ? ek_ssat8(value) : ek_clip(value, r->lo, r->hi);
}

/* b->channels outputs at three positions, `apart` output columns from each other. */
EK_INLINE void ek_conv_block(const ek_conv_geometry *g, const ek_block *b, const ek_word *x, const ek_word *w,
                             const int32_t *record, void *y, int32_t at, int32_t apart, int32_t top, int32_t skip) {
    const int32_t size = EK_RECORD_WORDS(&g->requant);
    int32_t acc[2 * EK_POSITIONS];
    EK_UNROLL
    for (int32_t p = 0; p < EK_POSITIONS; p++) {
        acc[p] = record[0];
        acc[EK_POSITIONS + p] = b->channels == 2 ? record[size] : 0;
    }
    ek_conv_sums(g, b, x, w, top, skip, acc);
    for (int32_t o = 0; o < b->channels; o++)
        for (int32_t p = 0; p < EK_POSITIONS; p++)
            ek_store(&g->requant, y, at + o + p * apart * g->window.out_c,
                     ek_requantize_dsp(&g->requant, acc[o * EK_POSITIONS + p], record + o * size));
}

/* One output row of b->channels outputs. Blocks overlap at the end of a row rather than leave a rest: the input has been
 * copied, so that computing an output twice is harmless. */
EK_INLINE void ek_conv_row(const ek_conv_geometry *g, int32_t channels, const ek_word *x, const ek_word *w,
                           const int32_t *record, void *y, int32_t at, int32_t top) {
    const ek_window *s = &g->window;
    const int32_t words = ek_conv_words(g), gap = s->dilation_w * words;
    const int32_t slides = s->stride_w == 1 && s->kernel_w > 1 && s->out_w >= EK_POSITIONS * s->dilation_w;
    const int32_t apart = slides ? s->dilation_w : s->out_w >= EK_POSITIONS ? 1 : 0;
    const int32_t phases = slides ? s->dilation_w : apart ? 1 : s->out_w;
    const ek_block b = {channels, slides, 1, gap, apart * s->stride_w * words};
    for (int32_t phase = 0; phase < phases; phase++) {
        const int32_t last = s->out_w - 1 - 2 * apart; /* the last block may start here or one phase later */
        const int32_t final = last - (last - phase) % (apart ? apart : 1);
        int32_t t = phase;
        for (;;) {
            const int32_t skip =
                ek_first_tap((t + 2 * apart) * s->stride_w - s->pad_left, s->dilation_w, s->kernel_w);
            const ek_word *xt = x + t * s->stride_w * words;
            if (skip)
                ek_conv_block(g, &b, xt, w, record, y, at + t * s->out_c, apart, top, skip);
            else
                ek_conv_block(g, &b, xt, w, record, y, at + t * s->out_c, apart, top, 0);
            if (t == final || !apart) break;
            t = ek_min(t + 3 * apart, final);
        }
    }
}

EK_INLINE void ek_conv_smlad(const ek_conv_geometry *g, const int8_t *x, void *y, const uint32_t *w,
                             const int32_t *record, void *scratch) {
    const ek_window *s = &g->window;
    const int32_t words = ek_conv_words(g), span = ek_conv_span(s), row_words = ek_conv_columns(s) * words;
    const int32_t channels = s->in_c / g->groups, outputs = s->out_c / g->groups;
    const int32_t size = EK_RECORD_WORDS(&g->requant);
    const int32_t steps = s->kernel_h * (channels / 2 * s->kernel_w + (channels & 1 ? (s->kernel_w + 1) / 2 : 0));
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

/*
 * Convolution along a line of one channel with SMLAD, Armv7E-M: same values as ../conv.h for one input channel per
 * group, one row of taps, stride 1, no dilation.
 *
 * A row of the input is expanded once into int16 values of x - z_x with its padding. Read as words, these are pairs
 * that start at even columns. An output at an even column takes the taps in pairs (0, 1), (2, 3) ..; one at an odd
 * column finds its first tap in a high lane and takes them in pairs (-, 0), (1, 2) .. Both sequences are stored, a word
 * of each per step, so that the two outputs of three neighbouring words are a sliding block of two channels.
 */
#ifndef EK_ARMV7EM_LINE_H
#define EK_ARMV7EM_LINE_H

#include "../conv.h"
#include "mac_block.h"

enum { EK_LINE_OUTPUTS = 6 }; /* of a block */

/* What follows from the geometry; literals after inlining. */
EK_INLINE int32_t ek_line_steps(const ek_window *s) { return s->kernel_w / 2 + 1; }

/* Column of the last block's first output: even, and no more than one output lies behind the row. */
EK_INLINE int32_t ek_line_last(const ek_window *s) { return ek_max(0, (s->out_w - EK_LINE_OUTPUTS + 1) / 2 * 2); }

EK_INLINE int32_t ek_line_columns(const ek_window *s) { return ek_line_last(s) + 2 * ek_line_steps(s) + 4; }

/* Columns `i` .. `end` of a row, `apart` bytes from each other, minus the zero point. */
EK_INLINE void ek_line_copy(const int8_t *x, int32_t apart, int32_t zero, ek_half *row, int32_t i, int32_t end) {
    const uint32_t shift = ek_lanes(-zero, -zero);
    if ((i & 1) && i < end) {
        row[i++] = (ek_half)(*x - zero);
        x += apart;
    }
    ek_word *out = (ek_word *)(row + i);
    for (; i + 4 <= end; i += 4) {
        if (apart == 1) {
            const uint32_t bytes = ek_load_bytes(x), even = ek_add_even(shift, bytes), odd = ek_add_odd(shift, bytes);
            out[0] = ek_pack_low(even, odd);
            out[1] = ek_pack_high(even, odd);
        } else {
            out[0] = ek_lanes(x[0] - zero, x[apart] - zero);
            out[1] = ek_lanes(x[2 * apart] - zero, x[3 * apart] - zero);
        }
        x += 4 * apart;
        out += 2;
        EK_KEEP(x);
        EK_KEEP(out);
    }
    for (; i < end; i++) {
        row[i] = (ek_half)(*x - zero);
        x += apart;
    }
}

/* A row of one channel with zeros around it; padding below zero skips columns. */
EK_INLINE void ek_line_expand(const ek_conv_geometry *g, const int8_t *x, ek_half *row) {
    const ek_window *s = &g->window;
    const int32_t columns = ek_line_columns(s), seen = s->out_w + s->kernel_w - 1;
    const int32_t left = ek_max(0, ek_min(s->pad_left, seen)), first = ek_max(0, -s->pad_left);
    const int32_t end = left + ek_max(0, ek_min(s->in_w - first, seen - left));
    for (int32_t i = 0; i < left; i++)
        row[i] = 0;
    for (int32_t i = end; i < columns; i++)
        row[i] = 0;
    ek_line_copy(x + first * s->in_c, s->in_c, g->in_zero, row, left, end);
}

/* Stores the output at column t + `ahead` unless it lies behind the row, which only the last block has to ask. */
EK_INLINE void ek_line_store(const ek_conv_geometry *g, void *y, int32_t at, int32_t t, int32_t ahead, int32_t sum,
                             const int32_t *record) {
    const ek_window *s = &g->window;
    const int32_t inside = s->out_w >= EK_LINE_OUTPUTS && (ahead < EK_LINE_OUTPUTS - 1 || s->out_w % 2 == 0);
    if (inside || t + ahead < s->out_w)
        ek_store(&g->requant, y, at + (t + ahead) * s->out_c, ek_requantize_dsp(&g->requant, sum, record));
}

/* One output channel of one row. */
EK_INLINE void ek_line_row(const ek_conv_geometry *g, const ek_word *x, const ek_word *w, const int32_t *record,
                           void *y, int32_t at) {
    const ek_block b = {2, 1, 1, 1, 1};
    const int32_t last = ek_line_last(&g->window);
    for (int32_t i = 0; i < last + EK_LINE_OUTPUTS; i += EK_LINE_OUTPUTS) {
        const int32_t t = ek_min(i, last), bias = record[0];
        ek_sums acc = {bias, bias, bias, bias, bias, bias};
        ek_block_run(&b, x + t / 2, w, ek_line_steps(&g->window), 0, &acc);
        ek_line_store(g, y, at, t, 0, acc.a0, record);
        ek_line_store(g, y, at, t, 1, acc.b0, record);
        ek_line_store(g, y, at, t, 2, acc.a1, record);
        ek_line_store(g, y, at, t, 3, acc.b1, record);
        ek_line_store(g, y, at, t, 4, acc.a2, record);
        ek_line_store(g, y, at, t, 5, acc.b2, record);
    }
}

EK_INLINE void ek_conv_line_smlad(const ek_conv_geometry *g, const int8_t *x, void *y, const uint32_t *w,
                                  const int32_t *record, void *scratch) {
    const ek_window *s = &g->window;
    const int32_t outputs = s->out_c / g->groups, size = EK_RECORD_WORDS(&g->requant);
    for (int32_t row = 0; row < s->out_h; row++)
        for (int32_t group = 0; group < g->groups; group++) {
            ek_line_expand(g, x + row * s->in_w * s->in_c + group, scratch);
            for (int32_t o = group * outputs; o < (group + 1) * outputs; o++)
                ek_line_row(g, scratch, w + o * 2 * ek_line_steps(s), record + o * size, y,
                            row * s->out_w * s->out_c + o);
        }
}

#endif

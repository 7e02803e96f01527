/*
 * Convolution with four-way dot products, XpulpV2: same values as ../conv.h.
 *
 * A block is four outputs at up to four neighbouring positions (rows of positions are joined). Activations are read
 * where they lie. z_x is folded into the biases, so that a tap outside the input reads z_x: from a constant row
 * (`zero`), or from a copy of the kernel row that the core makes in its own scratch memory.
 *
 *   EK_SEGMENT_TAP      a segment is one tap: the input channels of a position, filled up to whole words
 *   EK_SEGMENT_JOINED   channels are whole words, so that the taps of a row may be joined where all of them lie inside
 *   EK_SEGMENT_ROW      a segment is a kernel row, filled up; rows that leave the input are copied
 *
 * Weights: per group, per four outputs (the last ones filled up), segment, word, output. Records are filled up as well.
 * The team shares blocks: all outputs of a block of positions, then the next positions.
 */
#ifndef EK_XPULPV2_CONV_H
#define EK_XPULPV2_CONV_H

#include "../window.h"
#include "mac_block.h"
#include "requant.h"
#include "team.h"

enum { EK_SEGMENT_TAP = 0, EK_SEGMENT_JOINED = 1, EK_SEGMENT_ROW = 2 };

typedef struct {
    ek_window window;
    ek_requant requant;
    int32_t groups;
    int32_t in_zero;
    int32_t segment;
    int32_t scratch; /* bytes of one core */
} ek_conv_xpulp_geometry;

/* What all blocks of a call share. */
typedef struct {
    const int8_t *x, *zero;
    int32_t channels;                /* of a group */
    int32_t row, step_row, step_tap; /* bytes: an input row, from one kernel row to the next, from tap to tap */
    int32_t copied;                  /* bytes of a copied kernel row, whole words */
    ek_address *table;
    int8_t *copies;
} ek_conv_input;

/* A position's window: where it starts in the input, and whether it lies inside. */
typedef struct {
    int32_t top, left, inside;
} ek_conv_view;

EK_INLINE ek_conv_view ek_conv_look(const ek_window *s, int32_t oh, int32_t ow) {
    const int32_t top = oh * s->stride_h - s->pad_top, left = ow * s->stride_w - s->pad_left;
    const int32_t bottom = top + (s->kernel_h - 1) * s->dilation_h, right = left + (s->kernel_w - 1) * s->dilation_w;
    const ek_conv_view view = {top, left, top >= 0 && left >= 0 && bottom < s->in_h && right < s->in_w};
    return view;
}

/* One kernel row of a window as z_x and what lies inside the input. */
EK_INLINE void ek_conv_copy_row(const ek_conv_xpulp_geometry *g, const ek_conv_input *in, ek_conv_view view, int32_t h,
                                int8_t *to) {
    const ek_window *s = &g->window;
    const int32_t seen = h >= 0 && h < s->in_h, taps = s->kernel_w;
    const int32_t first = seen ? ek_first_tap(view.left, 1, taps) : taps;
    const int32_t last = seen ? ek_max(first, ek_last_tap(view.left, 1, taps, s->in_w)) : taps;
    const int8_t *from = in->x + h * in->row + view.left * s->in_c;
    int32_t i = 0;
    for (; i < first * s->in_c; i++)
        to[i] = (int8_t)g->in_zero;
    for (; i < last * s->in_c; i++)
        to[i] = from[i];
    for (; i < in->copied; i++)
        to[i] = (int8_t)g->in_zero;
}

/* A column of the table: segments of a position that is not wholly inside, `positions` entries apart. */
EK_INLINE void ek_conv_edge(const ek_conv_xpulp_geometry *g, const ek_conv_input *in, ek_conv_view view,
                            ek_address *entry, int32_t positions, int8_t *copies) {
    const ek_window *s = &g->window;
    for (int32_t ky = 0; ky < s->kernel_h; ky++) {
        const int32_t h = view.top + ky * s->dilation_h, seen = h >= 0 && h < s->in_h;
        if (g->segment == EK_SEGMENT_ROW) {
            ek_conv_copy_row(g, in, view, h, copies);
            *entry = ek_address_of(copies, in->copies);
            copies += in->copied;
            entry += positions;
            continue;
        }
        for (int32_t kx = 0; kx < s->kernel_w; kx++) {
            const int32_t w = view.left + kx * s->dilation_w;
            const int8_t *tap = seen && w >= 0 && w < s->in_w ? in->x + h * in->row + w * s->in_c : in->zero;
            *entry = ek_address_of(tap, in->copies);
            entry += positions;
        }
    }
}

/* The same of a position that is: taps one by one, or whole rows. */
EK_INLINE void ek_conv_inner(const ek_conv_xpulp_geometry *g, const ek_conv_input *in, ek_conv_view view,
                             ek_address *entry, int32_t positions, int32_t taps) {
    const ek_window *s = &g->window;
    ek_address row = ek_address_of(in->x + view.top * in->row + view.left * s->in_c, in->copies);
    for (int32_t ky = 0; ky < s->kernel_h; ky++) {
        ek_address tap = row;
        for (int32_t kx = 0; kx < taps; kx++) {
            *entry = tap;
            entry += positions;
            tap += (ek_address)in->step_tap;
        }
        row += (ek_address)in->step_row;
    }
}

/* Fills the table for `positions` positions from `first`, those behind the last one like the last one; returns the
 * segments per kernel row. */
EK_INLINE int32_t ek_conv_fill(const ek_conv_xpulp_geometry *g, const ek_conv_input *in, int32_t first,
                               int32_t positions) {
    const ek_window *s = &g->window;
    const int32_t last = s->out_h * s->out_w - 1;
    int32_t oh = first / s->out_w, ow = first % s->out_w, inside = 1;
    ek_conv_view view[EK_POSITIONS];
    for (int32_t i = 0; i < positions; i++) {
        view[i] = ek_conv_look(s, oh, ow);
        inside &= view[i].inside;
        if (first + i < last && ++ow == s->out_w) {
            ow = 0;
            oh++;
        }
    }
    const int32_t joined = g->segment == EK_SEGMENT_ROW || (g->segment == EK_SEGMENT_JOINED && inside);
    const int32_t taps = joined ? 1 : s->kernel_w;
    for (int32_t i = 0; i < positions; i++) {
        if (view[i].inside)
            ek_conv_inner(g, in, view[i], in->table + i, positions, taps);
        else
            ek_conv_edge(g, in, view[i], in->table + i, positions, in->copies + i * s->kernel_h * in->copied);
    }
    return taps;
}

/* The sums of a block as outputs: `outputs` of four channels at `count` of `positions` (a literal) positions. */
EK_INLINE void ek_conv_store(const ek_requant *r, int32_t positions, const int32_t *acc, int32_t outputs, int32_t count,
                             const int32_t *record, void *y, int32_t at, int32_t out_c) {
    if (r->full || r->out_bits != 8) {
        int32_t sums[EK_OUTPUTS * EK_POSITIONS];
        for (int32_t i = 0; i < EK_OUTPUTS * positions; i++)
            sums[i] = acc[i];
        for (int32_t o = 0; o < outputs; o++)
            for (int32_t i = 0; i < count; i++) {
                const int32_t *factors = record + o * EK_RECORD_WORDS(r);
                ek_store(r, y, at + i * out_c + o, ek_requantize(r, sums[o * positions + i], factors));
            }
        return;
    }
    int32_t value[EK_OUTPUTS * EK_POSITIONS];
    EK_UNROLL
    for (int32_t o = 0; o < EK_OUTPUTS; o++) {
        const int32_t m = record[4 * o + 1], round = record[4 * o + 2], shift = record[4 * o + 3];
        EK_UNROLL
        for (int32_t i = 0; i < EK_POSITIONS; i++)
            if (i < positions)
                value[o * positions + i] = ek_clip8(ek_scale_high(acc[o * positions + i], m, round, shift));
    }
    const uint32_t lo = ek_repeat4(r->lo), hi = ek_repeat4(r->hi);
    int8_t *to = (int8_t *)y + at;
    EK_UNROLL
    for (int32_t i = 0; i < EK_POSITIONS; i++) {
        if (i == positions || i == count)
            return;
        const uint32_t word = ek_min4(
            ek_max4(ek_pack4(value[i], value[positions + i], value[2 * positions + i], value[3 * positions + i]), lo),
            hi);
        if (outputs == EK_OUTPUTS)
            ek_store4(to, word);
        else
            for (int32_t o = 0; o < outputs; o++)
                to[o] = (int8_t)ek_byte(word, o);
        to += out_c;
    }
}

EK_INLINE void ek_conv_block(const ek_requant *r, int32_t positions, ek_mac_block *block, int32_t outputs,
                             int32_t count, void *y, int32_t at, int32_t out_c) {
    const int32_t *record = block->record;
    int32_t acc[EK_OUTPUTS * EK_POSITIONS];
    if (positions == 4) {
        ek_mac_4x4(block, acc);
        ek_conv_store(r, 4, acc, outputs, count, record, y, at, out_c);
    } else if (positions == 2) {
        ek_mac_4x2(block, acc);
        ek_conv_store(r, 2, acc, outputs, count, record, y, at, out_c);
    } else {
        ek_mac_4x1(block, acc);
        ek_conv_store(r, 1, acc, outputs, count, record, y, at, out_c);
    }
}

/* Positions of a block: four, or fewer where that leaves less work to the core with the most. */
EK_INLINE int32_t ek_conv_positions(int32_t positions, int32_t blocks, int32_t steps, int32_t cores) {
    int32_t best = 0, least = 0;
    for (int32_t n = EK_POSITIONS; n > 0; n /= 2) {
        const int32_t units = (positions + n - 1) / n * blocks, cost = steps * (4 + 5 * n) + 40 * n + 60;
        const int32_t total = (units + cores - 1) / cores * cost;
        if (best == 0 || total < least) {
            best = n;
            least = total;
        }
    }
    return best;
}

EK_INLINE void ek_conv_xpulp(const ek_conv_xpulp_geometry *g, ek_team team, const int8_t *x, void *y, const int8_t *w,
                             const int32_t *record, const int8_t *zero, void *scratch) {
    const ek_window *s = &g->window;
    const ek_requant *r = &g->requant;
    const int32_t channels = s->in_c / g->groups, outputs = s->out_c / g->groups, positions = s->out_h * s->out_w;
    const int32_t tap_words = (channels + 3) / 4, row_words = (s->kernel_w * channels + 3) / 4;
    const int32_t words = s->kernel_h * (g->segment == EK_SEGMENT_ROW ? row_words : s->kernel_w * tap_words);
    const int32_t group_blocks = (outputs + EK_OUTPUTS - 1) / EK_OUTPUTS, blocks = g->groups * group_blocks;
    const int32_t width = ek_conv_positions(positions, blocks, words, team.cores);
    const int32_t units = (positions + width - 1) / width * blocks;
    const int32_t size = EK_RECORD_WORDS(r);
    int8_t *own = (int8_t *)scratch + team.core * g->scratch;
    const int32_t copied = g->segment == EK_SEGMENT_ROW ? 4 * row_words : 0;
    ek_conv_input in = {x,
                        zero,
                        channels,
                        s->in_w * s->in_c,
                        s->dilation_h * s->in_w * s->in_c,
                        s->dilation_w * s->in_c,
                        copied,
                        (ek_address *)(void *)(own + EK_POSITIONS * s->kernel_h * copied),
                        own};
    int32_t unit = ek_share(units, team.core, team.cores);
    const int32_t end = ek_share(units, team.core + 1, team.cores);
    int32_t first = unit / blocks * width, block = unit % blocks;
    while (unit < end) {
        const int32_t group = block / group_blocks, last = ek_min((group + 1) * group_blocks, block + end - unit);
        const int32_t count = ek_min(width, positions - first);
        in.x = x + group * channels;
        const int32_t taps = ek_conv_fill(g, &in, first, width);
        const int32_t segments = s->kernel_h * taps;
        const int32_t steps = g->segment == EK_SEGMENT_ROW ? row_words : s->kernel_w / taps * tap_words;
        unit += last - block;
        for (; block < last; block++) {
            const int32_t o = (block - group * group_blocks) * EK_OUTPUTS;
            ek_mac_block b = {in.table, own,  w + block * words * 16, record + block * EK_OUTPUTS * size, 4 * size,
                              segments, steps};
            ek_conv_block(r, width, &b, ek_min(EK_OUTPUTS, outputs - o), count, y,
                          first * s->out_c + group * outputs + o, s->out_c);
        }
        if (block == blocks) {
            block = 0;
            first += width;
        }
    }
}

#endif

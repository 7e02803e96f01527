/*
 * Depthwise convolution with four-way dot products, XpulpV2: same values as ../depthwise.h.
 *
 * Channels lie next to each other in memory, the taps of one channel do not. A core therefore copies the input rows of
 * four channels into its own scratch memory, transposed: there a channel's row is contiguous, and one word holds four
 * taps. Where taps are `dilation_w` apart, a row is stored as that many phases, so that they are neighbours again.
 * Padding is z_x in the copy; z_x is folded into the biases.
 *
 * Rows and columns may have changed roles (kernels that are taller than wide): the geometry says how far apart rows and
 * columns lie in memory. Weights int8: [output][kernel row][tap, filled up to whole words].
 *
 * Scratch memory of a core: kernel_h addresses, a ring of input rows, and a row of z_x; each row is [channel][phase].
 * The team shares (four channels, chunk of columns, output row); a core's rows are neighbours.
 */
#ifndef EK_XPULPV2_DEPTHWISE_H
#define EK_XPULPV2_DEPTHWISE_H

#include "../window.h"
#include "mac_block.h"
#include "requant.h"
#include "team.h"

typedef struct {
    ek_window window;
    ek_requant requant;
    int32_t in_zero;
    int32_t x_row, x_column, y_row, y_column; /* elements from one to the next */
    int32_t columns;                          /* output columns of a chunk */
    int32_t pitch;                            /* bytes of a phase, whole words */
    int32_t scratch;                          /* bytes of one core */
} ek_depthwise_xpulp_geometry;

/* What the loops over one chunk share. */
typedef struct {
    const ek_address *table; /* where each kernel row lies, channel 0 */
    const void *near;
    int32_t channel; /* bytes from one channel's row to the next */
    int32_t width;   /* outputs in a row of the chunk */
} ek_depthwise_rows;

/* Four words of four lanes: lane i of every word becomes word i. */
EK_INLINE void ek_transpose4(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t *y) {
    const uint32_t low = ek_shuffle4(a, b, 0x05010400u), high = ek_shuffle4(a, b, 0x07030602u);
    const uint32_t low2 = ek_shuffle4(c, d, 0x05010400u), high2 = ek_shuffle4(c, d, 0x07030602u);
    y[0] = ek_pack2((int32_t)low, (int32_t)low2);
    y[1] = ek_shuffle4(low, low2, 0x07060302u);
    y[2] = ek_pack2((int32_t)high, (int32_t)high2);
    y[3] = ek_shuffle4(high, high2, 0x07060302u);
}

EK_INLINE uint32_t ek_depthwise_column(const ek_depthwise_xpulp_geometry *g, const int8_t *x, int32_t column) {
    return column >= 0 && column < g->window.in_w ? ek_load4(x + column * g->x_column) : ek_repeat4(g->in_zero);
}

/* One phase: columns first, first + dilation_w, ... of an input row `x`, z_x outside. */
EK_INLINE void ek_depthwise_phase(const ek_depthwise_xpulp_geometry *g, const int8_t *x, int32_t first, int32_t count,
                                  int8_t *to, int32_t channel) {
    const int32_t apart = g->window.dilation_w;
    for (int32_t i = 0; i < count; i += 4) {
        const int32_t column = first + i * apart;
        uint32_t a, b, c, d, lanes[4];
        if (column >= 0 && column + 3 * apart < g->window.in_w) {
            const int32_t step = apart * g->x_column;
            const int8_t *from = x + column * g->x_column;
            a = ek_load4(from);
            b = ek_load4(from + step);
            c = ek_load4(from + 2 * step);
            d = ek_load4(from + 3 * step);
        } else {
            a = ek_depthwise_column(g, x, column);
            b = ek_depthwise_column(g, x, column + apart);
            c = ek_depthwise_column(g, x, column + 2 * apart);
            d = ek_depthwise_column(g, x, column + 3 * apart);
        }
        ek_transpose4(a, b, c, d, lanes);
        ek_store4(to + i, lanes[0]);
        ek_store4(to + i + channel, lanes[1]);
        ek_store4(to + i + 2 * channel, lanes[2]);
        ek_store4(to + i + 3 * channel, lanes[3]);
    }
}

/* acc[i] += the dot products of all kernel rows at row + offset[i]. */
EK_INLINE void ek_depthwise_sums(const ek_address *table, const void *near, int32_t rows, int32_t words,
                                 const int8_t *w, const int32_t *offset, int32_t *acc) {
#if EK_XPULP_ASM
    (void)near;
    __asm__ volatile(
        EK_ASM_BEGIN EK_LW_POST("t0", "%[table]", "4") EK_LOOP1(
            "%[rows]", "4 + 1 + 9 + 2") "add a4, t0, %[o0]\n\tadd a5, t0, %[o1]\n\tadd a6, t0, %[o2]\n\tadd a7, t0, "
                                        "%[o3]\n\t" EK_LOOP0("%[words]", "9") EK_LW_POST("t1", "%[w]", "4")
                                            EK_LW_POST("t2", "a4", "4") EK_LW_POST("t3", "a5", "4")
                                                EK_LW_POST("t4", "a6", "4") EK_SDOTSP4("%[a0]", "t1", "t2")
                                                    EK_LW_POST("t5", "a7", "4") EK_SDOTSP4("%[a1]", "t1", "t3")
                                                        EK_SDOTSP4("%[a2]", "t1", "t4") EK_SDOTSP4("%[a3]", "t1", "t5")
                                                            EK_LW_POST("t0", "%[table]", "4") "nop\n\t" EK_ASM_END
        : [a0] "+r"(acc[0]), [a1] "+r"(acc[1]), [a2] "+r"(acc[2]), [a3] "+r"(acc[3]), [w] "+r"(w), [table] "+r"(table)
        : [o0] "r"(offset[0]), [o1] "r"(offset[1]), [o2] "r"(offset[2]), [o3] "r"(offset[3]), [rows] "r"(rows),
          [words] "r"(words)
        : "t0", "t1", "t2", "t3", "t4", "t5", "a4", "a5", "a6", "a7", "memory");
#else
    for (int32_t row = 0; row < rows; row++)
        for (int32_t k = 0; k < words; k++, w += 4)
            for (int32_t i = 0; i < 4; i++) {
                const int8_t *x = ek_address_to(table[row], near) + offset[i] + 4 * k;
                acc[i] = ek_sdotsp4(acc[i], ek_load4(w), ek_load4(x));
            }
#endif
}

/* Outputs first .. width-1 of a chunk's row for one output channel; y points at the chunk's first one. */
EK_INLINE void ek_depthwise_any(const ek_depthwise_xpulp_geometry *g, const ek_depthwise_rows *in, int32_t base,
                                int32_t first, const int8_t *w, const int32_t *record, void *y, int32_t at) {
    const ek_window *s = &g->window;
    const int32_t words = (s->kernel_w + 3) / 4;
    for (int32_t j = first; j < in->width; j += 4) {
        int32_t offset[4], acc[4];
        for (int32_t i = 0; i < 4; i++) {
            const int32_t start = ek_min(j + i, in->width - 1) * s->stride_w;
            offset[i] = base + (s->dilation_w == 1 ? start : start % s->dilation_w * g->pitch + start / s->dilation_w);
            acc[i] = record[0];
        }
        ek_depthwise_sums(in->table, in->near, s->kernel_h, words, w, offset, acc);
        for (int32_t i = 0; i < 4 && j + i < in->width; i++)
            ek_store(&g->requant, y, at + (j + i) * g->y_column, ek_requantize_xpulp(&g->requant, acc[i], record));
    }
}

/* 3x3, neighbouring outputs in pairs: one word per row serves both, the weights shifted by one tap for the second one.
 * High form, int8 outputs. */
EK_INLINE void ek_depthwise_pairs(const ek_depthwise_xpulp_geometry *g, const ek_depthwise_rows *in, int32_t base,
                                  int32_t pairs, const int8_t *w, const int32_t *record, int8_t *y) {
    const int8_t *q0 = ek_address_to(in->table[0], in->near) + base;
    const int8_t *q1 = ek_address_to(in->table[1], in->near) + base;
    const int8_t *q2 = ek_address_to(in->table[2], in->near) + base;
    const uint32_t w0 = ek_load4(w), w1 = ek_load4(w + 4), w2 = ek_load4(w + 8);
    const uint32_t v0 = w0 << 8, v1 = w1 << 8, v2 = w2 << 8;
    const int32_t bias = record[0], m = record[1], round = record[2], shift = record[3];
    const int32_t lo = g->requant.lo, hi = g->requant.hi, step = g->y_column;
    for (int32_t i = 0; i < pairs; i++) {
        const uint32_t x0 = ek_load4(q0), x1 = ek_load4(q1), x2 = ek_load4(q2);
        const int32_t a = ek_sdotsp4(ek_sdotsp4(ek_sdotsp4(bias, x0, w0), x1, w1), x2, w2);
        const int32_t b = ek_sdotsp4(ek_sdotsp4(ek_sdotsp4(bias, x0, v0), x1, v1), x2, v2);
        y[0] = (int8_t)ek_clip_between(ek_scale_high(a, m, round, shift), lo, hi);
        y[step] = (int8_t)ek_clip_between(ek_scale_high(b, m, round, shift), lo, hi);
        y += 2 * step;
        q0 += 2;
        q1 += 2;
        q2 += 2;
    }
}

/* One output row of a chunk for up to four input channels. */
EK_INLINE void ek_depthwise_row(const ek_depthwise_xpulp_geometry *g, const ek_depthwise_rows *in, int32_t channels,
                                int32_t multiplier, const int8_t *w, const int32_t *record, void *y, int32_t at) {
    const ek_window *s = &g->window;
    const int32_t bytes = s->kernel_h * ((s->kernel_w + 3) / 4) * 4, size = EK_RECORD_WORDS(&g->requant);
    const int32_t paired = s->kernel_h == 3 && s->kernel_w <= 3 && s->stride_w == 1 && s->dilation_w == 1 &&
                           !g->requant.full && g->requant.out_bits == 8;
    for (int32_t c = 0; c < channels; c++)
        for (int32_t i = 0; i < multiplier; i++) {
            if (paired)
                ek_depthwise_pairs(g, in, c * in->channel, in->width / 2, w, record, (int8_t *)y + at);
            ek_depthwise_any(g, in, c * in->channel, paired ? in->width / 2 * 2 : 0, w, record, y, at);
            w += bytes;
            record += size;
            at++;
        }
}

EK_INLINE void ek_depthwise_xpulp(const ek_depthwise_xpulp_geometry *g, ek_team team, const int8_t *x, void *y,
                                  const int8_t *w, const int32_t *record, void *scratch) {
    const ek_window *s = &g->window;
    const int32_t multiplier = s->out_c / s->in_c, chunks = (s->out_w + g->columns - 1) / g->columns;
    const int32_t units = (s->in_c + 3) / 4 * chunks * s->out_h, end = ek_share(units, team.core + 1, team.cores);
    const int32_t channel = s->dilation_w * g->pitch, row = 4 * channel, span = (s->kernel_h - 1) * s->dilation_h + 1;
    const int32_t bytes = s->kernel_h * ((s->kernel_w + 3) / 4) * 4, size = EK_RECORD_WORDS(&g->requant);
    ek_address *table = (ek_address *)(void *)((int8_t *)scratch + team.core * g->scratch);
    int8_t *ring = (int8_t *)(table + s->kernel_h), *zero = ring + span * row;
    int32_t unit = ek_share(units, team.core, team.cores);
    if (unit < end)
        for (int32_t i = 0; i < row; i += 4)
            ek_store4(zero + i, ek_repeat4(g->in_zero));
    while (unit < end) {
        const int32_t part = unit / s->out_h, c = part / chunks * 4, ow = part % chunks * g->columns;
        const int32_t first = unit % s->out_h, last = ek_min(s->out_h, first + end - unit);
        const int32_t width = ek_min(g->columns, s->out_w - ow), left = ow * s->stride_w - s->pad_left;
        const int32_t count = (width - 1) * s->stride_w / s->dilation_w + s->kernel_w;
        const ek_depthwise_rows in = {table, ring, channel, width};
        int32_t ready = 0;
        for (int32_t oh = first; oh < last; oh++) {
            const int32_t top = oh * s->stride_h - s->pad_top, bottom = ek_min(s->in_h, top + span);
            for (ready = ek_max(ready, top); ready < bottom; ready++)
                for (int32_t phase = 0; phase < s->dilation_w; phase++)
                    ek_depthwise_phase(g, x + ready * g->x_row + c, left + phase, count,
                                       ring + ready % span * row + phase * g->pitch, channel);
            for (int32_t ky = 0; ky < s->kernel_h; ky++) {
                const int32_t h = top + ky * s->dilation_h;
                table[ky] = ek_address_of(h >= 0 && h < s->in_h ? ring + h % span * row : zero, ring);
            }
            ek_depthwise_row(g, &in, ek_min(4, s->in_c - c), multiplier, w + c * multiplier * bytes,
                             record + c * multiplier * size, y, oh * g->y_row + ow * g->y_column + c * multiplier);
        }
        unit += last - first;
    }
}

#endif

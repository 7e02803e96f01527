/*
 * Depthwise convolution along columns with multiplications of 16-bit lanes, Armv7E-M: same values as ../depthwise.h for
 * one column of taps, no padding, one or two outputs per channel and a multiple of four channels.
 *
 * Four neighbouring channels are widened in registers, their eight sums stay there. Weights are words of a channel's
 * two outputs, stored per four channels as [kernel row][channel]. Records hold the bias minus z_x times the sum of the
 * weights, because x enters as it is.
 */
#ifndef EK_ARMV7EM_COLUMNS_H
#define EK_ARMV7EM_COLUMNS_H

#include "../conv.h"
#include "dsp.h"

enum { EK_COLUMNS_BURST = 8 }; /* kernel rows that are unrolled */

/* Sums of the first (a) and second (b) output of four channels. */
typedef struct {
    int32_t a0, a1, a2, a3, b0, b1, b2, b3;
} ek_columns_sums;

#if EK_DSP_ASM && defined(__clang__)
/* Two outputs of four channels in one piece of assembly, 13 registers: Clang would spill sums. */
EK_INLINE void ek_columns_row2(const int8_t *x, const ek_word *w, int32_t at, ek_columns_sums *acc) {
    uint32_t bytes, lanes, weights;
    __asm__ volatile("ldr %[x], [%[px]]\n\tldr %[w], [%[pw], %[at0]]\n\t"
                     "sxtb16 %[l], %[x]\n\t"
                     "smlabb %[a0], %[l], %[w], %[a0]\n\tsmlabt %[b0], %[l], %[w], %[b0]\n\t"
                     "ldr %[w], [%[pw], %[at2]]\n\t"
                     "smlatb %[a2], %[l], %[w], %[a2]\n\tsmlatt %[b2], %[l], %[w], %[b2]\n\t"
                     "ldr %[l], [%[pw], %[at1]]\n\tldr %[w], [%[pw], %[at3]]\n\t"
                     "sxtb16 %[x], %[x], ror #8\n\t"
                     "smlabb %[a1], %[x], %[l], %[a1]\n\tsmlabt %[b1], %[x], %[l], %[b1]\n\t"
                     "smlatb %[a3], %[x], %[w], %[a3]\n\tsmlatt %[b3], %[x], %[w], %[b3]"
                     : [a0] "+r"(acc->a0), [a1] "+r"(acc->a1), [a2] "+r"(acc->a2), [a3] "+r"(acc->a3),
                       [b0] "+r"(acc->b0), [b1] "+r"(acc->b1), [b2] "+r"(acc->b2), [b3] "+r"(acc->b3), [x] "=&r"(bytes),
                       [l] "=&r"(lanes), [w] "=&r"(weights)
                     : [px] "r"(x), [pw] "r"(w), [at0] "i"(4 * at), [at1] "i"(4 * at + 4), [at2] "i"(4 * at + 8),
                       [at3] "i"(4 * at + 12)
                     : "memory");
}
#endif

/* One kernel row of four channels; `both`: there are two outputs each. */
EK_INLINE void ek_columns_row(int32_t both, const int8_t *x, const ek_word *w, int32_t at, ek_columns_sums *acc) {
#if EK_DSP_ASM && defined(__clang__)
    if (both) {
        ek_columns_row2(x, w, at, acc);
        return;
    }
#endif
    uint32_t first, second;
    const uint32_t bytes = ek_load_bytes(x);
    ek_load2(&first, w, at, &second, w, at + 1);
    const uint32_t even = ek_bytes_even(bytes), odd = ek_bytes_odd(bytes);
    acc->a0 = ek_smlabb(even, first, acc->a0);
    acc->a1 = ek_smlabb(odd, second, acc->a1);
    if (both) {
        acc->b0 = ek_smlabt(even, first, acc->b0);
        acc->b1 = ek_smlabt(odd, second, acc->b1);
    }
    ek_load2(&first, w, at + 2, &second, w, at + 3);
    acc->a2 = ek_smlatb(even, first, acc->a2);
    acc->a3 = ek_smlatb(odd, second, acc->a3);
    if (both) {
        acc->b2 = ek_smlatt(even, first, acc->b2);
        acc->b3 = ek_smlatt(odd, second, acc->b3);
    }
}

/* All kernel rows of four channels at one position. */
EK_INLINE void ek_columns_run(const ek_window *s, int32_t both, const int8_t *x, const ek_word *w,
                              ek_columns_sums *acc) {
    const int32_t step = s->dilation_h * s->in_w * s->in_c, bursts = s->kernel_h / EK_COLUMNS_BURST;
    const ek_word *end = w + bursts * EK_COLUMNS_BURST * 4;
    if (bursts > 0)
        do {
            EK_UNROLL
            for (int32_t k = 0; k < EK_COLUMNS_BURST; k++) {
                ek_columns_row(both, x, w, 4 * k, acc);
                x += step;
                EK_KEEP(x);
            }
            w += 4 * EK_COLUMNS_BURST;
            if (bursts == 1)
                break;
            EK_KEEP(w);
        } while (w != end);
    EK_UNROLL
    for (int32_t k = 0; k < EK_COLUMNS_BURST - 1; k++)
        if (k < s->kernel_h % EK_COLUMNS_BURST) {
            ek_columns_row(both, x, w, 4 * k, acc);
            x += step;
            EK_KEEP(x);
        }
}

/* Stores the outputs of one channel. */
EK_INLINE const int32_t *ek_columns_store(const ek_requant *r, int32_t both, void *y, int32_t at, int32_t a, int32_t b,
                                          const int32_t *record) {
    ek_store(r, y, at, ek_requantize_dsp(r, ek_wrap_add(a, record[0]), record));
    record += EK_RECORD_WORDS(r);
    if (both) {
        ek_store(r, y, at + 1, ek_requantize_dsp(r, ek_wrap_add(b, record[0]), record));
        record += EK_RECORD_WORDS(r);
    }
    return record;
}

EK_INLINE void ek_columns_smla(const ek_conv_geometry *g, const int8_t *x, void *y, const uint32_t *w,
                               const int32_t *records) {
    const ek_window *s = &g->window;
    const ek_requant *r = &g->requant;
    const int32_t both = s->out_c == 2 * s->in_c, each = both ? 2 : 1;
    int32_t at = 0;
    for (int32_t oh = 0; oh < s->out_h; oh++)
        for (int32_t ow = 0; ow < s->out_w; ow++) {
            const int8_t *from = x + (oh * s->stride_h * s->in_w + ow * s->stride_w) * s->in_c;
            const int32_t *record = records;
            for (int32_t c = 0; c < s->in_c; c += 4) {
                ek_columns_sums acc = {0, 0, 0, 0, 0, 0, 0, 0};
                ek_columns_run(s, both, from + c, w + c * s->kernel_h, &acc);
                record = ek_columns_store(r, both, y, at, acc.a0, acc.b0, record);
                record = ek_columns_store(r, both, y, at + each, acc.a1, acc.b1, record);
                record = ek_columns_store(r, both, y, at + 2 * each, acc.a2, acc.b2, record);
                record = ek_columns_store(r, both, y, at + 3 * each, acc.a3, acc.b3, record);
                at += 4 * each;
            }
        }
}

#endif

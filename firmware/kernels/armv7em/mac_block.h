/*
 * The multiply-accumulate core of the Armv7E-M convolutions: one or two output channels times three positions.
 *
 * Inputs are int16 pairs, one word each. In a sliding block the positions lie one tap apart, so that position p sees at
 * step k the word x[(k * ahead + p) * gap] and a step reuses words of the one before it: 3 loads serve 12 MACs in 10
 * cycles. Otherwise it sees x[k * ahead * gap + p * apart].
 *
 * w holds `channels` words per step.
 */
#ifndef EK_ARMV7EM_MAC_BLOCK_H
#define EK_ARMV7EM_MAC_BLOCK_H

#include "dsp.h"

enum { EK_BURST = 12 }; /* steps that are unrolled; a multiple of 3 leaves sliding words in their registers */

typedef struct {
    int32_t channels; /* 1 or 2 */
    int32_t slides;   /* positions lie one tap apart */
    int32_t ahead;    /* taps per step: 2 where a word pairs a channel's neighbouring taps, else 1 */
    int32_t gap;      /* words from one tap to the next */
    int32_t apart;    /* words from one position to the next */
} ek_block;

/* Sums of the first (a) and second (b) channel at three positions. */
typedef struct {
    int32_t a0, a1, a2, b0, b1, b2;
} ek_sums;

/* What three positions see. */
typedef struct {
    uint32_t x0, x1, x2;
} ek_seen;

/* Loads the words of step k and its weights; a sliding block finds in `s` what the step before has left. */
EK_INLINE void ek_block_load(const ek_block *b, const ek_word *x, const ek_word *w, int32_t k, ek_seen *s, uint32_t *wa,
                             uint32_t *wb) {
    const int32_t at = k * b->ahead * b->gap, wk = k * b->channels;
    if (b->slides && b->ahead == 1 && b->channels == 2) {
        ek_load3(wa, w, wk, wb, w, wk + 1, &s->x2, x, at + 2 * b->gap);
        return;
    }
    if (b->slides && b->ahead == 1) {
        ek_load2(wa, w, wk, &s->x2, x, at + 2 * b->gap);
        return;
    }
    if (b->slides)
        ek_load2(&s->x1, x, at + b->gap, &s->x2, x, at + 2 * b->gap);
    else
        ek_load3(&s->x0, x, at, &s->x1, x, at + b->apart, &s->x2, x, at + 2 * b->apart);
    if (b->channels == 2)
        ek_load2(wa, w, wk, wb, w, wk + 1);
    else
        *wa = w[wk];
}

#if EK_DSP_ASM && defined(__clang__)
/* Two channels in one piece of assembly, 13 registers: Clang would move multiplications behind the loads of the next
 * step and spill. GCC keeps the order, but cannot always allocate such a block. */
#define EK_STEP2_SUMS(acc)                                                                                             \
    [a0] "+r"((acc)->a0), [a1] "+r"((acc)->a1), [a2] "+r"((acc)->a2), [b0] "+r"((acc)->b0), [b1] "+r"((acc)->b1),      \
        [b2] "+r"((acc)->b2)
#define EK_STEP2_WEIGHTS "ldr %[wa], [%[w], %[at_wa]]\n\tldr %[wb], [%[w], %[at_wb]]\n\t"
#define EK_STEP2_LOAD(i) "ldr %[x" #i "], [%[x], %[at" #i "]]\n\t"
#define EK_STEP2_MULTIPLY(i)                                                                                           \
    "smlad %[a" #i "], %[x" #i "], %[wa], %[a" #i "]\n\tsmlad %[b" #i "], %[x" #i "], %[wb], %[b" #i "]\n\t"
#define EK_STEP2_MULTIPLIES EK_STEP2_MULTIPLY(0) EK_STEP2_MULTIPLY(1) EK_STEP2_MULTIPLY(2)

EK_INLINE void ek_block_step2(const ek_block *b, const ek_word *x, const ek_word *w, int32_t k, ek_seen *s,
                              ek_sums *acc) {
    const int32_t apart = b->slides ? b->gap : b->apart, at = k * b->ahead * b->gap;
    uint32_t wa, wb;
    if (b->slides && b->ahead == 1)
        __asm__ volatile(EK_STEP2_WEIGHTS EK_STEP2_LOAD(2) EK_STEP2_MULTIPLIES
                         : EK_STEP2_SUMS(acc), [wa] "=&r"(wa), [wb] "=&r"(wb), [x2] "=&r"(s->x2)
                         : [x] "r"(x), [w] "r"(w), [at_wa] "i"(8 * k), [at_wb] "i"(8 * k + 4), [x0] "r"(s->x0),
                           [x1] "r"(s->x1), [at2] "i"(4 * (at + 2 * apart))
                         : "memory");
    else if (b->slides)
        __asm__ volatile(EK_STEP2_WEIGHTS EK_STEP2_LOAD(1) EK_STEP2_LOAD(2) EK_STEP2_MULTIPLIES
                         : EK_STEP2_SUMS(acc), [wa] "=&r"(wa), [wb] "=&r"(wb), [x1] "=&r"(s->x1), [x2] "=&r"(s->x2)
                         : [x] "r"(x), [w] "r"(w), [at_wa] "i"(8 * k), [at_wb] "i"(8 * k + 4), [x0] "r"(s->x0),
                           [at1] "i"(4 * (at + apart)), [at2] "i"(4 * (at + 2 * apart))
                         : "memory");
    else
        __asm__ volatile(EK_STEP2_WEIGHTS EK_STEP2_LOAD(0) EK_STEP2_LOAD(1) EK_STEP2_LOAD(2) EK_STEP2_MULTIPLIES
                         : EK_STEP2_SUMS(acc), [wa] "=&r"(wa), [wb] "=&r"(wb), [x0] "=&r"(s->x0), [x1] "=&r"(s->x1),
                           [x2] "=&r"(s->x2)
                         : [x] "r"(x), [w] "r"(w), [at_wa] "i"(8 * k), [at_wb] "i"(8 * k + 4), [at0] "i"(4 * at),
                           [at1] "i"(4 * (at + apart)), [at2] "i"(4 * (at + 2 * apart))
                         : "memory");
}
#endif

EK_INLINE void ek_block_step(const ek_block *b, const ek_word *x, const ek_word *w, int32_t k, ek_seen *s,
                             ek_sums *acc) {
#if EK_DSP_ASM && defined(__clang__)
    if (b->channels == 2 && EK_NEAR(k * b->ahead * b->gap + 2 * (b->slides ? b->gap : b->apart)))
        ek_block_step2(b, x, w, k, s, acc);
    else
#endif
    {
        uint32_t wa = 0, wb = 0;
        ek_block_load(b, x, w, k, s, &wa, &wb);
        acc->a0 = ek_smlad(s->x0, wa, acc->a0);
        acc->a1 = ek_smlad(s->x1, wa, acc->a1);
        acc->a2 = ek_smlad(s->x2, wa, acc->a2);
        if (b->channels == 2) {
            acc->b0 = ek_smlad(s->x0, wb, acc->b0);
            acc->b1 = ek_smlad(s->x1, wb, acc->b1);
            acc->b2 = ek_smlad(s->x2, wb, acc->b2);
        }
    }
    if (b->slides) {
        s->x0 = b->ahead == 1 ? s->x1 : s->x2;
        s->x1 = s->x2;
    }
}

/* Steps first .. steps-1 of at most EK_BURST, unrolled; both are literals. */
EK_INLINE void ek_block_burst(const ek_block *b, const ek_word *x, const ek_word *w, int32_t steps, int32_t first,
                              ek_sums *acc) {
    ek_seen s = {0, 0, 0};
    if (b->slides) {
        s.x0 = x[first * b->ahead * b->gap];
        if (b->ahead == 1)
            s.x1 = x[(first + 1) * b->gap];
    }
    EK_UNROLL
    for (int32_t k = 0; k < EK_BURST; k++)
        if (k >= first && k < steps)
            ek_block_step(b, x, w, k, &s, acc);
}

/* All `steps` but the first `skip`, which meet nothing but zeros: exactly those where one burst is enough (`skip` is a
 * literal then), whole bursts where it is not. */
EK_INLINE void ek_block_run(const ek_block *b, const ek_word *x, const ek_word *w, int32_t steps, int32_t skip,
                            ek_sums *acc) {
    const int32_t reach = (1023 / b->gap - 2) / b->ahead / 3 * 3; /* offsets of a load are 12 bits */
    const int32_t burst = ek_max(3, ek_min(EK_BURST, reach)), tail = steps % burst;
    if (steps <= burst) {
        if (skip < steps)
            ek_block_burst(b, x, w, steps, skip, acc);
        return;
    }
    int32_t k = skip / burst * burst;
    for (; k < steps - tail; k += burst)
        ek_block_burst(b, x + k * b->ahead * b->gap, w + k * b->channels, burst, 0, acc);
    if (tail > 0 && k < steps)
        ek_block_burst(b, x + k * b->ahead * b->gap, w + k * b->channels, tail, 0, acc);
}

#endif

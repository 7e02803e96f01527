/*
 * The multiply-accumulate core of the Armv7E-M convolutions: one or two output channels times three positions.
 *
 * Inputs are int16 pairs, one word each. Position p of a block sees, at step k, the word x[(k * ahead + p) * gap] when the
 * window slides, and x[k * ahead * gap + p * apart] otherwise. In a sliding block the positions lie one tap apart, so that
 * a step reuses words of the one before it: 3 loads serve 12 MACs in 10 cycles.
 *
 * w holds `channels` words per step.
 */
#ifndef EK_ARMV7EM_MAC_BLOCK_H
#define EK_ARMV7EM_MAC_BLOCK_H

#include "dsp.h"

enum { EK_POSITIONS = 3 };

typedef struct {
    int32_t channels; /* 1 or 2 */
    int32_t slides;   /* positions lie one tap apart */
    int32_t ahead;    /* taps per step: 2 where a word pairs a channel's neighbouring taps, else 1 */
    int32_t gap;      /* words from one tap to the next */
    int32_t apart;    /* words from one position to the next */
} ek_block;

/* Loads the words of step k into x[0..2] and its weights into v[0..channels-1]. */
EK_INLINE void ek_block_load(const ek_block *b, const ek_word *x, const ek_word *w, int32_t k, uint32_t *v,
                             uint32_t *words) {
    const int32_t at = k * b->ahead * b->gap, wk = k * b->channels;
    if (b->slides && b->ahead == 1) {
        if (b->channels == 2)
            ek_load3(&v[0], w, wk, &v[1], w, wk + 1, &words[2], x, at + 2 * b->gap);
        else
            ek_load2(&v[0], w, wk, &words[2], x, at + 2 * b->gap);
    } else if (b->slides) {
        ek_load2(&words[1], x, at + b->gap, &words[2], x, at + 2 * b->gap);
        if (b->channels == 2)
            ek_load2(&v[0], w, wk, &v[1], w, wk + 1);
        else
            v[0] = w[wk];
    } else {
        ek_load3(&words[0], x, at, &words[1], x, at + b->apart, &words[2], x, at + 2 * b->apart);
        if (b->channels == 2)
            ek_load2(&v[0], w, wk, &v[1], w, wk + 1);
        else
            v[0] = w[wk];
    }
}

/* Step k: acc[channel * 3 + position] += x * w. Expects in words[] what the step before has left. */
EK_INLINE void ek_block_step(const ek_block *b, const ek_word *x, const ek_word *w, int32_t k, uint32_t *words,
                             int32_t *acc) {
    uint32_t v[2];
    ek_block_load(b, x, w, k, v, words);
    EK_UNROLL
    for (int32_t p = 0; p < EK_POSITIONS; p++) {
        acc[p] = ek_smlad(words[p], v[0], acc[p]);
        if (b->channels == 2) acc[EK_POSITIONS + p] = ek_smlad(words[p], v[1], acc[EK_POSITIONS + p]);
    }
    if (b->slides && b->ahead == 1) {
        words[0] = words[1];
        words[1] = words[2];
    } else if (b->slides) {
        words[0] = words[2];
    }
}

/* At most 12 steps, unrolled; the first `skip` of them may be left out. */
EK_INLINE void ek_block_burst(const ek_block *b, const ek_word *x, const ek_word *w, int32_t steps, int32_t skip,
                              int32_t *acc) {
    const int32_t begin = skip / 3 * 3; /* after 3 steps the sliding words are back in their registers */
    uint32_t words[EK_POSITIONS] = {0, 0, 0};
    if (b->slides) {
        words[0] = x[begin * b->ahead * b->gap];
        if (b->ahead == 1) words[1] = x[(begin + 1) * b->gap];
    }
    EK_UNROLL
    for (int32_t k = 0; k < 12; k++)
        if (k < steps && k / 3 * 3 >= begin) ek_block_step(b, x, w, k, words, acc);
}

/* All `steps`; the first `skip` meet nothing but zeros and may be left out. With a literal 0 nothing is tested. */
EK_INLINE void ek_block_run(const ek_block *b, const ek_word *x, const ek_word *w, int32_t steps, int32_t skip,
                            int32_t *acc) {
    const int32_t reach = (1023 / b->gap - 2) / b->ahead / 3 * 3; /* offsets of a load are 12 bits */
    const int32_t burst = ek_max(3, ek_min(12, reach)), tail = steps % burst;
    int32_t k = skip / burst * burst;
    for (; k < steps - tail; k += burst)
        ek_block_burst(b, x + k * b->ahead * b->gap, w + k * b->channels, burst, ek_max(0, skip - k), acc);
    if (tail > 0 && k < steps)
        ek_block_burst(b, x + k * b->ahead * b->gap, w + k * b->channels, tail, ek_max(0, skip - k), acc);
}

#endif

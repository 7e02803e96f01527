/*
 * Fully connected layer with SMLAD, Armv7E-M: same values as ../dense.h.
 *
 * Both operands stay int8 in memory and are widened in registers, four at a time. Weights are words of four inputs of
 * one output, stored per block of up to five outputs as [four inputs][output], the last inputs filled up with zeros.
 * Records hold the bias minus z_x times the sum of the weights, because x enters as it is.
 */
#ifndef EK_ARMV7EM_DENSE_H
#define EK_ARMV7EM_DENSE_H

#include "../dense.h"
#include "dsp.h"

enum { EK_DENSE_BLOCK = 5 };

typedef struct {
    int32_t a, b, c, d, e;
} ek_dense_sums;

/* acc + the sum of four products. */
EK_INLINE int32_t ek_dot4(uint32_t x_even, uint32_t x_odd, uint32_t w, int32_t acc) {
    return ek_smlad(x_odd, ek_bytes_odd(w), ek_smlad(x_even, ek_bytes_even(w), acc));
}

EK_INLINE void ek_dense_step(int32_t outputs, uint32_t x, const uint32_t *w, ek_dense_sums *acc) {
    const uint32_t even = ek_bytes_even(x), odd = ek_bytes_odd(x);
    acc->a = ek_dot4(even, odd, w[0], acc->a);
    if (outputs > 1)
        acc->b = ek_dot4(even, odd, w[1], acc->b);
    if (outputs > 2)
        acc->c = ek_dot4(even, odd, w[2], acc->c);
    if (outputs > 3)
        acc->d = ek_dot4(even, odd, w[3], acc->d);
    if (outputs > 4)
        acc->e = ek_dot4(even, odd, w[4], acc->e);
}

/* `outputs` (a literal, 1 to 5) outputs from index `at`. */
EK_INLINE void ek_dense_block(const ek_dense_geometry *g, int32_t outputs, const int8_t *x, void *y, const uint32_t *w,
                              const int32_t *record, int32_t at) {
    const int32_t size = EK_RECORD_WORDS(&g->requant), fours = g->inputs / 4, rest = g->inputs % 4;
    const int8_t *end = x + 4 * fours;
    ek_dense_sums acc = {0, 0, 0, 0, 0};
    while (x != end) {
        ek_dense_step(outputs, ek_load_bytes(x), w, &acc);
        x += 4;
        w += outputs;
        EK_KEEP(x);
        EK_KEEP(w);
    }
    if (rest) {
        uint32_t word = 0;
        for (int32_t i = 0; i < rest; i++)
            word |= (uint32_t)(uint8_t)x[i] << (8 * i);
        ek_dense_step(outputs, word, w, &acc);
    }
    const int32_t sums[EK_DENSE_BLOCK] = {acc.a, acc.b, acc.c, acc.d, acc.e};
    for (int32_t o = 0; o < outputs; o++) {
        const int32_t *r = record + (at + o) * size;
        ek_store(&g->requant, y, at + o, ek_requantize_dsp(&g->requant, ek_wrap_add(sums[o], r[0]), r));
    }
}

EK_INLINE void ek_dense_smlad(const ek_dense_geometry *g, const int8_t *x, void *y, const uint32_t *w,
                              const int32_t *record) {
    const int32_t blocks = (g->outputs + EK_DENSE_BLOCK - 1) / EK_DENSE_BLOCK;
    const int32_t width = (g->outputs + blocks - 1) / blocks, rest = g->outputs % width;
    const int32_t words = (g->inputs + 3) / 4;
    int32_t at = 0;
    for (; at + width <= g->outputs; at += width)
        ek_dense_block(g, width, x, y, w + at * words, record, at);
    if (rest)
        ek_dense_block(g, rest, x, y, w + at * words, record, at);
}

#endif

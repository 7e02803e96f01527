/* out += A^T B for A, B of shape (rows, n): the one matrix product of the front end, in blocks of 4 x 4 sums that stay
 * in registers. */
#ifndef EK_GRAM_H
#define EK_GRAM_H

#include "float.h"

#define EK_BLOCK 4

/* One block of `high` x `wide` sums (literals, at most EK_BLOCK); of a `diagonal` block only those on and above the
 * diagonal. */
EK_INLINE void ek_gram_block(int32_t high, int32_t wide, int diagonal, int32_t n, int32_t rows, const float *a,
                             const float *b, float *out) {
    float sums[EK_BLOCK][EK_BLOCK], products[EK_BLOCK] = {0.0f, 0.0f, 0.0f, 0.0f};

    EK_UNROLL
    for (int32_t i = 0; i < high; i++) {
        EK_UNROLL
        for (int32_t j = 0; j < wide; j++) {
            sums[i][j] = 0.0f;
        }
    }
    EK_UNROLL_2
    for (int32_t row = 0; row < rows; row++) {
        EK_UNROLL
        for (int32_t i = 0; i < high; i++) {
            EK_UNROLL
            for (int32_t j = diagonal ? i : 0; j < wide; j++) {
                products[j] = a[i] * b[j];
            }
            EK_APART_4(products[0], products[1], products[2], products[3]);
            EK_UNROLL
            for (int32_t j = diagonal ? i : 0; j < wide; j++) {
                sums[i][j] += products[j];
            }
        }
        a += n;
        b += n;
    }
    EK_UNROLL
    for (int32_t i = 0; i < high; i++) {
        EK_UNROLL
        for (int32_t j = diagonal ? i : 0; j < wide; j++) {
            out[i * n + j] += sums[i][j];
        }
    }
}

/* `upper`: the result is symmetric, and only its elements on and above the diagonal are wanted. n is a literal. */
EK_INLINE void ek_gram(int32_t n, int32_t rows, const float *a, const float *b, int upper, float *out) {
    const int32_t whole = n / EK_BLOCK * EK_BLOCK, rest = n - whole;
    int32_t i = 0, j;

    for (; i < whole; i += EK_BLOCK) {
        float *at = out + i * n;

        if (upper) {
            ek_gram_block(EK_BLOCK, EK_BLOCK, 1, n, rows, a + i, b + i, at + i);
        }
        for (j = upper ? i + EK_BLOCK : 0; j < whole; j += EK_BLOCK) {
            ek_gram_block(EK_BLOCK, EK_BLOCK, 0, n, rows, a + i, b + j, at + j);
        }
        if (rest) {
            ek_gram_block(EK_BLOCK, rest, 0, n, rows, a + i, b + whole, at + whole);
        }
    }
    if (rest && upper) {
        ek_gram_block(rest, rest, 1, n, rows, a + whole, b + whole, out + whole * n + whole);
    } else if (rest) {
        for (j = 0; j < whole; j += EK_BLOCK) {
            ek_gram_block(rest, EK_BLOCK, 0, n, rows, a + whole, b + j, out + whole * n + j);
        }
        ek_gram_block(rest, rest, 0, n, rows, a + whole, b + whole, out + whole * n + whole);
    }
}

#endif

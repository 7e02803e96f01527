/*
 * Requantization: y = clip(z + ((acc * m + a) >> s), lo, hi), exact, with an arithmetic shift.
 *
 * The factors of one channel are a record of int32 words.
 *
 *   high form (4 words): bias, m, round, shift      y = clip((hi32(acc * m) + round) >> shift, lo, hi)
 *   full form (5 words): bias, m, a low, a high, s  y = clip(z + ((acc * m + a) >> s), lo, hi)
 *
 * The high form gives the same value where 2^32 divides a and s >= 33: shift = s - 32, round = a / 2^32 + (z << shift).
 * It costs one 32 x 32 -> high 32 multiplication, one addition and one shift.
 */
#ifndef EK_REQUANT_H
#define EK_REQUANT_H

#include "base.h"

typedef struct {
    int32_t full;     /* 1: full form, 0: high form */
    int32_t zero;     /* output zero point z (full form only) */
    int32_t lo, hi;   /* clip bounds */
    int32_t out_bits; /* output element: 8 or 16 */
} ek_requant;

#define EK_RECORD_WORDS(r) ((r)->full ? 5 : 4)

/* acc * m + a, then >> s: |acc * m + a| < 2^62 is proven by the exporter. The shift of a negative value is arithmetic
 * in every compiler that builds this file. */
EK_INLINE int64_t ek_scale(int64_t total, int32_t s) { return total >> s; }

EK_INLINE int32_t ek_clip(int32_t value, int32_t lo, int32_t hi) { return value < lo ? lo : value > hi ? hi : value; }

EK_INLINE int64_t ek_join(int32_t low, int32_t high) {
    return (int64_t)(((uint64_t)(uint32_t)high << 32) | (uint32_t)low);
}

EK_INLINE int32_t ek_requantize_full(int64_t total, int32_t s, int32_t zero, int32_t lo, int32_t hi) {
    const int64_t y = ek_scale(total, s) + zero;
    return y < lo ? lo : y > hi ? hi : (int32_t)y;
}

/* acc already holds the bias. */
EK_INLINE int32_t ek_requantize(const ek_requant *r, int32_t acc, const int32_t *record) {
    if (r->full)
        return ek_requantize_full((int64_t)acc * record[1] + ek_join(record[2], record[3]), record[4], r->zero, r->lo,
                                  r->hi);
    return ek_clip(((int32_t)(((int64_t)acc * record[1]) >> 32) + record[2]) >> record[3], r->lo, r->hi);
}

EK_INLINE void ek_store(const ek_requant *r, void *y, int32_t index, int32_t value) {
    if (r->out_bits == 8)
        ((int8_t *)y)[index] = (int8_t)value;
    else
        ((int16_t *)y)[index] = (int16_t)value;
}

#endif

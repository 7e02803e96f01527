/* Bits in 32-bit words, the first one lowest; what lies behind the last one in its word is 0. */
#ifndef EK_BITS_H
#define EK_BITS_H

#include "base.h"

/* Number of ones in a word: by pairs, nibbles and bytes, whose sum a multiplication leaves in the highest byte. */
EK_INLINE int32_t ek_popcount(uint32_t word) {
    word -= (word >> 1) & 0x55555555u;
    word = (word & 0x33333333u) + ((word >> 2) & 0x33333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0fu;
    return (int32_t)((word * 0x01010101u) >> 24);
}

typedef int32_t ek_distance_function(const uint32_t *a, const uint32_t *b, int32_t words);

/* *sum becomes the sum of three bits, the result is the carry: for every bit of the words. */
EK_INLINE uint32_t ek_full_add(uint32_t *sum, uint32_t a, uint32_t b) {
    const uint32_t either = *sum ^ a, carry = (*sum & a) | (either & b);
    *sum = either ^ b;
    return carry;
}

/* In how many bits two runs of words differ. */
EK_INLINE int32_t ek_distance(const uint32_t *a, const uint32_t *b, int32_t words) {
    int32_t distance = 0;
    for (int32_t i = 0; i < words; i++)
        distance += ek_popcount(a[i] ^ b[i]);
    return distance;
}

#endif

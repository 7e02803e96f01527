/*
 * int16 to bits by one threshold, Armv7E-M: same values as ../binarize.h.
 *
 * SSUB16 compares two values, SEL takes a bit for each that has reached the threshold. 32 values leave the even ones in
 * the lower half of a word and the odd ones in the upper half, which are then interleaved.
 */
#ifndef EK_ARMV7EM_BINARIZE_H
#define EK_ARMV7EM_BINARIZE_H

#include "../binarize.h"
#include "dsp.h"

/* `bits` in the lanes of x that are not below those of y; lanes of y within int16, differences may wrap. */
EK_INLINE uint32_t ek_reached(uint32_t x, uint32_t y, uint32_t bits) {
#if EK_DSP
    uint32_t taken;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %3, %4" : "=&r"(taken) : "r"(x), "r"(y), "r"(bits), "r"(0) : "cc");
    return taken;
#else
    const uint32_t low = ek_lane(x, 0) >= ek_lane(y, 0) ? 0xffffu : 0,
                   high = ek_lane(x, 1) >= ek_lane(y, 1) ? 0xffffu : 0;
    return bits & (high << 16 | low);
#endif
}

/* Bit j and bit 16 + j become bits 2 j and 2 j + 1 (Warren, Hacker's Delight, 7-2). */
EK_INLINE uint32_t ek_interleaved(uint32_t word) {
    uint32_t swapped = (word ^ (word >> 8)) & 0x0000ff00u;
    word ^= swapped ^ (swapped << 8);
    swapped = (word ^ (word >> 4)) & 0x00f000f0u;
    word ^= swapped ^ (swapped << 4);
    swapped = (word ^ (word >> 2)) & 0x0c0c0c0cu;
    word ^= swapped ^ (swapped << 2);
    swapped = (word ^ (word >> 1)) & 0x22222222u;
    return word ^ swapped ^ (swapped << 1);
}

EK_INLINE void ek_binarize_dsp(const ek_binarize_geometry *g, const void *x, uint32_t *y, const int32_t *threshold) {
    const int16_t *from = (const int16_t *)x;
    const uint32_t level = ek_lanes(*threshold, *threshold);
    for (int32_t p = 0; p < g->positions; p++, from += g->channels % 32) {
        for (int32_t word = 0; word < g->channels / 32; word++, from += 32) {
            uint32_t bits = 0;
            EK_UNROLL
            for (int32_t j = 0; j < 16; j++)
                bits |= ek_reached(ek_load_bytes((const int8_t *)(from + 2 * j)), level, 0x00010001u << j);
            *y++ = ek_interleaved(bits);
        }
        if (g->channels % 32)
            *y++ = ek_binarized(g, x, threshold, p, g->channels / 32);
    }
}

#endif

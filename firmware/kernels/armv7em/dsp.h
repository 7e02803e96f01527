/*
 * Armv7E-M DSP instructions as functions.
 *
 * On Arm they are single instructions; elsewhere they are emulated in portable C, so that a kernel written with them
 * runs (and is checked for undefined behaviour) on the host. Lanes are signed 16-bit halves of a word; sums wrap modulo
 * 2^32.
 */
#ifndef EK_ARMV7EM_DSP_H
#define EK_ARMV7EM_DSP_H

#include "../requant.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#define EK_DSP 1
/* Assembly takes offsets as immediate operands: literals, once everything is inlined by an optimising build. */
#if defined(__OPTIMIZE__) && EK_LITERAL
#define EK_DSP_ASM 1
#else
#define EK_DSP_ASM 0
#endif
#else
#define EK_DSP 0
#define EK_DSP_ASM 0
#endif

EK_INLINE int32_t ek_lane(uint32_t word, int half) { return (int16_t)(uint16_t)(word >> (16 * half)); }

EK_INLINE uint32_t ek_lanes(int32_t low, int32_t high) { return ((uint32_t)low & 0xffffu) | ((uint32_t)high << 16); }

/* Four bytes from any address, the first one lowest. */
EK_INLINE uint32_t ek_load_bytes(const int8_t *x) {
#if defined(__GNUC__)
    uint32_t word;
    __builtin_memcpy(&word, x, sizeof word);
    return word;
#else
    return (uint8_t)x[0] | (uint32_t)(uint8_t)x[1] << 8 | (uint32_t)(uint8_t)x[2] << 16 | (uint32_t)(uint8_t)x[3] << 24;
#endif
}

EK_INLINE void ek_store_bytes(int8_t *y, uint32_t word) {
#if defined(__GNUC__)
    __builtin_memcpy(y, &word, sizeof word);
#else
    for (int i = 0; i < 4; i++)
        y[i] = (int8_t)(uint8_t)(word >> (8 * i));
#endif
}

/* acc + x.low * w.low + x.high * w.high */
EK_INLINE int32_t ek_smlad(uint32_t x, uint32_t w, int32_t acc) {
#if EK_DSP
    return __smlad((int16x2_t)x, (int16x2_t)w, acc);
#else
    const uint32_t low = (uint32_t)(ek_lane(x, 0) * ek_lane(w, 0));
    const uint32_t high = (uint32_t)(ek_lane(x, 1) * ek_lane(w, 1));
    return (int32_t)((uint32_t)acc + low + high);
#endif
}

/* acc + x.low * w.low + x.high * w.high, in 64 bits. */
EK_INLINE int64_t ek_smlald(uint32_t x, uint32_t w, int64_t acc) {
#if EK_DSP
    return __smlald((int16x2_t)x, (int16x2_t)w, acc);
#else
    return acc + ek_lane(x, 0) * ek_lane(w, 0) + ek_lane(x, 1) * ek_lane(w, 1);
#endif
}

/* Sum modulo 2^32: intermediate sums may wrap where the final one is proven to fit. */
EK_INLINE int32_t ek_wrap_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

/* acc + a lane of x times a lane of w: b is the low (bottom), t the high (top) one. */
EK_INLINE int32_t ek_smlabb(uint32_t x, uint32_t w, int32_t acc) {
#if EK_DSP
    return __smlabb((int32_t)x, (int32_t)w, acc);
#else
    return ek_wrap_add(acc, ek_lane(x, 0) * ek_lane(w, 0));
#endif
}

EK_INLINE int32_t ek_smlabt(uint32_t x, uint32_t w, int32_t acc) {
#if EK_DSP
    return __smlabt((int32_t)x, (int32_t)w, acc);
#else
    return ek_wrap_add(acc, ek_lane(x, 0) * ek_lane(w, 1));
#endif
}

EK_INLINE int32_t ek_smlatb(uint32_t x, uint32_t w, int32_t acc) {
#if EK_DSP
    return __smlatb((int32_t)x, (int32_t)w, acc);
#else
    return ek_wrap_add(acc, ek_lane(x, 1) * ek_lane(w, 0));
#endif
}

EK_INLINE int32_t ek_smlatt(uint32_t x, uint32_t w, int32_t acc) {
#if EK_DSP
    return __smlatt((int32_t)x, (int32_t)w, acc);
#else
    return ek_wrap_add(acc, ek_lane(x, 1) * ek_lane(w, 1));
#endif
}

/* Sign-extended bytes 0 and 2 in the two lanes. */
EK_INLINE uint32_t ek_bytes_even(uint32_t bytes) {
#if EK_DSP
    return (uint32_t)__sxtb16((int8x4_t)bytes);
#else
    return ek_lanes((int8_t)(uint8_t)bytes, (int8_t)(uint8_t)(bytes >> 16));
#endif
}

/* Sign-extended bytes 1 and 3: the rotation is part of the instruction, which GCC does not know. */
EK_INLINE uint32_t ek_bytes_odd(uint32_t bytes) {
#if EK_DSP
    uint32_t y;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(y) : "r"(bytes));
    return y;
#else
    return ek_bytes_even(bytes >> 8);
#endif
}

/* base + sign-extended bytes 0 and 2, lane by lane. */
EK_INLINE uint32_t ek_add_even(uint32_t base, uint32_t bytes) {
#if EK_DSP
    return (uint32_t)__sxtab16((int16x2_t)base, (int8x4_t)bytes);
#else
    return ek_lanes(ek_lane(base, 0) + (int8_t)(uint8_t)bytes, ek_lane(base, 1) + (int8_t)(uint8_t)(bytes >> 16));
#endif
}

/* base + sign-extended bytes 1 and 3, lane by lane. */
EK_INLINE uint32_t ek_add_odd(uint32_t base, uint32_t bytes) {
#if EK_DSP
    uint32_t y;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(y) : "r"(base), "r"(bytes));
    return y;
#else
    return ek_add_even(base, bytes >> 8);
#endif
}

/* base + high word of x * y */
EK_INLINE int32_t ek_smmla(int32_t x, int32_t y, int32_t base) {
#if EK_DSP
    int32_t sum;
    __asm__("smmla %0, %1, %2, %3" : "=r"(sum) : "r"(x), "r"(y), "r"(base));
    return sum;
#else
    return (int32_t)((uint32_t)base + (uint32_t)(int32_t)(((int64_t)x * y) >> 32));
#endif
}

/* Saturation to int8. */
EK_INLINE int32_t ek_ssat8(int32_t value) {
#if EK_DSP
    int32_t y;
    __asm__("ssat %0, #8, %1" : "=r"(y) : "r"(value));
    return y;
#else
    return value < -128 ? -128 : value > 127 ? 127 : value;
#endif
}

/* Low halves of two words, the first one in the low lane. */
EK_INLINE uint32_t ek_pack_low(uint32_t first, uint32_t second) {
#if EK_DSP
    uint32_t y;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(y) : "r"(first), "r"(second));
    return y;
#else
    return (first & 0xffffu) | (second << 16);
#endif
}

/* High halves of two words, the first one in the low lane. */
EK_INLINE uint32_t ek_pack_high(uint32_t first, uint32_t second) {
#if EK_DSP
    uint32_t y;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(y) : "r"(second), "r"(first));
    return y;
#else
    return (first >> 16) | (second & 0xffff0000u);
#endif
}

/* The larger signed byte, lane by lane. */
EK_INLINE uint32_t ek_max4(uint32_t a, uint32_t b) {
#if EK_DSP
    uint32_t y;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(y) : "r"(a), "r"(b) : "cc");
    return y;
#else
    uint32_t y = 0;
    for (int i = 0; i < 32; i += 8) {
        const uint32_t p = (a >> i) & 0xffu, q = (b >> i) & 0xffu;
        y |= ((int8_t)(uint8_t)p >= (int8_t)(uint8_t)q ? p : q) << i;
    }
    return y;
#endif
}

EK_INLINE int32_t ek_clip_dsp(int32_t value, int32_t lo, int32_t hi) {
    return lo == -128 && hi == 127 ? ek_ssat8(value) : ek_clip(value, lo, hi);
}

/* ek_requantize with one SMMLA in the high form. */
EK_INLINE int32_t ek_requantize_dsp(const ek_requant *r, int32_t acc, const int32_t *record) {
    if (r->full)
        return ek_requantize(r, acc, record);
    return ek_clip_dsp(ek_smmla(acc, record[1], record[2]) >> record[3], r->lo, r->hi);
}

/*
 * Loads of neighbours. The core pipelines consecutive loads to one cycle each, but compilers spread them between
 * multiplications, where each costs two. Indices count words; literals in reach of the instruction's offset take the
 * fixed sequence.
 */
#if EK_DSP_ASM
#define EK_NEAR(i) ((i) >= 0 && (i) < 1024)
#endif

EK_INLINE void ek_load2(uint32_t *a, const ek_word *pa, int32_t ia, uint32_t *b, const ek_word *pb, int32_t ib) {
#if EK_DSP_ASM
    if (EK_NEAR(ia) && EK_NEAR(ib)) {
        __asm__ volatile("ldr %0, [%2, %4]\n\tldr %1, [%3, %5]"
                         : "=&r"(*a), "=&r"(*b)
                         : "r"(pa), "r"(pb), "i"(4 * ia), "i"(4 * ib)
                         : "memory");
        return;
    }
#endif
    *a = pa[ia];
    *b = pb[ib];
}

EK_INLINE void ek_load3(uint32_t *a, const ek_word *pa, int32_t ia, uint32_t *b, const ek_word *pb, int32_t ib,
                        uint32_t *c, const ek_word *pc, int32_t ic) {
#if EK_DSP_ASM
    if (EK_NEAR(ia) && EK_NEAR(ib) && EK_NEAR(ic)) {
        __asm__ volatile("ldr %0, [%3, %6]\n\tldr %1, [%4, %7]\n\tldr %2, [%5, %8]"
                         : "=&r"(*a), "=&r"(*b), "=&r"(*c)
                         : "r"(pa), "r"(pb), "r"(pc), "i"(4 * ia), "i"(4 * ib), "i"(4 * ic)
                         : "memory");
        return;
    }
#endif
    *a = pa[ia];
    *b = pb[ib];
    *c = pc[ic];
}

#endif

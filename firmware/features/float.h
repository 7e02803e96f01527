/* Float32 arithmetic that gives the same bits on every machine: only + - * / and square root, each rounded once, to
 * nearest, and never contracted (-ffp-contract=off); the logarithm is made of them. */
#ifndef EK_FLOAT_H
#define EK_FLOAT_H

#include "../kernels/base.h"

/* The core's own instruction: a builtin would call a C library for what is negative. */
static inline float ek_sqrt(float x) {
#if defined(__arm__)
    __asm__("vsqrt.f32 %0, %0" : "+t"(x));
    return x;
#elif defined(__riscv)
    __asm__("fsqrt.s %0, %0" : "+f"(x));
    return x;
#else
    return __builtin_sqrtf(x);
#endif
}

/* All of these values are computed before any of them is used: the order that a core without reordering needs, and
 * that compilers undo. EK_APART_4 says so only where a result that the next instruction needs costs a cycle
 * (Cortex-M4F: EK_RESULTS_WAIT); others rather mix arithmetic with loads. */
#if defined(__arm__)
#define EK_TOGETHER(a, b) __asm__("" : "+t"(a), "+t"(b))
#define EK_TOGETHER_4(a, b, c, d) __asm__("" : "+t"(a), "+t"(b), "+t"(c), "+t"(d))
#else
#define EK_TOGETHER(a, b) ((void)0)
#define EK_TOGETHER_4(a, b, c, d) ((void)0)
#endif
#if defined(EK_RESULTS_WAIT)
#define EK_APART_4(a, b, c, d) EK_TOGETHER_4(a, b, c, d)
#else
#define EK_APART_4(a, b, c, d) ((void)0)
#endif

/* Unrolls the following loop twice. */
#if defined(__clang__)
#define EK_UNROLL_2 _Pragma("clang loop unroll_count(2)")
#elif defined(__GNUC__)
#define EK_UNROLL_2 _Pragma("GCC unroll 2")
#else
#define EK_UNROLL_2
#endif

static inline float ek_abs(float x) { return x < 0.0f ? -x : x; }

/* Natural logarithm of a positive, normal x; relative error below 5 * 2^-24, see docs/features.md.
 *
 * x = 2^k * m with m in [sqrt(1/2), sqrt(2)), log(m) = 2 atanh(s) with s = (m - 1) / (m + 1), |s| < 0.1716, by its
 * Taylor series up to s^9: what is left out is below 2^-28 of the value. k * log(2) is added in two parts, the first
 * one exact. */
static inline float ek_log(float x) {
    union {
        float value;
        uint32_t bits;
    } word;
    int32_t exponent;
    float m, s, z, k;

    word.value = x;
    word.bits += 0x3F800000u - 0x3F3504F3u; /* so that mantissas from sqrt(1/2) on carry into the exponent */
    exponent = (int32_t)(word.bits >> 23) - 127;
    word.bits = (word.bits & 0x007FFFFFu) + 0x3F3504F3u;
    m = word.value;
    s = (m - 1.0f) / (m + 1.0f);
    z = s * s;
    k = (float)exponent;
    z = z * (0.66666666666f + z * (0.4f + z * (0.28571428571f + z * 0.22222222222f)));
    return k * 0.693359375f + (k * -2.12194440e-4f + (s * z + 2.0f * s));
}

/* floor(x + 1/2) as int16, saturating. */
static inline int16_t ek_round_s16(float x) {
    const float shifted = x + 0.5f;
    int32_t below;

    if (!(shifted > -32768.0f)) {
        return -32768;
    }
    if (shifted >= 32767.0f) {
        return 32767;
    }
    below = (int32_t)shifted;
    return (int16_t)((float)below > shifted ? below - 1 : below);
}

#endif

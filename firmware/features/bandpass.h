/* Band-pass filter: two second-order sections, causal, from rest.
 *
 * A band-pass of second order has two zeros at frequency 0 and two at half the sampling rate, whatever its band:
 * g (1 - z^-2)^2 is its numerator. The differences are exact on integers, and what is left of each section is
 * 1 / (1 + a1 z^-1 + a2 z^-2): two multiplications. The gain g is applied to the covariance. */
#ifndef EK_BANDPASS_H
#define EK_BANDPASS_H

#include "float.h"

#define EK_LINE 4 /* floats of a channel's state */

/* Denominators of the two sections: a1, a2 of the first, a1, a2 of the second. */
typedef struct {
    float a[4];
} ek_sections;

/* What a channel remembers: the last two samples and first differences, and the last two outputs of both sections. */
typedef struct {
    float x1, x2, d1, d2, p1, p2, q1, q2;
} ek_line;

/* The differences know the samples before `x` themselves; `first`: there are none. */
EK_INLINE ek_line ek_open_line(const int16_t *x, int first, const float *state) {
    ek_line line = {0.0f, 0.0f, 0.0f, 0.0f, state[0], state[1], state[2], state[3]};

    if (!first) {
        line.x1 = (float)x[-1];
        line.x2 = (float)x[-2];
        line.d1 = line.x1 - (float)x[-3];
        line.d2 = line.x2 - (float)x[-4];
    }
    return line;
}

EK_INLINE void ek_close_line(const ek_line *line, float *state) {
    state[0] = line->p1;
    state[1] = line->p2;
    state[2] = line->q1;
    state[3] = line->q2;
}

EK_INLINE void ek_push(ek_line *line, float x, float d, float p, float q) {
    line->x2 = line->x1;
    line->x1 = x;
    line->d2 = line->d1;
    line->d1 = d;
    line->p2 = line->p1;
    line->p1 = p;
    line->q2 = line->q1;
    line->q1 = q;
}

/* One sample each of two lines, step by step together: one's arithmetic fills the other's waiting. */
EK_INLINE void ek_next(const ek_sections *sections, ek_line *first, ek_line *second, int16_t x1, int16_t x2) {
    const float *a = sections->a;
    float xa = (float)x1, xb = (float)x2, da, db, ua, ub, pa, pb, qa, qb, fa, fb;

    EK_TOGETHER(xa, xb);
    da = xa - first->x2, db = xb - second->x2;
    fa = a[1] * first->p2, fb = a[1] * second->p2;
    EK_TOGETHER_4(da, db, fa, fb);
    ua = da - first->d2, ub = db - second->d2;
    EK_TOGETHER(ua, ub);
    pa = ua - fa, pb = ub - fb;
    fa = a[0] * first->p1, fb = a[0] * second->p1;
    EK_TOGETHER_4(pa, pb, fa, fb);
    pa -= fa, pb -= fb;
    fa = a[3] * first->q2, fb = a[3] * second->q2;
    EK_TOGETHER_4(pa, pb, fa, fb);
    qa = pa - fa, qb = pb - fb;
    fa = a[2] * first->q1, fb = a[2] * second->q1;
    EK_TOGETHER_4(qa, qb, fa, fb);
    qa -= fa, qb -= fb;
    ek_push(first, xa, da, pa, qa);
    ek_push(second, xb, db, pb, qb);
}

/* `lines` (1 or 2, a literal) neighbouring channels. */
EK_INLINE void ek_bandpass_lines(int32_t lines, const ek_sections *sections, const int16_t *x, int32_t length,
                                 int first, int32_t count, float *state, float *y, int32_t stride) {
    const int16_t *other = x + (lines - 1) * length;
    const ek_sections own = *sections;
    ek_line a = ek_open_line(x, first, state);
    ek_line b = ek_open_line(other, first, state + (lines - 1) * EK_LINE);

    EK_UNROLL_2
    for (int32_t t = 0; t < count; t++) {
        ek_next(&own, &a, &b, *x++, *other++);
        y[0] = a.q1;
        if (lines == 2) {
            y[1] = b.q1;
        }
        y += stride;
    }
    ek_close_line(&a, state);
    if (lines == 2) {
        ek_close_line(&b, state + EK_LINE);
    }
}

/* Filters `count` samples of all channels.
 *
 * x: the first of them, of the first channel; a channel's samples lie next to each other, channels `length` apart.
 *    Unless `first` is set, at least four earlier samples lie before them.
 * state: EK_LINE floats per channel, zero where `first` is set.
 * y: (count, channels). */
EK_INLINE void ek_bandpass(int32_t channels, int32_t length, const ek_sections *sections, const int16_t *x, int first,
                           int32_t count, float *state, float *y) {
    int32_t channel = 0;

    for (; channel + 2 <= channels; channel += 2) {
        ek_bandpass_lines(2, sections, x + channel * length, length, first, count, state + channel * EK_LINE,
                          y + channel, channels);
    }
    if (channel < channels) {
        ek_bandpass_lines(1, sections, x + channel * length, length, first, count, state + channel * EK_LINE,
                          y + channel, channels);
    }
}

#endif

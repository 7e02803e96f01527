/* Band-pass filter: two second-order sections, causal, from rest.
 *
 * A band-pass of second order has two zeros at frequency 0 and two at half the sampling rate, whatever its band:
 * g (1 - z^-2)^2 is its numerator. The differences are exact on integers, and what is left of each section is
 * 1 / (1 + a1 z^-1 + a2 z^-2), as two sums: d_t = u_t + a2 d_t-1 - (1 + a1 + a2) y_t-1 and y_t = y_t-1 + d_t. Below a
 * quarter of the sampling rate d is smaller than y and its factor small: their roundings are, too. The gain g is
 * applied to the covariance. */
#ifndef EK_BANDPASS_H
#define EK_BANDPASS_H

#include "float.h"

#define EK_LINE 4  /* floats of a channel's state */
#define EK_REACH 4 /* samples before the current one that the differences need */

/* Factors of the two sections: 1 + a1 + a2 and a2 of the first, then of the second. */
typedef struct {
    float a[4];
} ek_sections;

/* A channel that is filtered: its samples minus those of another one. */
typedef struct {
    const int16_t *x, *minus;
} ek_source;

/* What a channel remembers: the last two samples and first differences, and the last sums of both sections. */
typedef struct {
    float x1, x2, d1, d2, p, dp, q, dq;
} ek_line;

EK_INLINE float ek_sample(const ek_source *source, int32_t t) { return (float)(source->x[t] - source->minus[t]); }

/* The differences know the samples before the current one themselves; `first`: there are none. */
EK_INLINE ek_line ek_open_line(const ek_source *source, int first, const float *state) {
    ek_line line = {0.0f, 0.0f, 0.0f, 0.0f, state[0], state[1], state[2], state[3]};

    if (!first) {
        line.x1 = ek_sample(source, -1);
        line.x2 = ek_sample(source, -2);
        line.d1 = line.x1 - ek_sample(source, -3);
        line.d2 = line.x2 - ek_sample(source, -4);
    }
    return line;
}

EK_INLINE void ek_close_line(const ek_line *line, float *state) {
    state[0] = line->p;
    state[1] = line->dp;
    state[2] = line->q;
    state[3] = line->dq;
}

/* One sample each of two lines, step by step together: one's arithmetic fills the other's waiting. */
EK_INLINE void ek_next(const ek_sections *sections, ek_line *first, ek_line *second, float xa, float xb) {
    const float *a = sections->a;
    float da, db, ua, ub, fa, fb, ga, gb;

    EK_TOGETHER(xa, xb);
    da = xa - first->x2, db = xb - second->x2;
    fa = a[0] * first->p, fb = a[0] * second->p;
    EK_TOGETHER_4(da, db, fa, fb);
    ua = da - first->d2, ub = db - second->d2;
    ga = a[1] * first->dp, gb = a[1] * second->dp;
    EK_TOGETHER_4(ua, ub, ga, gb);
    ua -= fa, ub -= fb;
    fa = a[2] * first->q, fb = a[2] * second->q;
    EK_TOGETHER_4(ua, ub, fa, fb);
    first->dp = ua + ga, second->dp = ub + gb;
    ga = a[3] * first->dq, gb = a[3] * second->dq;
    EK_TOGETHER_4(first->dp, second->dp, ga, gb);
    first->p += first->dp, second->p += second->dp;
    EK_TOGETHER(first->p, second->p);
    ua = first->p - fa, ub = second->p - fb;
    EK_TOGETHER(ua, ub);
    first->dq = ua + ga, second->dq = ub + gb;
    EK_TOGETHER(first->dq, second->dq);
    first->q += first->dq, second->q += second->dq;
    first->x2 = first->x1, second->x2 = second->x1;
    first->x1 = xa, second->x1 = xb;
    first->d2 = first->d1, second->d2 = second->d1;
    first->d1 = da, second->d1 = db;
}

/* `lines` (1 or 2, a literal) neighbouring channels. */
EK_INLINE void ek_bandpass_lines(int32_t lines, const ek_sections *sections, ek_source one, ek_source other, int first,
                                 int32_t count, float *state, float *y, int32_t stride) {
    const ek_sections own = *sections;
    ek_line a = ek_open_line(&one, first, state);
    ek_line b = ek_open_line(&other, first, state + (lines - 1) * EK_LINE);

    EK_UNROLL_2
    for (int32_t t = 0; t < count; t++) {
        ek_next(&own, &a, &b, (float)(*one.x++ - *one.minus++), (float)(*other.x++ - *other.minus++));
        y[0] = a.q;
        if (lines == 2) {
            y[1] = b.q;
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
 * sources: of each channel, the first of these samples; unless `first` is set, EK_REACH earlier ones lie before them.
 * state: EK_LINE floats per channel, zero where `first` is set.
 * y: (count, channels). */
EK_INLINE void ek_bandpass(int32_t channels, const ek_sections *sections, const ek_source *sources, int first,
                           int32_t count, float *state, float *y) {
    int32_t c = 0;

    for (; c + 2 <= channels; c += 2) {
        ek_bandpass_lines(2, sections, sources[c], sources[c + 1], first, count, state + c * EK_LINE, y + c, channels);
    }
    if (c < channels) {
        ek_bandpass_lines(1, sections, sources[c], sources[c], first, count, state + c * EK_LINE, y + c, channels);
    }
}

#endif

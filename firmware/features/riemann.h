/* Riemannian features of one window: per band filter, covariance, whitening, matrix logarithm, upper triangle as int16.
 * Each channel but one is filtered as its difference to another one, its parent: with T for that, the covariance
 * is T C T^T, and H = T^-T C_ref^-1/2 whitens it. docs/features.md has the formulas and the error bound. Define
 * EK_CHANNELS before including it. */
#ifndef EK_RIEMANN_H
#define EK_RIEMANN_H

#include "bandpass.h"
#include "eigen.h"
#include "gram.h"

#define EK_TIMES 32 /* samples that are filtered and multiplied at a time: also what keeps sums short */
#define EK_SQUARE (EK_CHANNELS * EK_CHANNELS)
#define EK_TRIANGLE (EK_CHANNELS * (EK_CHANNELS + 1) / 2)
#define EK_FILTERED (EK_TIMES * EK_CHANNELS)
#define EK_SMALLEST 1.17549435e-38f
#define EK_SQRT2 1.41421356f

/* A stage is a function of its own: cycles are told apart by them. */
#if defined(__GNUC__)
#define EK_STAGE static __attribute__((noinline))
#else
#define EK_STAGE static
#endif

/* One band: filter, what the sums of products are multiplied by (gain^2 unit^2 / (samples - 1)), and H. */
typedef struct {
    ek_sections sections;
    float gain;
    float whitening[EK_SQUARE];
} ek_band;

/* What all bands share: samples of a window, what is added to the diagonal of C (rho / channels), steps of the int16
 * features per unit, and the parent of each channel, or -1. */
typedef struct {
    int32_t samples;
    float ridge, per_unit;
    int8_t parents[EK_CHANNELS];
} ek_window_features;

/* Scratch memory of one core. */
typedef struct {
    float covariance[EK_SQUARE];
    union {
        float filtered[EK_FILTERED];
        struct {
            float vectors[EK_SQUARE], product[EK_SQUARE];
        } square;
    } block;
    float state[EK_CHANNELS * EK_LINE];
    float values[EK_CHANNELS], off[EK_CHANNELS], cosines[EK_CHANNELS], sines[EK_CHANNELS];
} ek_scratch;

EK_STAGE void ek_features_clear(float *values, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        values[i] = 0.0f;
        EK_FENCE();
    }
}

EK_STAGE void ek_features_filter(const ek_window_features *shared, const ek_sections *sections, const int16_t *x,
                                 int32_t start, int32_t count, float *state, float *y) {
    static const int16_t rest[EK_REACH + EK_TIMES] = {0};
    ek_source sources[EK_CHANNELS];

    for (int32_t i = 0; i < EK_CHANNELS; i++) {
        const int32_t parent = shared->parents[i];

        sources[i].x = x + i * shared->samples + start;
        sources[i].minus = parent < 0 ? rest + EK_REACH : x + parent * shared->samples + start;
    }
    ek_bandpass(EK_CHANNELS, sections, sources, start == 0, count, state, y);
}

EK_STAGE void ek_features_gram(int32_t rows, const float *a, const float *b, float *out) {
    ek_gram(EK_CHANNELS, rows, a, b, 1, out);
}

EK_STAGE void ek_features_product(const float *a, const float *b, float *out) {
    ek_gram(EK_CHANNELS, EK_CHANNELS, a, b, 0, out);
}

EK_STAGE void ek_features_reflect(ek_scratch *s) {
    ek_tridiagonal(EK_CHANNELS, s->covariance, s->values, s->off, s->block.square.vectors, s->cosines);
}

EK_STAGE void ek_features_rotate(ek_scratch *s) {
    ek_diagonalise(EK_CHANNELS, s->values, s->off, s->block.square.vectors, s->cosines, s->sines);
}

/* Sums of products of the filtered samples, above the diagonal. */
EK_STAGE void ek_features_sums(const ek_window_features *shared, const ek_band *band, const int16_t *x, ek_scratch *s) {
    ek_features_clear(s->covariance, EK_SQUARE);
    ek_features_clear(s->state, EK_CHANNELS * EK_LINE);
    for (int32_t start = 0; start < shared->samples; start += EK_TIMES) {
        const int32_t count = ek_min(EK_TIMES, shared->samples - start);

        ek_features_filter(shared, &band->sections, x, start, count, s->state, s->block.filtered);
        ek_features_gram(count, s->block.filtered, s->block.filtered, s->covariance);
    }
}

/* Element (i, j), i <= j, of T T^T. */
EK_INLINE int32_t ek_of_differences(const int8_t *parents, int32_t i, int32_t j) {
    if (i == j) {
        return parents[i] < 0 ? 1 : 2;
    }
    return (parents[i] >= 0 && parents[i] == parents[j]) - (parents[i] == j) - (parents[j] == i);
}

/* The covariance from the sums, both halves, and H next to it; then C := H^T C H. */
EK_STAGE void ek_features_whiten(const ek_window_features *shared, const ek_band *band, ek_scratch *s) {
    float *c = s->covariance, *h = s->block.square.vectors, *product = s->block.square.product;

    for (int32_t i = 0; i < EK_CHANNELS; i++) {
        for (int32_t j = i; j < EK_CHANNELS; j++) {
            const float regular = shared->ridge * (float)ek_of_differences(shared->parents, i, j);
            const float value = c[i * EK_CHANNELS + j] * band->gain + regular;

            c[i * EK_CHANNELS + j] = value;
            c[j * EK_CHANNELS + i] = value;
        }
    }
    for (int32_t i = 0; i < EK_SQUARE; i++) {
        h[i] = band->whitening[i];
        EK_FENCE();
    }
    ek_features_clear(product, EK_SQUARE);
    ek_features_product(c, h, product);
    ek_features_clear(c, EK_SQUARE);
    ek_features_gram(EK_CHANNELS, h, product, c);
}

/* C := sum of log(value) v v^T over the eigenvalues and eigenvectors v; above the diagonal. */
EK_STAGE void ek_features_log(ek_scratch *s) {
    const float *v = s->block.square.vectors;
    float *product = s->block.square.product;

    ek_features_reflect(s);
    ek_features_rotate(s);
    for (int32_t i = 0; i < EK_CHANNELS; i++) {
        const float factor = ek_log(s->values[i] > EK_SMALLEST ? s->values[i] : EK_SMALLEST);

        for (int32_t j = 0; j < EK_CHANNELS; j++) {
            product[i * EK_CHANNELS + j] = factor * v[i * EK_CHANNELS + j];
        }
    }
    ek_features_clear(s->covariance, EK_SQUARE);
    ek_features_gram(EK_CHANNELS, product, v, s->covariance);
}

/* The diagonal, then the diagonals above it times the square root of 2, as EK_TRIANGLE features. */
EK_STAGE void ek_features_store(const ek_window_features *shared, const float *c, int16_t *features) {
    for (int32_t above = 0; above < EK_CHANNELS; above++) {
        const float steps = above == 0 ? shared->per_unit : shared->per_unit * EK_SQRT2;

        for (int32_t i = 0; i + above < EK_CHANNELS; i++) {
            *features++ = ek_round_s16(c[i * EK_CHANNELS + i + above] * steps);
        }
    }
}

/* Features of one band of a window of samples (EK_CHANNELS, samples). */
static inline void ek_features_band(const ek_window_features *shared, const ek_band *band, const int16_t *x,
                                    ek_scratch *s, int16_t *features) {
    ek_features_sums(shared, band, x, s);
    ek_features_whiten(shared, band, s);
    ek_features_log(s);
    ek_features_store(shared, s->covariance, features);
}

#endif

/* Eigenvalues and eigenvectors of a symmetric matrix: Householder reflections make it tridiagonal, implicit QR steps
 * with Wilkinson's shift make that diagonal (Golub and Van Loan, Matrix Computations, 8.3). Both are products of
 * orthogonal transformations: what is diagonalised differs from the matrix by a few roundings of its norm. */
#ifndef EK_EIGEN_H
#define EK_EIGEN_H

#include "float.h"

#define EK_ROUNDING 5.9604645e-8f /* 2^-24 */
#define EK_TURNED 4               /* columns that turn at a time */
#define EK_STEPS 30               /* QR steps per eigenvalue, of which about two are needed */

/* x . y */
EK_INLINE float ek_dot(const float *x, const float *y, int32_t n) {
    float sum = 0.0f;

    for (int32_t i = 0; i < n; i++) {
        sum += x[i] * y[i];
    }
    return sum;
}

/* The reflection I - tau v v^T that leaves of x (n values) only its first one; v takes the place of x.
 * Returns tau; *left: what is left. */
EK_INLINE float ek_reflect(float *x, int32_t n, float *left) {
    const float tail = ek_dot(x + 1, x + 1, n - 1), head = x[0];
    float norm;

    *left = head;
    if (tail == 0.0f) {
        return 0.0f;
    }
    norm = ek_sqrt(head * head + tail);
    *left = head > 0.0f ? -norm : norm;
    x[0] = head - *left;
    return 2.0f / (x[0] * x[0] + tail);
}

/* A := H A H for H = I - tau v v^T and the upper triangle of A (m x m, rows `n` apart); w: m floats. */
EK_INLINE void ek_reflect_both(float *a, int32_t m, int32_t n, const float *v, float tau, float *w) {
    float half;

    for (int32_t i = 0; i < m; i++) {
        w[i] = 0.0f;
    }
    for (int32_t i = 0; i < m; i++) {
        const float *row = a + i * n, vi = v[i];
        float sum = w[i] + row[i] * vi;

        for (int32_t j = i + 1; j < m; j++) {
            sum += row[j] * v[j];
            w[j] += row[j] * vi;
        }
        w[i] = sum * tau;
    }
    half = 0.5f * tau * ek_dot(w, v, m);
    for (int32_t i = 0; i < m; i++) {
        w[i] -= half * v[i];
    }
    for (int32_t i = 0; i < m; i++) {
        float *row = a + i * n;
        const float vi = v[i], wi = w[i];

        for (int32_t j = i; j < m; j++) {
            row[j] -= vi * w[j] + wi * v[j];
        }
    }
}

/* Diagonal d and off-diagonal e of the tridiagonal form of A, of which the upper triangle is given and lost;
 * rows of z: the orthogonal matrix with A = Z^T T Z. tau: n floats. */
EK_INLINE void ek_tridiagonal(int32_t n, float *a, float *d, float *e, float *z, float *tau) {
    for (int32_t k = 0; k + 2 < n; k++) {
        float *v = a + k * n + k + 1;

        tau[k] = ek_reflect(v, n - k - 1, &e[k]);
        ek_reflect_both(a + (k + 1) * n + k + 1, n - k - 1, n, v, tau[k], d);
    }
    if (n > 1) {
        e[n - 2] = a[(n - 2) * n + n - 1];
    }
    for (int32_t i = 0; i < n; i++) {
        d[i] = a[i * n + i];
        for (int32_t j = 0; j < n; j++) {
            z[i * n + j] = i == j ? 1.0f : 0.0f;
        }
    }
    for (int32_t k = n - 3; k >= 0; k--) {
        const float *v = a + k * n + k + 1;

        for (int32_t i = k + 1; i < n; i++) {
            float *row = z + i * n + k + 1;
            const float scaled = tau[k] * ek_dot(row, v, n - k - 1);

            for (int32_t j = 0; j < n - k - 1; j++) {
                row[j] -= scaled * v[j];
            }
        }
    }
}

/* The rotation that turns (x, y) into (r, 0); returns r. */
EK_INLINE float ek_rotation(float x, float y, float *c, float *s) {
    float ratio, root;

    if (y == 0.0f) {
        *c = 1.0f;
        *s = 0.0f;
        return x;
    }
    if (ek_abs(x) > ek_abs(y)) {
        ratio = y / x;
        root = ek_sqrt(1.0f + ratio * ratio);
        *c = 1.0f / root;
        *s = ratio * *c;
        return x * root;
    }
    ratio = x / y;
    root = ek_sqrt(1.0f + ratio * ratio);
    *s = 1.0f / root;
    *c = ratio * *s;
    return y * root;
}

/* Wilkinson's shift: the eigenvalue of [[a, e], [e, b]] that is nearer to b, for e other than 0. */
EK_INLINE float ek_shift(float a, float b, float e) {
    const float half = (a - b) / (2.0f * e), root = ek_sqrt(half * half + 1.0f);

    return b - e / (half < 0.0f ? half - root : half + root);
}

/* One QR step on rows low..high; cosines[k], sines[k] is the rotation of rows k and k + 1. */
EK_INLINE void ek_qr_step(int32_t low, int32_t high, float *d, float *e, float *cosines, float *sines) {
    float x = d[low] - ek_shift(d[high - 1], d[high], e[high - 1]), y = e[low];

    for (int32_t k = low; k < high; k++) {
        const float r = ek_rotation(x, y, &cosines[k], &sines[k]), c = cosines[k], s = sines[k];
        const float turned = s * (d[k + 1] - d[k]) + 2.0f * c * e[k], moved = s * turned;

        if (k > low) {
            e[k - 1] = r;
        }
        d[k] += moved;
        d[k + 1] -= moved;
        e[k] = c * turned - e[k];
        x = e[k];
        if (k + 1 < high) {
            y = s * e[k + 1];
            e[k + 1] *= c;
        }
    }
}

/* Turns `wide` columns (a literal) of z's rows low..high, one rotation after the other: what the next one also turns
 * stays in a register. */
EK_INLINE void ek_turn_columns(int32_t wide, int32_t n, int32_t low, int32_t high, const float *cosines,
                               const float *sines, float *z) {
    float carried[EK_TURNED];

    z += low * n;
    for (int32_t j = 0; j < wide; j++) {
        carried[j] = z[j];
    }
    EK_UNROLL_2
    for (int32_t k = low; k < high; k++) {
        const float c = cosines[k], s = sines[k];

        EK_UNROLL
        for (int32_t j = 0; j < wide; j++) {
            const float next = z[n + j];
            float kept = c * carried[j], came = s * next, stays = c * next, left = s * carried[j];

            EK_APART_4(kept, came, stays, left);
            z[j] = kept + came;
            carried[j] = stays - left;
        }
        z += n;
    }
    for (int32_t j = 0; j < wide; j++) {
        z[j] = carried[j];
    }
}

EK_INLINE void ek_turn_rows(int32_t n, int32_t low, int32_t high, const float *cosines, const float *sines, float *z) {
    int32_t j = 0;

    for (; j + EK_TURNED <= n; j += EK_TURNED) {
        ek_turn_columns(EK_TURNED, n, low, high, cosines, sines, z + j);
    }
    ek_turn_columns(n % EK_TURNED, n, low, high, cosines, sines, z + j);
}

EK_INLINE int ek_negligible(float e, float a, float b) { return ek_abs(e) <= EK_ROUNDING * (ek_abs(a) + ek_abs(b)); }

/* Eigenvalues take the place of the diagonal d, and rows of unit eigenvectors that of z: what ek_tridiagonal gives.
 * e: lost; cosines, sines: n floats each. n is a literal. */
EK_INLINE void ek_diagonalise(int32_t n, float *d, float *e, float *z, float *cosines, float *sines) {
    int32_t high = n - 1;

    for (int32_t step = 0; high > 0 && step < EK_STEPS * n; step++) {
        int32_t low = high;

        while (low > 0 && !ek_negligible(e[low - 1], d[low - 1], d[low])) {
            low--;
        }
        if (low == high) {
            high--;
        } else {
            ek_qr_step(low, high, d, e, cosines, sines);
            ek_turn_rows(n, low, high, cosines, sines, z);
        }
    }
}

#endif

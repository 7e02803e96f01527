/*
 * Moving data: a strided copy of up to six dimensions (concat, slice, pad, reshape between layouts), a fill, and a
 * copy by index where no strides exist.
 *
 * Sizes and strides count elements of `bytes` bytes; unused dimensions have size 1. The last dimension runs fastest.
 */
#ifndef EK_COPY_H
#define EK_COPY_H

#include "base.h"

typedef struct {
    int32_t bytes; /* 1, 2 or 4 per element */
    int32_t size[6], from[6], to[6];
    int32_t from_offset, to_offset;
} ek_copy_geometry;

EK_INLINE void ek_move(int32_t bytes, const void *x, int32_t from, void *y, int32_t to) {
    if (bytes == 1)
        ((int8_t *)y)[to] = ((const int8_t *)x)[from];
    else if (bytes == 2)
        ((int16_t *)y)[to] = ((const int16_t *)x)[from];
    else
        ((int32_t *)y)[to] = ((const int32_t *)x)[from];
}

/* Four bytes from and to any address; a header for a core that has a better way defines its own. */
#ifndef EK_COPY_LOAD
EK_INLINE uint32_t ek_copy_load(const int8_t *x) {
    uint32_t word;
    __builtin_memcpy(&word, x, sizeof word);
    return word;
}
EK_INLINE void ek_copy_store(int8_t *y, uint32_t word) { __builtin_memcpy(y, &word, sizeof word); }
#define EK_COPY_LOAD ek_copy_load
#define EK_COPY_STORE ek_copy_store
#endif

/* Bytes in a row, in words. Where x and y overlap, y lies before x: what is overwritten has been read. */
EK_INLINE void ek_copy_run(const int8_t *x, int8_t *y, int32_t bytes) {
    int32_t i = 0;
    for (; i + 16 <= bytes; i += 16) {
        const uint32_t a = EK_COPY_LOAD(x + i), b = EK_COPY_LOAD(x + i + 4);
        const uint32_t c = EK_COPY_LOAD(x + i + 8), d = EK_COPY_LOAD(x + i + 12);
        EK_COPY_STORE(y + i, a);
        EK_COPY_STORE(y + i + 4, b);
        EK_COPY_STORE(y + i + 8, c);
        EK_COPY_STORE(y + i + 12, d);
    }
    for (; i + 4 <= bytes; i += 4)
        EK_COPY_STORE(y + i, EK_COPY_LOAD(x + i));
    for (; i < bytes; i++)
        y[i] = x[i];
}

EK_INLINE void ek_copy_plane(const ek_copy_geometry *g, const void *x, int32_t from, void *y, int32_t to) {
    if (g->from[5] == 1 && g->to[5] == 1 && g->size[5] * g->bytes >= 16) {
        for (int32_t i = 0; i < g->size[4]; i++)
            ek_copy_run((const int8_t *)x + (from + i * g->from[4]) * g->bytes,
                        (int8_t *)y + (to + i * g->to[4]) * g->bytes, g->size[5] * g->bytes);
        return;
    }
    for (int32_t i = 0; i < g->size[4]; i++)
        for (int32_t j = 0; j < g->size[5]; j++)
            ek_move(g->bytes, x, from + i * g->from[4] + j * g->from[5], y, to + i * g->to[4] + j * g->to[5]);
}

EK_INLINE void ek_copy(const ek_copy_geometry *g, const void *x, void *y) {
    for (int32_t a = 0; a < g->size[0]; a++)
        for (int32_t b = 0; b < g->size[1]; b++)
            for (int32_t c = 0; c < g->size[2]; c++)
                for (int32_t d = 0; d < g->size[3]; d++) {
                    const int32_t from = a * g->from[0] + b * g->from[1] + c * g->from[2] + d * g->from[3];
                    const int32_t to = a * g->to[0] + b * g->to[1] + c * g->to[2] + d * g->to[3];
                    ek_copy_plane(g, x, from + g->from_offset, y, to + g->to_offset);
                }
}

typedef struct {
    int32_t elements;
    int32_t value;
} ek_fill_geometry;

/* x is not read: every kernel is called with its node's input. */
EK_INLINE void ek_fill(const ek_fill_geometry *g, const int8_t *x, int8_t *y) {
    (void)x;
    for (int32_t i = 0; i < g->elements; i++)
        y[i] = (int8_t)g->value;
}

typedef struct {
    int32_t bytes;
    int32_t elements;
} ek_scatter_geometry;

EK_INLINE void ek_scatter(const ek_scatter_geometry *g, const void *x, void *y, const uint32_t *source,
                          const uint32_t *target) {
    for (int32_t i = 0; i < g->elements; i++)
        ek_move(g->bytes, x, (int32_t)source[i], y, (int32_t)target[i]);
}

#endif

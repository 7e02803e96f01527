/* Changing one class of a memory: classes rows of `channels` counters each. A label that names no row changes nothing.
 *
 * Where y is the memory itself only that row is touched; otherwise all others are copied. */
#ifndef EK_CLASS_MEMORY_H
#define EK_CLASS_MEMORY_H

#include "base.h"

typedef struct {
    int32_t channels, classes;
    int32_t bytes; /* 2 or 4 per counter */
    int32_t zero;  /* zero point of int8 values */
    int32_t lo, hi;
} ek_accumulate_geometry;

typedef struct {
    int32_t classes;
    int32_t bytes; /* 2 or 4 per counter */
    int32_t hi;
} ek_count_geometry;

typedef struct {
    int32_t elements, classes; /* elements: of one row */
    int32_t bytes;             /* 2 or 4 per element; bits count as words */
    int32_t zero;
} ek_erase_geometry;

EK_INLINE int32_t ek_counter(int32_t bytes, const void *row, int32_t i) {
    return bytes == 2 ? ((const int16_t *)row)[i] : ((const int32_t *)row)[i];
}

EK_INLINE void ek_set_counter(int32_t bytes, void *row, int32_t i, int32_t value) {
    if (bytes == 2)
        ((int16_t *)row)[i] = (int16_t)value;
    else
        ((int32_t *)row)[i] = value;
}

/* counter + step, |step| <= 255, clipped to lo..hi. */
EK_INLINE int32_t ek_counted(int32_t counter, int32_t step, int32_t lo, int32_t hi) {
    const int64_t sum = (int64_t)counter + step;
    return sum < lo ? lo : sum > hi ? hi : (int32_t)sum;
}

EK_INLINE void ek_copy_memory(const void *memory, void *y, int32_t elements, int32_t bytes) {
    if (memory == y)
        return;
    for (int32_t i = 0; i < elements; i++)
        ek_set_counter(bytes, y, i, ek_counter(bytes, memory, i));
}

/* The row of a class, NULL where there is none. */
EK_INLINE void *ek_class_row(void *y, int32_t label, int32_t classes, int32_t row_bytes) {
    return label < 0 || label >= classes ? NULL : (uint8_t *)y + label * row_bytes;
}

EK_INLINE void ek_accumulate(const ek_accumulate_geometry *g, const void *memory, const int8_t *value,
                             const int32_t *label, void *y) {
    void *row = ek_class_row(y, *label, g->classes, g->channels * g->bytes);
    ek_copy_memory(memory, y, g->channels * g->classes, g->bytes);
    if (row == NULL)
        return;
    for (int32_t i = 0; i < g->channels; i++)
        ek_set_counter(g->bytes, row, i, ek_counted(ek_counter(g->bytes, row, i), value[i] - g->zero, g->lo, g->hi));
}

EK_INLINE void ek_accumulate_bits(const ek_accumulate_geometry *g, const void *memory, const uint32_t *value,
                                  const int32_t *label, void *y) {
    void *row = ek_class_row(y, *label, g->classes, g->channels * g->bytes);
    ek_copy_memory(memory, y, g->channels * g->classes, g->bytes);
    if (row == NULL)
        return;
    for (int32_t i = 0; i < g->channels; i++) {
        const int32_t step = 2 * (int32_t)(value[i >> 5] >> (i & 31) & 1u) - 1;
        ek_set_counter(g->bytes, row, i, ek_counted(ek_counter(g->bytes, row, i), step, g->lo, g->hi));
    }
}

EK_INLINE void ek_count(const ek_count_geometry *g, const void *memory, const int32_t *label, void *y) {
    void *row = ek_class_row(y, *label, g->classes, g->bytes);
    ek_copy_memory(memory, y, g->classes, g->bytes);
    if (row != NULL)
        ek_set_counter(g->bytes, row, 0, ek_counted(ek_counter(g->bytes, row, 0), 1, INT32_MIN, g->hi));
}

EK_INLINE void ek_erase(const ek_erase_geometry *g, const void *memory, const int32_t *label, void *y) {
    void *row = ek_class_row(y, *label, g->classes, g->elements * g->bytes);
    ek_copy_memory(memory, y, g->elements * g->classes, g->bytes);
    if (row == NULL)
        return;
    for (int32_t i = 0; i < g->elements; i++)
        ek_set_counter(g->bytes, row, i, g->zero);
}

#endif

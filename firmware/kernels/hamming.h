/* Hamming distances from bits to the rows of a class memory, the nearest row of every class, portable C99. */
#ifndef EK_HAMMING_H
#define EK_HAMMING_H

#include "bits.h"

typedef struct {
    int32_t words; /* of a row */
    int32_t classes, centroids;
    int32_t beyond; /* one more than there are bits: the distance of a class that has seen nothing */
} ek_hamming_geometry;

/* `seen` is null where every class counts. */
EK_INLINE void ek_hamming_classes(const ek_hamming_geometry *g, const uint32_t *x, const uint32_t *memory,
                                  const int32_t *seen, int32_t *y, ek_distance_function *distance) {
    for (int32_t c = 0; c < g->classes; c++) {
        int32_t least = g->beyond;
        for (int32_t k = 0; k < g->centroids; k++, memory += g->words)
            if (!seen || seen[c] > 0)
                least = ek_min(least, distance(x, memory, g->words));
        y[c] = least;
    }
}

/* The memory is a constant. */
EK_INLINE void ek_hamming(const ek_hamming_geometry *g, const uint32_t *x, int32_t *y, const uint32_t *memory) {
    ek_hamming_classes(g, x, memory, 0, y, ek_distance);
}

EK_INLINE void ek_hamming_seen(const ek_hamming_geometry *g, const uint32_t *x, const int32_t *seen, int32_t *y,
                               const uint32_t *memory) {
    ek_hamming_classes(g, x, memory, seen, y, ek_distance);
}

/* The memory is a tensor. */
EK_INLINE void ek_hamming_tensor(const ek_hamming_geometry *g, const uint32_t *x, const uint32_t *memory, int32_t *y) {
    ek_hamming_classes(g, x, memory, 0, y, ek_distance);
}

EK_INLINE void ek_hamming_tensor_seen(const ek_hamming_geometry *g, const uint32_t *x, const uint32_t *memory,
                                      const int32_t *seen, int32_t *y) {
    ek_hamming_classes(g, x, memory, seen, y, ek_distance);
}

#endif

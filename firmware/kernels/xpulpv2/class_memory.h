/* Changing one class of a memory, on a team: everybody copies and changes a share. */
#ifndef EK_XPULPV2_CLASS_MEMORY_H
#define EK_XPULPV2_CLASS_MEMORY_H

#include "../class_memory.h"
#include "team.h"

typedef struct {
    int32_t first, last; /* elements of the row that is changed; none where the label names no row */
} ek_row;

EK_INLINE ek_row ek_row_of(int32_t label, int32_t classes, int32_t channels) {
    const int32_t known = label >= 0 && label < classes;
    const int32_t first = known ? label * channels : classes * channels;
    return (ek_row){first, first + (known ? channels : 0)};
}

/* A core's share of all elements but those of the row. */
EK_INLINE void ek_copy_others(ek_team team, const void *memory, void *y, int32_t elements, int32_t bytes, ek_row row) {
    const int32_t last = ek_share(elements, team.core + 1, team.cores);
    if (memory == y)
        return;
    for (int32_t i = ek_share(elements, team.core, team.cores); i < last; i++)
        if (i < row.first || i >= row.last)
            ek_set_counter(bytes, y, i, ek_counter(bytes, memory, i));
}

EK_INLINE void ek_accumulate_xpulp(const ek_accumulate_geometry *g, ek_team team, const void *memory,
                                   const int8_t *value, const int32_t *label, void *y) {
    const ek_row row = ek_row_of(*label, g->classes, g->channels);
    const int32_t count = row.last - row.first, last = ek_share(count, team.core + 1, team.cores);
    ek_copy_others(team, memory, y, g->channels * g->classes, g->bytes, row);
    for (int32_t i = ek_share(count, team.core, team.cores); i < last; i++) {
        const int32_t counter = ek_counter(g->bytes, memory, row.first + i);
        ek_set_counter(g->bytes, y, row.first + i, ek_counted(counter, value[i] - g->zero, g->lo, g->hi));
    }
}

EK_INLINE void ek_accumulate_bits_xpulp(const ek_accumulate_geometry *g, ek_team team, const void *memory,
                                        const uint32_t *value, const int32_t *label, void *y) {
    const ek_row row = ek_row_of(*label, g->classes, g->channels);
    const int32_t count = row.last - row.first, last = ek_share(count, team.core + 1, team.cores);
    ek_copy_others(team, memory, y, g->channels * g->classes, g->bytes, row);
    for (int32_t i = ek_share(count, team.core, team.cores); i < last; i++) {
        const int32_t counter = ek_counter(g->bytes, memory, row.first + i);
        const int32_t step = 2 * (int32_t)(value[i >> 5] >> (i & 31) & 1u) - 1;
        ek_set_counter(g->bytes, y, row.first + i, ek_counted(counter, step, g->lo, g->hi));
    }
}

EK_INLINE void ek_erase_xpulp(const ek_erase_geometry *g, ek_team team, const void *memory, const int32_t *label,
                              void *y) {
    const ek_row row = ek_row_of(*label, g->classes, g->elements);
    const int32_t count = row.last - row.first, last = ek_share(count, team.core + 1, team.cores);
    ek_copy_others(team, memory, y, g->elements * g->classes, g->bytes, row);
    for (int32_t i = ek_share(count, team.core, team.cores); i < last; i++)
        ek_set_counter(g->bytes, y, row.first + i, g->zero);
}

#endif

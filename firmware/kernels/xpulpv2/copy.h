/* Moving data, shared by the team: same values as ../copy.h. Copies are cut along the outermost loop that has steps. */
#ifndef EK_XPULPV2_COPY_H
#define EK_XPULPV2_COPY_H

#include "xpulp.h"

#define EK_COPY_LOAD ek_load4
#define EK_COPY_STORE ek_store4
#include "../copy.h"
#include "team.h"

EK_INLINE void ek_copy_xpulp(const ek_copy_geometry *g, ek_team team, const void *x, void *y) {
    ek_copy_geometry part = *g;
    int32_t axis = 0;
    while (axis < 5 && g->size[axis] == 1)
        axis++;
    const int32_t from = ek_share(g->size[axis], team.core, team.cores);
    part.size[axis] = ek_share(g->size[axis], team.core + 1, team.cores) - from;
    part.from_offset += from * g->from[axis];
    part.to_offset += from * g->to[axis];
    ek_copy(&part, x, y);
}

EK_INLINE void ek_fill_xpulp(const ek_fill_geometry *g, ek_team team, const int8_t *x, int8_t *y) {
    const uint32_t word = (uint8_t)g->value * 0x01010101u;
    const int32_t fours = g->elements / 4, end = ek_share(fours, team.core + 1, team.cores);
    (void)x;
    for (int32_t i = ek_share(fours, team.core, team.cores); i < end; i++)
        ek_store4(y + 4 * i, word);
    if (team.core == team.cores - 1)
        for (int32_t i = 4 * fours; i < g->elements; i++)
            y[i] = (int8_t)g->value;
}

EK_INLINE void ek_scatter_xpulp(const ek_scatter_geometry *g, ek_team team, const void *x, void *y,
                                const uint32_t *source, const uint32_t *target) {
    const int32_t end = ek_share(g->elements, team.core + 1, team.cores);
    for (int32_t i = ek_share(g->elements, team.core, team.cores); i < end; i++)
        ek_move(g->bytes, x, (int32_t)source[i], y, (int32_t)target[i]);
}

#endif

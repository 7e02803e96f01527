/* Moving data, shared by the team: same values as ../copy.h. Copies are cut along the outermost loop that has steps. */
#ifndef EK_XPULPV2_COPY_H
#define EK_XPULPV2_COPY_H

#include "xpulp.h"

#define EK_COPY_LOAD ek_load4
#define EK_COPY_STORE ek_store4
#include "../copy.h"
#include "team.h"

/* Elements with constant steps, which count bytes. */
EK_INLINE void ek_copy_line(int32_t bytes, int32_t elements, const int8_t *x, int32_t from, int8_t *y, int32_t to) {
    if (from == bytes && to == bytes)
        ek_copy_run(x, y, elements * bytes);
    else if (bytes == 1)
        for (; elements > 0; elements--, x += from, y += to)
            *y = *x;
    else
        for (; elements > 0; elements--, x += from, y += to)
            ek_move(bytes, x, 0, y, 0);
}

/* Line by line with a counter per dimension: the geometry is no literal here, and most dimensions have size 1. */
EK_INLINE void ek_copy_xpulp(const ek_copy_geometry *g, ek_team team, const void *x, void *y) {
    const int32_t bytes = g->bytes;
    int32_t outer = 0, counter[5] = {0, 0, 0, 0, 0};
    while (outer < 5 && g->size[outer] == 1)
        outer++;
    const int32_t first = ek_share(g->size[outer], team.core, team.cores);
    const int32_t share = ek_share(g->size[outer], team.core + 1, team.cores) - first;
    const int8_t *from = (const int8_t *)x + (g->from_offset + first * g->from[outer]) * bytes;
    int8_t *to = (int8_t *)y + (g->to_offset + first * g->to[outer]) * bytes;
    int32_t axis = share > 0 ? outer : -1;
    while (axis >= outer) {
        ek_copy_line(bytes, outer == 5 ? share : g->size[5], from, g->from[5] * bytes, to, g->to[5] * bytes);
        for (axis = 4; axis >= outer; axis--) {
            const int32_t size = axis == outer ? share : g->size[axis];
            from += g->from[axis] * bytes;
            to += g->to[axis] * bytes;
            if (++counter[axis] < size)
                break;
            from -= size * g->from[axis] * bytes;
            to -= size * g->to[axis] * bytes;
            counter[axis] = 0;
        }
    }
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

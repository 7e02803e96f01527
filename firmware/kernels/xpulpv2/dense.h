/*
 * Fully connected layer with four-way dot products, XpulpV2: same values as ../dense.h.
 *
 * Weights are words of four inputs of one output: per four outputs (the last ones filled up), four inputs, output. z_x
 * is folded into the biases; the last inputs are filled up with weights of 0, so that what is read behind the input
 * does not matter.
 *
 * Where there are fewer blocks of outputs than cores, the inputs are cut into slices: ek_dense_slices_xpulp leaves
 * partial sums in scratch memory, [slice][output], and ek_dense_join_xpulp adds them up after a barrier.
 */
#ifndef EK_XPULPV2_DENSE_H
#define EK_XPULPV2_DENSE_H

#include "mac_block.h"
#include "requant.h"
#include "team.h"

typedef struct {
    int32_t inputs, outputs;
    int32_t slices;
    ek_requant requant;
} ek_dense_xpulp_geometry;

EK_INLINE void ek_dense_xpulp(const ek_dense_xpulp_geometry *g, ek_team team, const int8_t *x, void *y, const int8_t *w,
                              const int32_t *record) {
    const ek_requant *r = &g->requant;
    const ek_address table = ek_address_of(x, x);
    const int32_t steps = (g->inputs + 3) / 4, blocks = (g->outputs + EK_OUTPUTS - 1) / EK_OUTPUTS;
    const int32_t block = ek_share(blocks, team.core, team.cores), end = ek_share(blocks, team.core + 1, team.cores);
    const int32_t at = block * EK_OUTPUTS, outputs = g->outputs - at;
    ek_mac_run run = ek_mac_prepare(r, &table, x);
    run.w = w + at * steps * 4;
    run.record = record + at * EK_RECORD_WORDS(r);
    run.y = (int8_t *)y + at;
    run.segments = 1;
    run.steps = steps;
    if (ek_mac_is_fast(r))
        ek_mac_fast(&run, 1, 0, 1, end - block, outputs);
    else
        ek_mac_general(&run, r, end - block, outputs, y, at);
}

/* y is not written: the sums stay in scratch memory. */
EK_INLINE void ek_dense_slices_xpulp(const ek_dense_xpulp_geometry *g, ek_team team, const int8_t *x, void *y,
                                     const int8_t *w, void *scratch) {
    const int32_t steps = (g->inputs + 3) / 4, blocks = (g->outputs + EK_OUTPUTS - 1) / EK_OUTPUTS;
    const int32_t end = ek_share(blocks * g->slices, team.core + 1, team.cores);
    int32_t *sums = scratch;
    (void)y;
    for (int32_t unit = ek_share(blocks * g->slices, team.core, team.cores); unit < end; unit++) {
        const int32_t block = unit % blocks, slice = unit / blocks;
        const int32_t from = ek_share(steps, slice, g->slices), to = ek_share(steps, slice + 1, g->slices);
        int32_t acc[EK_OUTPUTS] = {0, 0, 0, 0};
        const ek_address table = ek_address_of(x + 4 * from, x);
        ek_mac_run run = ek_mac_prepare(&g->requant, &table, x);
        run.w = w + (block * steps + from) * 4 * EK_OUTPUTS;
        run.segments = 1;
        run.steps = to - from;
        if (to > from)
            ek_mac_sums_4x1(&run, acc);
        for (int32_t o = 0; o < EK_OUTPUTS; o++)
            sums[unit * EK_OUTPUTS + o] = acc[o];
    }
}

/* x is not read. */
EK_INLINE void ek_dense_join_xpulp(const ek_dense_xpulp_geometry *g, ek_team team, const int8_t *x, void *y,
                                   const int32_t *record, const void *scratch) {
    const ek_requant *r = &g->requant;
    const int32_t width = (g->outputs + EK_OUTPUTS - 1) / EK_OUTPUTS * EK_OUTPUTS, size = EK_RECORD_WORDS(r);
    const int32_t end = ek_share(g->outputs, team.core + 1, team.cores);
    (void)x;
    for (int32_t o = ek_share(g->outputs, team.core, team.cores); o < end; o++) {
        const int32_t *sums = (const int32_t *)scratch + o;
        int32_t acc = record[o * size];
        for (int32_t slice = 0; slice < g->slices; slice++)
            acc = ek_wrapping_add(acc, sums[slice * width]);
        ek_store(r, y, o, ek_requantize_xpulp(r, acc, record + o * size));
    }
}

#endif

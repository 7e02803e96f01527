/*
 * Convolution with one tap from planes to planes, XpulpV2: same values as ../conv.h.
 *
 * Channel by channel the positions are neighbours, in the input and in the output. A core brings four positions of all
 * channels into its own scratch memory, transposed, and computes four outputs of them at a time: a word of every
 * output's plane. Weights and records as in conv.h. The team shares blocks of four positions.
 */
#ifndef EK_XPULPV2_PLANES_H
#define EK_XPULPV2_PLANES_H

#include "depthwise_loops.h"
#include "mac_block.h"
#include "team.h"

typedef struct {
    ek_requant requant;
    int32_t positions, channels, outputs;
    int32_t words;   /* of an output's weights */
    int32_t scratch; /* bytes of one core */
} ek_planes_xpulp_geometry;

/* Four outputs at four positions, `run->blocks` times: a word for each output, `run->apart` bytes apart. */
EK_INLINE void ek_planes_blocks(ek_mac_run *r, const int8_t *x, int32_t pitch) {
#if EK_XPULP_ASM
    register ek_mac_run *run __asm__("t6") = r;
    register const int8_t *first __asm__("a0") = x;
    register int32_t apart __asm__("a1") = pitch;
    /* clang-format off */
    __asm__ volatile(
        EK_ASM_BEGIN "addi sp, sp, -16\n\tsw a0, 0(sp)\n\tsw a1, 4(sp)\n\tlw ra, %[w](t6)\n\t"
        "1:\n\t" EK_MAC_BIASES
        "lw a4, 0(sp)\n\tlw t3, 4(sp)\n\tlw t1, %[steps](t6)\n\tadd a5, a4, t3\n\tadd a6, a5, t3\n\tadd a7, a6, t3\n\t"
        EK_MAC_SPREAD4("s0", "s1", "s2", "s3") EK_MAC_SPREAD4("s4", "s5", "s6", "s7")
        EK_MAC_SPREAD4("s8", "s9", "s10", "s11") EK_MAC_SPREAD4("a0", "a1", "a2", "a3")
        EK_LOOP0("t1", "24")
        EK_MAC_WEIGHTS
        EK_LW_POST("t4", "a4", "4") EK_LW_POST("t5", "a5", "4") EK_MAC_COLUMN("s0", "s4", "s8", "a0", "t4")
        EK_LW_POST("t4", "a6", "4") EK_MAC_COLUMN("s1", "s5", "s9", "a1", "t5")
        EK_LW_POST("t5", "a7", "4") EK_MAC_COLUMN("s2", "s6", "s10", "a2", "t4")
        EK_MAC_COLUMN("s3", "s7", "s11", "a3", "t5")
        EK_MAC_RECORDS
        EK_MAC_SCALE4("0", "s0", "s1", "s2", "s3") EK_MAC_SCALE4("16", "s4", "s5", "s6", "s7")
        EK_MAC_SCALE4("32", "s8", "s9", "s10", "s11") EK_MAC_SCALE4("48", "a0", "a1", "a2", "a3")
        EK_MAC_OUTPUT "lw t3, %[hi](t6)\n\t"
        EK_MAC_PACK("s0", "s1", "s2", "s3") EK_MAC_NARROW EK_MAC_STORE
        EK_MAC_PACK("s4", "s5", "s6", "s7") EK_MAC_NARROW EK_MAC_STORE
        EK_MAC_PACK("s8", "s9", "s10", "s11") EK_MAC_NARROW EK_MAC_STORE
        EK_MAC_PACK("a0", "a1", "a2", "a3") EK_MAC_NARROW EK_MAC_STORE
        "lw t2, %[blocks](t6)\n\taddi t0, t0, 64\n\tsw t0, %[record](t6)\n\tsw t1, %[y](t6)\n\t"
        "addi t2, t2, -1\n\tsw t2, %[blocks](t6)\n\tbnez t2, 1b\n\taddi sp, sp, 16\n\tsw ra, %[w](t6)\n\t" EK_ASM_END
        : "+r"(run), "+r"(first), "+r"(apart)
        : EK_MAC_OPERANDS
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4",
          "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
    /* clang-format on */
#else
    for (; r->blocks > 0; r->blocks--, r->w += 16 * r->steps, r->record += 4 * EK_OUTPUTS)
        for (int32_t o = 0; o < EK_OUTPUTS; o++, r->y += r->apart) {
            const int32_t *record = r->record + 4 * o;
            int32_t value[EK_POSITIONS];
            EK_UNROLL
            for (int32_t i = 0; i < EK_POSITIONS; i++) {
                int32_t acc = record[0];
                for (int32_t k = 0; k < r->steps; k++)
                    acc = ek_sdotsp4(acc, ek_load4(r->w + 16 * k + 4 * o), ek_load4(x + i * pitch + 4 * k));
                value[i] = ek_clip8(ek_scale_high(acc, record[1], record[2], record[3]));
            }
            const uint32_t word = ek_pack4(value[0], value[1], value[2], value[3]);
            ek_store4(r->y, ek_min4(ek_max4(word, r->lo), r->hi));
        }
#endif
}

/* Four positions of `count` channels, transposed: a position's channels are neighbours, `pitch` bytes further those of
 * the next one. */
EK_INLINE void ek_planes_gather(const int8_t *x, int32_t plane, int32_t count, int8_t *to, int32_t pitch) {
    if (count >= 4)
        ek_transpose_rows(x, plane, 0, count / 4, 1, to, pitch);
    if (count >= 4 && count % 4)
        ek_transpose_rows(x + (count - 4) * plane, plane, 0, 1, 1, to + count - 4, pitch);
    for (int32_t c = 0; c < count && count < 4; c++)
        for (int32_t i = 0; i < 4; i++)
            to[c + i * pitch] = (int8_t)ek_byte(ek_load4(x + c * plane), i);
}

EK_INLINE void ek_planes_xpulp(const ek_planes_xpulp_geometry *g, ek_team team, const int8_t *x, int8_t *y,
                               const int8_t *w, const int32_t *record, void *scratch) {
    const int32_t units = (g->positions + EK_POSITIONS - 1) / EK_POSITIONS, pitch = 4 * g->words;
    const int32_t end = ek_share(units, team.core + 1, team.cores), whole = g->outputs / EK_OUTPUTS;
    int8_t *seen = (int8_t *)scratch + team.core * g->scratch;
    for (int32_t unit = ek_share(units, team.core, team.cores); unit < end; unit++) {
        const int32_t first = ek_max(0, ek_min(unit * EK_POSITIONS, g->positions - EK_POSITIONS)); /* may overlap */
        const int32_t count = ek_min(EK_POSITIONS, g->positions), direct = count == EK_POSITIONS ? whole : 0;
        ek_word aside[EK_OUTPUTS];
        ek_mac_run run = ek_mac_prepare(&g->requant, 0, 0);
        run.w = w;
        run.record = record;
        run.steps = g->words;
        run.y = y + first;
        run.apart = g->positions;
        run.blocks = direct;
        ek_planes_gather(x + first, g->positions, g->channels, seen, pitch);
        if (direct > 0)
            ek_planes_blocks(&run, seen, pitch);
        for (int32_t o = direct * EK_OUTPUTS; o < g->outputs; o += EK_OUTPUTS) { /* by way of `aside` */
            run.y = (int8_t *)aside;
            run.apart = 4;
            run.blocks = 1;
            ek_planes_blocks(&run, seen, pitch);
            for (int32_t k = 0; k < ek_min(EK_OUTPUTS, g->outputs - o); k++)
                ek_store_some(y + (o + k) * g->positions + first, aside[k], count);
        }
    }
}

#endif

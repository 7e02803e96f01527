/*
 * Depthwise convolution with kernels as high as the input, one column wide, XpulpV2: same values as ../depthwise.h.
 *
 * The input is stored position by position, channel by channel, so that the rows of a channel are neighbours: an output
 * is one dot product over contiguous bytes. A block is two outputs of a channel at four positions. z_x is folded into
 * the biases. Weights int8: per channel and two outputs, word by word in turn, filled up to whole words; an odd last
 * output is its own partner. Records likewise. The team shares (channel, two outputs, block of positions).
 */
#ifndef EK_XPULPV2_COLUMNS_H
#define EK_XPULPV2_COLUMNS_H

#include "requant.h"
#include "team.h"

enum { EK_COLUMNS_POSITIONS = 4 };

typedef struct {
    ek_requant requant;
    int32_t positions, channels, rows;
    int32_t multiplier; /* outputs of a channel */
    int32_t words;      /* of an output's weights */
} ek_columns_xpulp_geometry;

/* `blocks` times four neighbouring positions of a channel: high form, int8. */
typedef struct {
    const int8_t *x, *w;
    const int32_t *record; /* of both outputs */
    int8_t *y;
    int32_t x_step, x_skip;  /* from position to position; from behind a fourth position's rows to the next block */
    int32_t y_other, y_step; /* from the first output to the second; from there to the next position */
    int32_t words, blocks;   /* > 0 */
    int32_t lo, hi;
} ek_columns_run;

#if EK_XPULP_ASM
/* clang-format off */
/*
 * Registers: sums s0-s7, the second output's odd; input addresses a4-a7, weights ra; records s8-s11 and a0-a3; t0, t1
 * input, t2, t3 weights; t4 the output, t5 blocks, t6 the run.
 */
#define EK_COLUMNS_FIELD(name) [name] "i"(offsetof(ek_columns_run, name))
#define EK_COLUMNS_FIRST(of) of("s0") of("s2") of("s4") of("s6")
#define EK_COLUMNS_SECOND(of) of("s1") of("s3") of("s5") of("s7")
#define EK_COLUMNS_HIGH1(a) "mulh " a ", " a ", s9\n\t"
#define EK_COLUMNS_HIGH2(a) "mulh " a ", " a ", a1\n\t"
#define EK_COLUMNS_SCALE1(a) EK_ADD_SHIFT(a, "s10", "s11")
#define EK_COLUMNS_SCALE2(a) EK_ADD_SHIFT(a, "a2", "a3")
#define EK_COLUMNS_CLIP(a) EK_MAX1(a, a, "t0") EK_MIN1(a, a, "t1")
#define EK_COLUMNS_STORE(a, b) EK_SB_POST_R(a, "t4", "t2") EK_SB_POST_R(b, "t4", "t3")

EK_INLINE void ek_columns_blocks(ek_columns_run *r) {
    register ek_columns_run *run __asm__("t6") = r;
    __asm__ volatile(
        EK_ASM_BEGIN
        "lw t0, %[record](t6)\n\tlw a4, %[x](t6)\n\tlw t1, %[x_step](t6)\n\tlw t4, %[y](t6)\n\tlw t5, %[blocks](t6)\n\t"
        "lw s8, 0(t0)\n\tlw s9, 4(t0)\n\tlw s10, 8(t0)\n\tlw s11, 12(t0)\n\t"
        "lw a0, 16(t0)\n\tlw a1, 20(t0)\n\tlw a2, 24(t0)\n\tlw a3, 28(t0)\n\t"
        "add a5, a4, t1\n\tadd a6, a5, t1\n\tadd a7, a6, t1\n\t"
        "1:\n\tlw ra, %[w](t6)\n\tlw t0, %[words](t6)\n\t"
        "mv s0, s8\n\tmv s2, s8\n\tmv s4, s8\n\tmv s6, s8\n\tmv s1, a0\n\tmv s3, a0\n\tmv s5, a0\n\tmv s7, a0\n\t"
        EK_LOOP0("t0", "14")
        EK_LW_POST("t2", "ra", "4") EK_LW_POST("t0", "a4", "4") EK_LW_POST("t3", "ra", "4") EK_LW_POST("t1", "a5", "4")
        EK_SDOTSP4("s0", "t2", "t0") EK_SDOTSP4("s1", "t3", "t0") EK_LW_POST("t0", "a6", "4")
        EK_SDOTSP4("s2", "t2", "t1") EK_SDOTSP4("s3", "t3", "t1") EK_LW_POST("t1", "a7", "4")
        EK_SDOTSP4("s4", "t2", "t0") EK_SDOTSP4("s5", "t3", "t0")
        EK_SDOTSP4("s6", "t2", "t1") EK_SDOTSP4("s7", "t3", "t1")
        "lw t3, %[x_skip](t6)\n\tlw t0, %[lo](t6)\n\tlw t1, %[hi](t6)\n\tlw t2, %[y_other](t6)\n\t"
        "add a4, a4, t3\n\tadd a5, a5, t3\n\tadd a6, a6, t3\n\tadd a7, a7, t3\n\tlw t3, %[y_step](t6)\n\t"
        EK_COLUMNS_FIRST(EK_COLUMNS_HIGH1) EK_COLUMNS_SECOND(EK_COLUMNS_HIGH2)
        EK_COLUMNS_FIRST(EK_COLUMNS_SCALE1) EK_COLUMNS_SECOND(EK_COLUMNS_SCALE2)
        EK_COLUMNS_FIRST(EK_COLUMNS_CLIP) EK_COLUMNS_SECOND(EK_COLUMNS_CLIP)
        EK_COLUMNS_STORE("s0", "s1") EK_COLUMNS_STORE("s2", "s3") EK_COLUMNS_STORE("s4", "s5")
        EK_COLUMNS_STORE("s6", "s7")
        "addi t5, t5, -1\n\tbnez t5, 1b\n\t" EK_ASM_END
        : "+r"(run)
        : EK_COLUMNS_FIELD(x), EK_COLUMNS_FIELD(w), EK_COLUMNS_FIELD(record), EK_COLUMNS_FIELD(y),
          EK_COLUMNS_FIELD(x_step), EK_COLUMNS_FIELD(x_skip), EK_COLUMNS_FIELD(y_other), EK_COLUMNS_FIELD(y_step),
          EK_COLUMNS_FIELD(words), EK_COLUMNS_FIELD(blocks), EK_COLUMNS_FIELD(lo), EK_COLUMNS_FIELD(hi)
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2",
          "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
}
/* clang-format on */
#else
EK_INLINE void ek_columns_blocks(ek_columns_run *r) {
    for (; r->blocks > 0; r->blocks--) {
        for (int32_t i = 0; i < EK_COLUMNS_POSITIONS; i++, r->x += r->x_step, r->y += r->y_step)
            for (int32_t o = 0; o < 2; o++, r->y += o == 1 ? r->y_other : 0) {
                const int32_t *record = r->record + 4 * o;
                int32_t acc = record[0];
                for (int32_t k = 0; k < r->words; k++)
                    acc = ek_sdotsp4(acc, ek_load4(r->w + 8 * k + 4 * o), ek_load4(r->x + 4 * k));
                r->y[0] = (int8_t)ek_clip_between(ek_scale_high(acc, record[1], record[2], record[3]), r->lo, r->hi);
            }
    }
}
#endif

/* Fewer positions than a block: they are computed into `aside`, the last one in place of those behind it. */
EK_INLINE void ek_columns_few(const ek_columns_xpulp_geometry *g, ek_columns_run *run, int32_t outputs) {
    int8_t aside[2 * EK_COLUMNS_POSITIONS], *y = run->y;
    for (int32_t i = 0; i < g->positions; i++) {
        ek_columns_run one = *run;
        one.x += i * run->x_step;
        one.x_step = 0;
        one.y = aside;
        one.y_other = 1;
        one.y_step = 1;
        one.blocks = 1;
        ek_columns_blocks(&one);
        y[0] = aside[0];
        y[run->y_other] = aside[1];
        y += outputs;
    }
}

EK_INLINE void ek_columns_xpulp(const ek_columns_xpulp_geometry *g, ek_team team, const int8_t *x, int8_t *y,
                                const int8_t *w, const int32_t *record) {
    const int32_t pairs = (g->multiplier + 1) / 2, outputs = g->channels * g->multiplier;
    const int32_t blocks = (g->positions + EK_COLUMNS_POSITIONS - 1) / EK_COLUMNS_POSITIONS;
    const int32_t units = g->channels * pairs * blocks, end = ek_share(units, team.core + 1, team.cores);
    const int32_t x_step = g->channels * g->rows;
    for (int32_t unit = ek_share(units, team.core, team.cores), next; unit < end; unit = next) {
        const int32_t part = unit / blocks, block = unit % blocks, channel = part / pairs, pair = part % pairs;
        const int32_t o = channel * g->multiplier + 2 * pair, other = 2 * pair + 1 < g->multiplier;
        int32_t first = block * EK_COLUMNS_POSITIONS, count = ek_min(blocks - block, end - unit);
        next = unit + count;
        if (block + count == blocks && g->positions % EK_COLUMNS_POSITIONS && count > 1) { /* the rest by itself */
            count--;
            next--;
        }
        first = ek_max(0, ek_min(first, g->positions - EK_COLUMNS_POSITIONS)); /* it overlaps the block before */
        ek_columns_run run; /* member by member: an initialiser would be copied from L2 */
        run.x = x + first * x_step + channel * g->rows;
        run.w = w + part * g->words * 8;
        run.record = record + part * 8;
        run.y = y + first * outputs + o;
        run.x_step = x_step;
        run.x_skip = 4 * x_step - 4 * g->words;
        run.y_other = other;
        run.y_step = outputs - other;
        run.words = g->words;
        run.blocks = count;
        run.lo = g->requant.lo;
        run.hi = g->requant.hi;
        if (g->positions < EK_COLUMNS_POSITIONS)
            ek_columns_few(g, &run, outputs);
        else
            ek_columns_blocks(&run);
    }
}

#endif

/*
 * Convolution along rows, one input channel per output, XpulpV2: same values as ../conv.h and ../depthwise.h.
 *
 * Neighbouring outputs of a row see almost the same input. A block is eight outputs, four columns apart, of one or two
 * filters: the word that the last of them needs next is what the others need later, so that a step loads one word of
 * input and one of each filter for eight or sixteen dot products. Eight words stay in registers and change their roles
 * from step to step, hence eight steps per turn of the loop. Four blocks, one column apart, are a chunk of 32 columns.
 *
 * Rows are read where they lie; where a chunk's windows leave the row, from a copy with z_x around it. z_x is folded
 * into the biases. Weights int8: per group two filters after the other, word by word in turn, filled up to multiples of
 * four words; a last filter without a partner by itself. The team shares (row, chunk, two
 * filters, block).
 */
#ifndef EK_XPULPV2_ROWS_H
#define EK_XPULPV2_ROWS_H

#include "requant.h"
#include "team.h"

enum {
    EK_ROWS_COLUMNS = 8,
    EK_ROWS_PHASES = 4,
    EK_ROWS_CHUNK = EK_ROWS_COLUMNS * EK_ROWS_PHASES,
    EK_ROWS_WORDS = 32,                                  /* of a filter, at most */
    EK_ROWS_SEEN = EK_ROWS_CHUNK + 4 * EK_ROWS_WORDS + 4 /* bytes that a chunk's windows see, written by words */
};

typedef struct {
    ek_requant requant;
    int32_t in_zero;
    int32_t groups, rows, filters; /* input channels; rows of each; filters of each, the same for all of its rows */
    int32_t in_w, out_w, pad_left;
    int32_t words;                            /* of a filter, a multiple of 4 */
    int32_t y_filter, y_group, y_row, y_step; /* elements from one to the next; y_step: from column to column */
} ek_rows_xpulp_geometry;

/* A chunk of one or two filters: high form, int8. */
typedef struct {
    const int8_t *x, *w;
    const int32_t *record;
    int8_t *y;
    int32_t y_step, y_apart,
        y_filter;           /* from column to column; from output to output of a block; to the other filter */
    int32_t turns, half;    /* of the loop; whether the first one is half a turn */
    int32_t phases;         /* blocks */
    int32_t lo, hi, narrow; /* clip bounds; whether they are not those of int8 */
} ek_rows_run;

#if EK_XPULP_ASM
/* clang-format off */
/*
 * Registers: sums of the first filter s0-s7, of the second one s8-s11 and a0-a3; eight words of input t0-t5, a4, a5;
 * weights a6, a7; addresses of the input ra, of the weights t6, which is the run's before and behind.
 */
#define EK_ROWS_FIELD(name) [name] "i"(offsetof(ek_rows_run, name))
#define EK_ROWS_OPERANDS                                                                                               \
    EK_ROWS_FIELD(x), EK_ROWS_FIELD(w), EK_ROWS_FIELD(record), EK_ROWS_FIELD(y), EK_ROWS_FIELD(y_step),                \
    EK_ROWS_FIELD(y_apart), EK_ROWS_FIELD(y_filter), EK_ROWS_FIELD(turns), EK_ROWS_FIELD(half), EK_ROWS_FIELD(phases), \
    EK_ROWS_FIELD(lo), EK_ROWS_FIELD(hi), EK_ROWS_FIELD(narrow)
#define EK_ROWS_CLOBBERS                                                                                               \
    "ra", "t0", "t1", "t2", "t3", "t4", "t5", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3",  \
    "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory"
#define EK_ROWS_FIRST(w, a, b, c, d, e, f, g, h)                                                                       \
    EK_SDOTSP4("s0", w, a) EK_SDOTSP4("s1", w, b) EK_SDOTSP4("s2", w, c) EK_SDOTSP4("s3", w, d)                        \
    EK_SDOTSP4("s4", w, e) EK_SDOTSP4("s5", w, f) EK_SDOTSP4("s6", w, g) EK_SDOTSP4("s7", w, h)
#define EK_ROWS_SECOND(w, a, b, c, d, e, f, g, h)                                                                      \
    EK_SDOTSP4("s8", w, a) EK_SDOTSP4("s9", w, b) EK_SDOTSP4("s10", w, c) EK_SDOTSP4("s11", w, d)                      \
    EK_SDOTSP4("a0", w, e) EK_SDOTSP4("a1", w, f) EK_SDOTSP4("a2", w, g) EK_SDOTSP4("a3", w, h)
/* The word of the last output is loaded into the register that the first one has just left. */
#define EK_ROWS_STEP1(a, b, c, d, e, f, g, h)                                                                          \
    EK_LW_POST("a6", "t6", "4") EK_LW_POST(h, "ra", "4") EK_ROWS_FIRST("a6", a, b, c, d, e, f, g, h)
#define EK_ROWS_STEP2(a, b, c, d, e, f, g, h)                                                                          \
    EK_LW_POST("a6", "t6", "4") EK_LW_POST("a7", "t6", "4") EK_LW_POST(h, "ra", "4")                                   \
    EK_ROWS_FIRST("a6", a, b, c, d, e, f, g, h) EK_ROWS_SECOND("a7", a, b, c, d, e, f, g, h)
#define EK_ROWS_STEPS(step)                                                                                            \
    step("t0", "t1", "t2", "t3", "t4", "t5", "a4", "a5") step("t1", "t2", "t3", "t4", "t5", "a4", "a5", "t0")          \
    step("t2", "t3", "t4", "t5", "a4", "a5", "t0", "t1") step("t3", "t4", "t5", "a4", "a5", "t0", "t1", "t2")          \
    "3:\n\t"                                                                                                           \
    step("t4", "t5", "a4", "a5", "t0", "t1", "t2", "t3") step("t5", "a4", "a5", "t0", "t1", "t2", "t3", "t4")          \
    step("a4", "a5", "t0", "t1", "t2", "t3", "t4", "t5") step("a5", "t0", "t1", "t2", "t3", "t4", "t5", "a4")
#define EK_ROWS_LOAD(a, b, c, d, e, f, g)                                                                              \
    EK_LW_POST(a, "ra", "4") EK_LW_POST(b, "ra", "4") EK_LW_POST(c, "ra", "4") EK_LW_POST(d, "ra", "4")                \
    EK_LW_POST(e, "ra", "4") EK_LW_POST(f, "ra", "4") EK_LW_POST(g, "ra", "4")
#define EK_ROWS_EACH1(of) of("s0") of("s1") of("s2") of("s3") of("s4") of("s5") of("s6") of("s7")
#define EK_ROWS_EACH2(of) of("s8") of("s9") of("s10") of("s11") of("a0") of("a1") of("a2") of("a3")
#define EK_ROWS_HIGH(a) "mulh " a ", " a ", t0\n\t"
#define EK_ROWS_SCALE(a) EK_ADD_SHIFT(a, "t1", "t2")
#define EK_ROWS_NARROW(a) EK_MAX1(a, a, "t3") EK_MIN1(a, a, "t4")
#define EK_ROWS_STORE(a) EK_SB_POST_R(a, "a5", "a6")
/* Sums that start at the bias; `t6` gives way to the weights. */
#define EK_ROWS_BEGIN                                                                                                  \
    "1:\n\tlw a4, %[record](t6)\n\tlw ra, %[x](t6)\n\tlw a5, %[turns](t6)\n\tlw a7, %[half](t6)\n\tlw s0, 0(a4)\n\t"   \
    ".insn i 0x7b, 2, x0, a5, 0\n\t" /* lp.count */                                                                    \
    "mv s1, s0\n\tmv s2, s0\n\tmv s3, s0\n\tmv s4, s0\n\tmv s5, s0\n\tmv s6, s0\n\tmv s7, s0\n\t"
/* `size`: instructions of a turn. The loop begins 10 instructions behind lp.starti. */
#define EK_ROWS_LOOP(size, step)                                                                                       \
    "addi sp, sp, -16\n\tsw t6, 0(sp)\n\tlw t6, %[w](t6)\n\t"                                                          \
    ".insn i 0x7b, 0, x0, x0, 2*10\n\t"             /* lp.starti */                                                    \
    ".insn i 0x7b, 1, x0, x0, 2*(" size " + 8)\n\t" /* lp.endi */                                                      \
    "bnez a7, 2f\n\t" EK_ROWS_LOAD("t0", "t1", "t2", "t3", "t4", "t5", "a4")                                           \
    EK_ROWS_STEPS(step)                                                                                                \
    "lw t6, 0(sp)\n\taddi sp, sp, 16\n\t"                                                                              \
    "lw a4, %[record](t6)\n\tlw a5, %[y](t6)\n\tlw a6, %[y_apart](t6)\n\tlw a7, %[narrow](t6)\n\t"                     \
    "lw t0, 4(a4)\n\tlw t1, 8(a4)\n\tlw t2, 12(a4)\n\t"
#define EK_ROWS_END                                                                                                    \
    "lw t0, %[phases](t6)\n\tlw t1, %[x](t6)\n\tlw t2, %[y](t6)\n\tlw t3, %[y_step](t6)\n\t"                           \
    "addi t0, t0, -1\n\taddi t1, t1, 1\n\tadd t2, t2, t3\n\t"                                                          \
    "sw t0, %[phases](t6)\n\tsw t1, %[x](t6)\n\tsw t2, %[y](t6)\n\tbnez t0, 1b\n\tj 9f\n\t"                            \
    "2:\n\t" EK_ROWS_LOAD("t4", "t5", "a4", "a5", "t0", "t1", "t2") "j 3b\n\t"
#define EK_ROWS_BOUNDS "lw t3, %[lo](t6)\n\tlw t4, %[hi](t6)\n\t"

/* Columns x, x + 4, ..., x + 28 of one filter, then of x + 1, ... */
EK_INLINE void ek_rows_one(ek_rows_run *r) {
    register ek_rows_run *run __asm__("t6") = r;
    __asm__ volatile(
        EK_ASM_BEGIN EK_ROWS_BEGIN EK_ROWS_LOOP("80", EK_ROWS_STEP1)
        EK_ROWS_EACH1(EK_ROWS_HIGH) EK_ROWS_EACH1(EK_ROWS_SCALE)
        "bnez a7, 5f\n\t4:\n\t" EK_ROWS_EACH1(EK_CLIP8) EK_ROWS_EACH1(EK_ROWS_STORE)
        EK_ROWS_END
        "5:\n\t" EK_ROWS_BOUNDS EK_ROWS_EACH1(EK_ROWS_NARROW) "j 4b\n9:\n\t" EK_ASM_END
        : "+r"(run)
        : EK_ROWS_OPERANDS
        : EK_ROWS_CLOBBERS);
}

/* The same of two filters. */
EK_INLINE void ek_rows_two(ek_rows_run *r) {
    register ek_rows_run *run __asm__("t6") = r;
    __asm__ volatile(
        EK_ASM_BEGIN EK_ROWS_BEGIN
        "lw s8, 16(a4)\n\tmv s9, s8\n\tmv s10, s8\n\tmv s11, s8\n\tmv a0, s8\n\tmv a1, s8\n\tmv a2, s8\n\tmv a3, s8\n\t"
        EK_ROWS_LOOP("152", EK_ROWS_STEP2)
        EK_ROWS_EACH1(EK_ROWS_HIGH) EK_ROWS_EACH1(EK_ROWS_SCALE)
        "lw t0, 20(a4)\n\tlw t1, 24(a4)\n\tlw t2, 28(a4)\n\t"
        EK_ROWS_EACH2(EK_ROWS_HIGH) EK_ROWS_EACH2(EK_ROWS_SCALE)
        "bnez a7, 5f\n\t4:\n\t" EK_ROWS_EACH1(EK_CLIP8) EK_ROWS_EACH1(EK_ROWS_STORE)
        "lw a5, %[y](t6)\n\tlw t3, %[y_filter](t6)\n\t" EK_ROWS_EACH2(EK_CLIP8) "add a5, a5, t3\n\t"
        EK_ROWS_EACH2(EK_ROWS_STORE)
        EK_ROWS_END
        "5:\n\t" EK_ROWS_BOUNDS EK_ROWS_EACH1(EK_ROWS_NARROW) EK_ROWS_EACH2(EK_ROWS_NARROW) "j 4b\n9:\n\t" EK_ASM_END
        : "+r"(run)
        : EK_ROWS_OPERANDS
        : EK_ROWS_CLOBBERS);
}
/* clang-format on */
#else
/* One block: filter number `which` of `count`, which share the order of their words. */
EK_INLINE void ek_rows_block(const ek_rows_run *r, int32_t which, int32_t count) {
    const int32_t *record = r->record + 4 * which, words = 8 * r->turns - 4 * r->half;
    const int8_t *w = r->w + 4 * which;
    int8_t *y = r->y + which * r->y_filter;
    int32_t acc[EK_ROWS_COLUMNS];
    EK_UNROLL
    for (int32_t i = 0; i < EK_ROWS_COLUMNS; i++)
        acc[i] = record[0];
    for (int32_t k = 0; k < words; k++) {
        const uint32_t weight = ek_load4(w + 4 * count * k);
        EK_UNROLL
        for (int32_t i = 0; i < EK_ROWS_COLUMNS; i++)
            acc[i] = ek_sdotsp4(acc[i], weight, ek_load4(r->x + 4 * (k + i)));
    }
    EK_UNROLL
    for (int32_t i = 0; i < EK_ROWS_COLUMNS; i++)
        y[i * r->y_apart] =
            (int8_t)ek_clip_between(ek_scale_high(acc[i], record[1], record[2], record[3]), r->lo, r->hi);
}

EK_INLINE void ek_rows_one(ek_rows_run *r) {
    for (; r->phases > 0; r->phases--, r->x++, r->y += r->y_step)
        ek_rows_block(r, 0, 1);
}

EK_INLINE void ek_rows_two(ek_rows_run *r) {
    for (; r->phases > 0; r->phases--, r->x++, r->y += r->y_step) {
        ek_rows_block(r, 0, 2);
        ek_rows_block(r, 1, 2);
    }
}
#endif

/* What the windows of a chunk see, from column `left`: the row itself, or a copy with z_x outside. */
EK_INLINE const int8_t *ek_rows_seen(const ek_rows_xpulp_geometry *g, const int8_t *row, int32_t left, int8_t *copy) {
    const int32_t seen = EK_ROWS_CHUNK - 1 + 4 * g->words;
    const int32_t first = ek_max(0, ek_min(seen, -left)), last = ek_max(first, ek_min(seen, g->in_w - left));
    const uint32_t zero = ek_repeat4(g->in_zero);
    if (first == 0 && last == seen)
        return row + left;
    ek_fill_words(copy, zero, first);
    ek_copy_words(copy + first, row + left + first, last - first);
    ek_fill_words(copy + last, zero, seen - last);
    return copy;
}

EK_INLINE void ek_rows_xpulp(const ek_rows_xpulp_geometry *g, ek_team team, const int8_t *x, int8_t *y, const int8_t *w,
                             const int32_t *record) {
    const int32_t chunks = (g->out_w + EK_ROWS_CHUNK - 1) / EK_ROWS_CHUNK, pairs = (g->filters + 1) / 2;
    const int32_t units = g->groups * g->rows * chunks * pairs * EK_ROWS_PHASES;
    const int32_t end = ek_share(units, team.core + 1, team.cores), direct = g->out_w >= EK_ROWS_CHUNK;
    int32_t unit = ek_share(units, team.core, team.cores), phase = unit % EK_ROWS_PHASES, fresh = 1;
    int32_t rest = unit / EK_ROWS_PHASES, pair = rest % pairs, chunk = rest / pairs % chunks,
            row = rest / pairs / chunks;
    ek_word copy[EK_ROWS_SEEN / 4], aside[2 * EK_ROWS_CHUNK / 4];
    const int8_t *seen = x;
    ek_rows_run run; /* member by member: an initialiser would be copied from L2 */
    run.turns = (g->words + 7) / 8;
    run.half = g->words % 8 != 0;
    run.lo = g->requant.lo;
    run.hi = g->requant.hi;
    run.narrow = run.lo != -128 || run.hi != 127;
    run.y_step = direct ? g->y_step : 1;
    run.y_filter = direct ? g->y_filter : EK_ROWS_CHUNK;
    run.y_apart = EK_ROWS_PHASES * run.y_step;
    while (unit < end) {
        const int32_t start = ek_max(0, ek_min(chunk * EK_ROWS_CHUNK, g->out_w - EK_ROWS_CHUNK)); /* may overlap */
        const int32_t count = ek_min(EK_ROWS_CHUNK, g->out_w), group = row / g->rows, filter = 2 * pair;
        const int32_t now = ek_min(EK_ROWS_PHASES - phase, end - unit), two = filter + 1 < g->filters;
        int8_t *to = y + group * g->y_group + row % g->rows * g->y_row + filter * g->y_filter + start * g->y_step;
        if (fresh)
            seen = ek_rows_seen(g, x + row * g->in_w, start - g->pad_left, (int8_t *)copy);
        run.x = seen + phase;
        run.w = w + (group * g->filters + filter) * g->words * 4;
        run.record = record + (group * g->filters + filter) * 4;
        run.phases = ek_min(now, count - phase);
        run.y = (direct ? to : (int8_t *)aside) + phase * run.y_step;
        if (run.phases > 0 && two)
            ek_rows_two(&run);
        else if (run.phases > 0)
            ek_rows_one(&run);
        for (int32_t i = phase; i < count && !direct; i++)
            for (int32_t k = 0; k <= two && i % EK_ROWS_PHASES >= phase && i % EK_ROWS_PHASES < phase + now; k++)
                to[k * g->y_filter + i * g->y_step] = ((const int8_t *)aside)[k * EK_ROWS_CHUNK + i];
        unit += now;
        phase = 0;
        fresh = ++pair == pairs;
        if (fresh) {
            pair = 0;
            if (++chunk == chunks) {
                chunk = 0;
                row++;
            }
        }
    }
}

#endif

/*
 * Inner loops of depthwise convolutions: dot products of one channel's taps along contiguous rows, and the
 * transposition that makes them contiguous.
 */
#ifndef EK_XPULPV2_DEPTHWISE_LOOPS_H
#define EK_XPULPV2_DEPTHWISE_LOOPS_H

#include "requant.h"

/* Neighbouring outputs of one channel. */
typedef struct {
    const int8_t *x; /* of the first output: kernel row 0, tap 0 */
    const int8_t *w; /* [kernel row][word] */
    const int32_t *record;
    void *y;
    int32_t at;             /* where the first output goes, in elements */
    int32_t x_step, y_step; /* elements from output to output */
    int32_t row;            /* bytes from kernel row to kernel row */
    int32_t rows, words;    /* of the kernel; words of a row */
} ek_taps;

/* Four words of four lanes: lane i of every word becomes word i. */
EK_INLINE void ek_transpose4(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t *y) {
    const uint32_t low = ek_shuffle4(a, b, 0x05010400u), high = ek_shuffle4(a, b, 0x07030602u);
    const uint32_t low2 = ek_shuffle4(c, d, 0x05010400u), high2 = ek_shuffle4(c, d, 0x07030602u);
    y[0] = ek_pack2((int32_t)low, (int32_t)low2);
    y[1] = ek_shuffle4(low, low2, 0x07060302u);
    y[2] = ek_pack2((int32_t)high, (int32_t)high2);
    y[3] = ek_shuffle4(high, high2, 0x07060302u);
}

/* The same for 4 * fours > 0 columns, `step` bytes apart, of `rows` rows, x_row bytes apart: a lane's words go to `to`,
 * those of the next lane `channel` bytes further, those of the next row behind the last lane. */
EK_INLINE void ek_transpose_rows(const int8_t *x, int32_t step, int32_t x_row, int32_t fours, int32_t rows, int8_t *to,
                                 int32_t channel) {
#if EK_XPULP_ASM
    int8_t *to1 = to + channel, *to2 = to1 + channel, *to3 = to2 + channel;
    const int32_t x_skip = x_row - 4 * fours * step, skip = 4 * (channel - fours);
    if (rows <= 0)
        return;
    /* clang-format off */
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP1("%[rows]", "1 + 18 + 5") EK_LOOP0("%[fours]", "18")
        EK_LW_POST_R("t0", "%[x]", "%[step]") EK_LW_POST_R("t1", "%[x]", "%[step]")
        EK_LW_POST_R("t2", "%[x]", "%[step]") EK_LW_POST_R("t3", "%[x]", "%[step]")
        "mv t4, t0\n\tmv t5, t2\n\t"
        EK_SHUFFLE4("t0", "t1", "%[low]") EK_SHUFFLE4("t4", "t1", "%[high]")
        EK_SHUFFLE4("t2", "t3", "%[low]") EK_SHUFFLE4("t5", "t3", "%[high]")
        EK_PACK2("t1", "t2", "t0") EK_PACK2("t3", "t5", "t4")
        EK_SHUFFLE4("t0", "t2", "%[upper]") EK_SHUFFLE4("t4", "t5", "%[upper]")
        EK_SW_POST("t1", "%[to]", "4") EK_SW_POST("t0", "%[to1]", "4")
        EK_SW_POST("t3", "%[to2]", "4") EK_SW_POST("t4", "%[to3]", "4")
        "add %[x], %[x], %[x_skip]\n\tadd %[to], %[to], %[skip]\n\tadd %[to1], %[to1], %[skip]\n\t"
        "add %[to2], %[to2], %[skip]\n\tadd %[to3], %[to3], %[skip]\n\t" EK_ASM_END
        : [x] "+r"(x), [to] "+r"(to), [to1] "+r"(to1), [to2] "+r"(to2), [to3] "+r"(to3)
        : [rows] "r"(rows), [fours] "r"(fours), [step] "r"(step), [x_skip] "r"(x_skip), [skip] "r"(skip),
          [low] "r"(0x05010400u), [high] "r"(0x07030602u), [upper] "r"(0x07060302u)
        : "t0", "t1", "t2", "t3", "t4", "t5", "memory");
    /* clang-format on */
#else
    for (int32_t row = 0; row < rows; row++, to += 4 * channel)
        for (int32_t i = 0; i < fours; i++) {
            const int8_t *from = x + row * x_row + 4 * i * step;
            uint32_t lanes[4];
            ek_transpose4(ek_load4(from), ek_load4(from + step), ek_load4(from + 2 * step), ek_load4(from + 3 * step),
                          lanes);
            for (int32_t lane = 0; lane < 4; lane++)
                ek_store4(to + 4 * i + lane * channel, lanes[lane]);
        }
#endif
}

/* `count` outputs one by one. */
EK_INLINE void ek_taps_singly(const ek_taps *t, const ek_requant *r, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        const int8_t *w = t->w;
        int32_t acc = t->record[0];
        for (int32_t row = 0; row < t->rows; row++)
            for (int32_t k = 0; k < t->words; k++, w += 4)
                acc = ek_sdotsp4(acc, ek_load4(t->x + i * t->x_step + row * t->row + 4 * k), ek_load4(w));
        ek_store(r, t->y, t->at + i * t->y_step, ek_requantize_xpulp(r, acc, t->record));
    }
}

#if EK_XPULP_ASM
typedef struct {
    ek_taps t;
    int32_t quads; /* > 0 */
    int32_t skip;  /* bytes from behind a kernel row to the next one */
    const int8_t *y;
    int32_t lo, hi;
} ek_taps_state;

/* clang-format off */
#define EK_TAPS_FIELD(name, field) [name] "i"(offsetof(ek_taps_state, field))
#define EK_TAPS_FINISH(a) EK_ADD_SHIFT(a, "s8", "s9")
#define EK_TAPS_CLIP(a, lo, hi) EK_MAX1(a, a, lo) EK_MIN1(a, a, hi)

/* Four outputs at a time: every weight is loaded once for them. High form, int8.
 * Registers: t6 the state; sums s0-s3; addresses a4-a7, of the first output a0; weights ra; t0 a weight, t1-t4 input. */
EK_INLINE void ek_taps_quads(ek_taps_state *state) {
    register ek_taps_state *run __asm__("t6") = state;
    __asm__ volatile(
        EK_ASM_BEGIN
        "lw t0, %[record](t6)\n\tlw a0, %[x](t6)\n\tlw a1, %[x_step](t6)\n\tlw a2, %[skip](t6)\n\t"
        "lw a3, %[words](t6)\n\tlw s4, %[rows](t6)\n\tlw s5, %[w](t6)\n\tlw s10, %[y](t6)\n\tlw s11, %[y_step](t6)\n\t"
        "lw s6, 0(t0)\n\tlw s7, 4(t0)\n\tlw s8, 8(t0)\n\tlw s9, 12(t0)\n\tlw t5, %[quads](t6)\n\t"
        "1:\n\tmv a4, a0\n\tadd a5, a4, a1\n\tadd a6, a5, a1\n\tadd a7, a6, a1\n\tadd a0, a7, a1\n\t"
        "mv s0, s6\n\tmv s1, s6\n\tmv s2, s6\n\tmv s3, s6\n\tmv ra, s5\n\t"
        EK_LOOP1("s4", "1 + 9 + 4")
        EK_LOOP0("a3", "9")
        EK_LW_POST("t0", "ra", "4") EK_LW_POST("t1", "a4", "4") EK_LW_POST("t2", "a5", "4")
        EK_LW_POST("t3", "a6", "4") EK_SDOTSP4("s0", "t0", "t1") EK_LW_POST("t4", "a7", "4")
        EK_SDOTSP4("s1", "t0", "t2") EK_SDOTSP4("s2", "t0", "t3") EK_SDOTSP4("s3", "t0", "t4")
        "add a4, a4, a2\n\tadd a5, a5, a2\n\tadd a6, a6, a2\n\tadd a7, a7, a2\n\t"
        "lw t0, %[lo](t6)\n\tlw t1, %[hi](t6)\n\t"
        "mulh s0, s0, s7\n\tmulh s1, s1, s7\n\tmulh s2, s2, s7\n\tmulh s3, s3, s7\n\t"
        EK_TAPS_FINISH("s0") EK_TAPS_FINISH("s1") EK_TAPS_FINISH("s2") EK_TAPS_FINISH("s3")
        EK_TAPS_CLIP("s0", "t0", "t1") EK_TAPS_CLIP("s1", "t0", "t1")
        EK_TAPS_CLIP("s2", "t0", "t1") EK_TAPS_CLIP("s3", "t0", "t1")
        EK_SB_POST_R("s0", "s10", "s11") EK_SB_POST_R("s1", "s10", "s11")
        EK_SB_POST_R("s2", "s10", "s11") EK_SB_POST_R("s3", "s10", "s11")
        "addi t5, t5, -1\n\tbnez t5, 1b\n\t" EK_ASM_END
        : "+r"(run)
        : EK_TAPS_FIELD(x, t.x), EK_TAPS_FIELD(w, t.w), EK_TAPS_FIELD(record, t.record),
          EK_TAPS_FIELD(x_step, t.x_step), EK_TAPS_FIELD(y_step, t.y_step), EK_TAPS_FIELD(rows, t.rows),
          EK_TAPS_FIELD(words, t.words), EK_TAPS_FIELD(quads, quads), EK_TAPS_FIELD(skip, skip), EK_TAPS_FIELD(y, y),
          EK_TAPS_FIELD(lo, lo), EK_TAPS_FIELD(hi, hi)
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2",
          "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
}
/* clang-format on */
#endif

/* `count` > 0 outputs. The last four overlap the ones before where there is a rest. */
EK_INLINE void ek_taps_run(const ek_taps *t, const ek_requant *r, int32_t count) {
#if EK_XPULP_ASM
    if (count >= 4 && !r->full && r->out_bits == 8) {
        const int32_t rest = count & 3;
        for (int32_t first = 0; first < count; first = first == 0 && rest ? count - 4 : count) {
            ek_taps_state state = {
                *t, first == 0 ? count / 4 : 1, t->row - 4 * t->words, (int8_t *)t->y + t->at, r->lo, r->hi};
            state.t.x += first * t->x_step;
            state.y += first * t->y_step;
            ek_taps_quads(&state);
        }
        return;
    }
#endif
    ek_taps_singly(t, r, count);
}

/* Outputs of a 3x3 kernel whose rows are one word each: high form, int8. */
typedef struct {
    const int8_t *x, *w;
    const int32_t *record;
    int8_t *y;
    int32_t x_next;                /* bytes from one output channel's input to the next one's */
    int32_t row;                   /* bytes from kernel row to kernel row */
    int32_t x_step, x_skip;        /* bytes from output to output; from behind an output row to the next one's input */
    int32_t y_step, y_skip;        /* the same for the output */
    int32_t count, rows, channels; /* loops, from the inside out: all > 0 */
    int32_t lo, hi;
} ek_taps_3x3;

#if EK_XPULP_ASM
/* clang-format off */
/*
 * Registers: t6 the run; addresses of three input rows a0-a2, of the output a3; weights s0-s2; record s6-s9; s10, s11
 * clip bounds; a4 y_step, a5 count, a6 rows, a7 x_skip, ra y_skip; t5 channels; t0-t2 input, t3, t4 sums; s3-s5 free.
 */
#define EK_3X3_LOOPS(run, prepare, size, body)                                                                         \
    __asm__ volatile(                                                                                                  \
        EK_ASM_BEGIN                                                                                                   \
        "lw a4, %[y_step](t6)\n\tlw a5, %[count](t6)\n\tlw a6, %[rows](t6)\n\tlw a7, %[x_skip](t6)\n\t"                \
        "lw ra, %[y_skip](t6)\n\tlw t5, %[channels](t6)\n\tlw s10, %[lo](t6)\n\tlw s11, %[hi](t6)\n\t"                 \
        "1:\n\tlw t0, %[w](t6)\n\tlw t1, %[record](t6)\n\tlw a0, %[x](t6)\n\tlw t2, %[row](t6)\n\tlw a3, %[y](t6)\n\t" \
        "lw s0, 0(t0)\n\tlw s1, 4(t0)\n\tlw s2, 8(t0)\n\t"                                                             \
        "lw s6, 0(t1)\n\tlw s7, 4(t1)\n\tlw s8, 8(t1)\n\tlw s9, 12(t1)\n\t"                                            \
        "add a1, a0, t2\n\tadd a2, a1, t2\n\t" prepare                                                                 \
        "lw t3, %[x_next](t6)\n\taddi t0, t0, 12\n\taddi t1, t1, 16\n\tadd t3, t3, a0\n\taddi t4, a3, 1\n\t"           \
        "sw t0, %[w](t6)\n\tsw t1, %[record](t6)\n\tsw t3, %[x](t6)\n\tsw t4, %[y](t6)\n\t"                            \
        EK_LOOP1("a6", "1 + " size " + 4") EK_LOOP0("a5", size) body                                                   \
        "add a0, a0, a7\n\tadd a1, a1, a7\n\tadd a2, a2, a7\n\tadd a3, a3, ra\n\t"                                     \
        "addi t5, t5, -1\n\tbnez t5, 1b\n\t" EK_ASM_END                                                                \
        : "+r"(run)                                                                                                    \
        : EK_3X3_FIELD(x), EK_3X3_FIELD(w), EK_3X3_FIELD(record), EK_3X3_FIELD(y), EK_3X3_FIELD(x_next),               \
          EK_3X3_FIELD(row), EK_3X3_FIELD(x_step), EK_3X3_FIELD(x_skip), EK_3X3_FIELD(y_step), EK_3X3_FIELD(y_skip),   \
          EK_3X3_FIELD(count), EK_3X3_FIELD(rows), EK_3X3_FIELD(channels), EK_3X3_FIELD(lo), EK_3X3_FIELD(hi)          \
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2",  \
          "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory")
#define EK_3X3_FIELD(name) [name] "i"(offsetof(ek_taps_3x3, name))
#define EK_3X3_SHIFT "slli s3, s0, 8\n\tslli s4, s1, 8\n\tslli s5, s2, 8\n\t"
#define EK_3X3_PAIR(clip)                                                                                              \
    EK_LW_POST("t0", "a0", "2") EK_LW_POST("t1", "a1", "2") EK_LW_POST("t2", "a2", "2")                                \
    "mv t3, s6\n\tmv t4, s6\n\t"                                                                                       \
    EK_SDOTSP4("t3", "t0", "s0") EK_SDOTSP4("t4", "t0", "s3") EK_SDOTSP4("t3", "t1", "s1")                             \
    EK_SDOTSP4("t4", "t1", "s4") EK_SDOTSP4("t3", "t2", "s2") EK_SDOTSP4("t4", "t2", "s5")                             \
    "mulh t3, t3, s7\n\tmulh t4, t4, s7\n\t" EK_TAPS_FINISH("t3") EK_TAPS_FINISH("t4") clip                            \
    EK_SB_POST_R("t3", "a3", "a4") EK_SB_POST_R("t4", "a3", "a4")
#define EK_3X3_SINGLE                                                                                                  \
    EK_LW_POST_R("t0", "a0", "s3") EK_LW_POST_R("t1", "a1", "s3") EK_LW_POST_R("t2", "a2", "s3")                       \
    "mv t3, s6\n\t" EK_SDOTSP4("t3", "t0", "s0") EK_SDOTSP4("t3", "t1", "s1") EK_SDOTSP4("t3", "t2", "s2")             \
    "mulh t3, t3, s7\n\t" EK_TAPS_FINISH("t3") EK_TAPS_CLIP("t3", "s10", "s11") EK_SB_POST_R("t3", "a3", "a4")
/* clang-format on */
#else
EK_INLINE int8_t ek_taps_of_3x3(const ek_taps_3x3 *r, const int8_t *x, int32_t shift) {
    int32_t acc = r->record[0];
    for (int32_t k = 0; k < 3; k++)
        acc = ek_sdotsp4(acc, ek_load4(x + k * r->row), ek_load4(r->w + 4 * k) << shift);
    return (int8_t)ek_clip_between(ek_scale_high(acc, r->record[1], r->record[2], r->record[3]), r->lo, r->hi);
}

/* `each` outputs at a time, from one word per kernel row. */
EK_INLINE void ek_3x3_portable(ek_taps_3x3 *r, int32_t each) {
    for (; r->channels > 0; r->channels--) {
        const int8_t *x = r->x;
        int8_t *y = r->y++;
        for (int32_t i = 0; i < r->rows; i++, x += r->x_skip, y += r->y_skip)
            for (int32_t k = 0; k < r->count; k++, x += each * r->x_step)
                for (int32_t j = 0; j < each; j++, y += r->y_step)
                    *y = ek_taps_of_3x3(r, x, 8 * j);
        r->x += r->x_next;
        r->w += 12;
        r->record += 4;
    }
}
#endif

/* `count` pairs of neighbouring outputs (x_step is 1): one word per kernel row serves both, the weights shifted by one
 * tap for the second one. */
EK_INLINE void ek_taps_pairs(ek_taps_3x3 *r) {
#if EK_XPULP_ASM
    register ek_taps_3x3 *run __asm__("t6") = r;
    if (r->lo == -128 && r->hi == 127)
        EK_3X3_LOOPS(run, EK_3X3_SHIFT, "19", EK_3X3_PAIR(EK_CLIP8("t3") EK_CLIP8("t4")));
    else
        EK_3X3_LOOPS(run, EK_3X3_SHIFT, "21",
                     EK_3X3_PAIR(EK_TAPS_CLIP("t3", "s10", "s11") EK_TAPS_CLIP("t4", "s10", "s11")));
#else
    ek_3x3_portable(r, 2);
#endif
}

EK_INLINE void ek_taps_singles(ek_taps_3x3 *r) {
#if EK_XPULP_ASM
    register ek_taps_3x3 *run __asm__("t6") = r;
    EK_3X3_LOOPS(run, "lw s3, %[x_step](t6)\n\t", "12", EK_3X3_SINGLE);
#else
    ek_3x3_portable(r, 1);
#endif
}

#endif

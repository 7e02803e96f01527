/*
 * The inner loops of convolutions and dense layers: blocks of four outputs at one, two or four positions.
 *
 * A sum runs over segments, each of them `steps` words of four input bytes. Where the input of a segment begins is said
 * by a table: for every segment one address per position. Weights are stored as they are read: per block, per segment,
 * per step, a word for each of the four outputs. Every step costs 4 + n loads and 4 n dot products for n positions, and
 * no load is followed by its user.
 *
 * Compilers know no hardware loops and cannot hold sixteen sums next to their own variables: a run of blocks, from
 * loads to stores, is one piece of assembly that uses every register but sp, gp and tp.
 */
#ifndef EK_XPULPV2_MAC_BLOCK_H
#define EK_XPULPV2_MAC_BLOCK_H

#include "requant.h"

enum { EK_OUTPUTS = 4, EK_POSITIONS = 4 }; /* the largest block */

/* An address in 32 bits: as it is on the device, relative to a nearby one where pointers are longer. */
typedef uint32_t ek_address;

EK_INLINE ek_address ek_address_of(const void *place, const void *near) {
#if UINTPTR_MAX > 0xffffffffu
    return (ek_address)((uintptr_t)place - (uintptr_t)near);
#else
    (void)near;
    return (ek_address)(uintptr_t)place;
#endif
}

EK_INLINE const int8_t *ek_address_to(ek_address address, const void *near) {
#if UINTPTR_MAX > 0xffffffffu
    return (const int8_t *)((uintptr_t)near + (uintptr_t)(intptr_t)(int32_t)address);
#else
    (void)near;
    return (const int8_t *)(uintptr_t)address;
#endif
}

typedef struct {
    const ek_address *table; /* [segment][position] */
    const ek_address *cursor;
    const void *near; /* what addresses are relative to, where they are relative */
    const int8_t *w;
    const int32_t *record; /* of the first output */
    int8_t *y;
    int32_t apart;                   /* elements from one position's outputs to the next one's */
    int32_t blocks, segments, steps; /* all > 0 */
    uint32_t lo, hi;                 /* clip bounds, four times */
    int32_t narrow;                  /* whether they are not those of int8 */
} ek_mac_run;

/* A run that lacks addresses, weights and counts. */
EK_INLINE ek_mac_run ek_mac_prepare(const ek_requant *r, const ek_address *table, const void *near) {
    const ek_mac_run run = {
        table, table, near, 0, 0, 0, 0, 0, 0, 0, ek_repeat4(r->lo), ek_repeat4(r->hi), r->lo != -128 || r->hi != 127};
    return run;
}

/* acc[output * positions + position] of one block, without biases. */
EK_INLINE void ek_mac_portable(const ek_mac_run *run, int32_t positions, const int8_t *w, int32_t *acc) {
    const ek_address *table = run->table;
    for (int32_t segment = 0; segment < run->segments; segment++, table += positions)
        for (int32_t step = 0; step < run->steps; step++, w += 4 * EK_OUTPUTS)
            for (int32_t o = 0; o < EK_OUTPUTS; o++)
                for (int32_t i = 0; i < positions; i++) {
                    const uint32_t x = ek_load4(ek_address_to(table[i], run->near) + 4 * step);
                    acc[o * positions + i] = ek_sdotsp4(acc[o * positions + i], ek_load4(w + 4 * o), x);
                }
}

/* What ek_mac_outputs computes. */
EK_INLINE void ek_mac_outputs_portable(ek_mac_run *run, int32_t positions) {
    for (int32_t block = 0; block < run->blocks; block++) {
        int32_t acc[EK_OUTPUTS * EK_POSITIONS], at = 0;
        for (int32_t o = 0; o < EK_OUTPUTS; o++)
            for (int32_t i = 0; i < positions; i++)
                acc[o * positions + i] = run->record[4 * o];
        ek_mac_portable(run, positions, run->w, acc);
        for (int32_t i = 0; i < positions; i++, at += run->apart) {
            int32_t value[EK_OUTPUTS];
            for (int32_t o = 0; o < EK_OUTPUTS; o++) {
                const int32_t *record = run->record + 4 * o;
                value[o] = ek_clip8(ek_scale_high(acc[o * positions + i], record[1], record[2], record[3]));
            }
            const uint32_t word = ek_pack4(value[0], value[1], value[2], value[3]);
            ek_store4(run->y + at, ek_min4(ek_max4(word, run->lo), run->hi));
        }
        run->w += 4 * EK_OUTPUTS * run->segments * run->steps;
        run->record += 4 * EK_OUTPUTS;
        run->y += EK_OUTPUTS;
    }
}

#if EK_XPULP_ASM

/* clang-format off */
/*
 * Registers: t6 the run; sums of the four outputs s0-s3, s4-s7, s8-s11, a0-a3; addresses of the input a4-a7; ra the
 * weights; t0-t3 weights, t4 and t5 input. After a block's sums are complete, t0-t5 and a4-a7 are free.
 */
#define EK_MAC_BIASES                                                                                                  \
    "lw t0, %[record](t6)\n\tlw t2, %[segments](t6)\n\t"                                                               \
    "lw s0, 0(t0)\n\tlw s4, 16(t0)\n\tlw s8, 32(t0)\n\tlw a0, 48(t0)\n\t"
#define EK_MAC_SPREAD4(a, b, c, d) "mv " b ", " a "\n\tmv " c ", " a "\n\tmv " d ", " a "\n\t"
#define EK_MAC_FIRST "lw t0, %[table](t6)\n\tlw t1, %[steps](t6)\n\t"
#define EK_MAC_ADDRESS(a) EK_LW_POST(a, "t0", "4")
#define EK_MAC_KEEP "sw t0, %[cursor](t6)\n\t"
#define EK_MAC_AGAIN "lw t0, %[cursor](t6)\n\tlw t1, %[steps](t6)\n\t"
#define EK_MAC_WEIGHTS                                                                                                 \
    EK_LW_POST("t0", "ra", "4") EK_LW_POST("t1", "ra", "4") EK_LW_POST("t2", "ra", "4") EK_LW_POST("t3", "ra", "4")
#define EK_MAC_COLUMN(a, b, c, d, x)                                                                                   \
    EK_SDOTSP4(a, "t0", x) EK_SDOTSP4(b, "t1", x) EK_SDOTSP4(c, "t2", x) EK_SDOTSP4(d, "t3", x)
#define EK_MAC_RECORDS "lw t0, %[record](t6)\n\tlw a4, %[apart](t6)\n\t"
#define EK_MAC_FACTORS(at) "lw t1, 4+" at "(t0)\n\tlw t2, 8+" at "(t0)\n\tlw t3, 12+" at "(t0)\n\t"
#define EK_MAC_HIGH(a) "mulh " a ", " a ", t1\n\t"
#define EK_MAC_SCALE(a) EK_ADD_SHIFT(a, "t2", "t3")
#define EK_MAC_SCALE4(at, a, b, c, d)                                                                                  \
    EK_MAC_FACTORS(at) EK_MAC_HIGH(a) EK_MAC_HIGH(b) EK_MAC_HIGH(c) EK_MAC_HIGH(d)                                     \
    EK_MAC_SCALE(a) EK_MAC_SCALE(b) EK_MAC_SCALE(c) EK_MAC_SCALE(d) EK_CLIP8(a) EK_CLIP8(b) EK_CLIP8(c) EK_CLIP8(d)
#define EK_MAC_SCALE2(at, a, b)                                                                                        \
    EK_MAC_FACTORS(at) EK_MAC_HIGH(a) EK_MAC_HIGH(b) EK_MAC_SCALE(a) EK_MAC_SCALE(b) EK_CLIP8(a) EK_CLIP8(b)
#define EK_MAC_SCALE1(at, a) EK_MAC_FACTORS(at) EK_MAC_HIGH(a) EK_MAC_SCALE(a) EK_CLIP8(a)
#define EK_MAC_OUTPUT "lw t1, %[y](t6)\n\tlw t2, %[lo](t6)\n\t"
#define EK_MAC_PACK(a, b, c, d) EK_PACKLO4("t4", b, a) EK_PACKHI4("t4", d, c)
#define EK_MAC_NARROW EK_MAX4("t4", "t4", "t2") EK_MIN4("t4", "t4", "t3")
#define EK_MAC_STORE EK_SW_POST_R("t4", "t1", "a4")
#define EK_MAC_STORE3 "sb t4, 0(t1)\n\tsrli t4, t4, 8\n\tsb t4, 1(t1)\n\tsrli t4, t4, 8\n\tsb t4, 2(t1)\n\t"
/* The next block's record and outputs; `1:` is the beginning of a block. */
#define EK_MAC_NEXT                                                                                                    \
    "lw t1, %[y](t6)\n\tlw t2, %[blocks](t6)\n\taddi t0, t0, 64\n\tsw t0, %[record](t6)\n\taddi t1, t1, 4\n\t"         \
    "sw t1, %[y](t6)\n\taddi t2, t2, -1\n\tsw t2, %[blocks](t6)\n\tbnez t2, 1b\n\tsw ra, %[w](t6)\n\t"
#define EK_MAC_FIELD(name) [name] "i"(offsetof(ek_mac_run, name))
#define EK_MAC_OPERANDS                                                                                                \
    EK_MAC_FIELD(table), EK_MAC_FIELD(cursor), EK_MAC_FIELD(w), EK_MAC_FIELD(record), EK_MAC_FIELD(y),                 \
    EK_MAC_FIELD(apart), EK_MAC_FIELD(blocks), EK_MAC_FIELD(segments), EK_MAC_FIELD(steps), EK_MAC_FIELD(lo),          \
    EK_MAC_FIELD(hi), EK_MAC_FIELD(narrow)
#define EK_MAC_CLOBBERS                                                                                                \
    "ra", "t0", "t1", "t2", "t3", "t4", "t5", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3",  \
    "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory"

EK_INLINE void ek_mac_outputs_4x4(ek_mac_run *r) {
    register ek_mac_run *run __asm__("t6") = r;
    __asm__ volatile(
        EK_ASM_BEGIN "lw ra, %[w](t6)\n\t"
        "1:\n\t" EK_MAC_BIASES
        EK_MAC_SPREAD4("s0", "s1", "s2", "s3") EK_MAC_SPREAD4("s4", "s5", "s6", "s7")
        EK_MAC_SPREAD4("s8", "s9", "s10", "s11") EK_MAC_SPREAD4("a0", "a1", "a2", "a3")
        EK_MAC_FIRST
        EK_LOOP1("t2", "5 + 1 + 24 + 2")
        EK_MAC_ADDRESS("a4") EK_MAC_ADDRESS("a5") EK_MAC_ADDRESS("a6") EK_MAC_ADDRESS("a7") EK_MAC_KEEP
        EK_LOOP0("t1", "24")
        EK_MAC_WEIGHTS
        EK_LW_POST("t4", "a4", "4") EK_LW_POST("t5", "a5", "4") EK_MAC_COLUMN("s0", "s4", "s8", "a0", "t4")
        EK_LW_POST("t4", "a6", "4") EK_MAC_COLUMN("s1", "s5", "s9", "a1", "t5")
        EK_LW_POST("t5", "a7", "4") EK_MAC_COLUMN("s2", "s6", "s10", "a2", "t4")
        EK_MAC_COLUMN("s3", "s7", "s11", "a3", "t5")
        EK_MAC_AGAIN
        EK_MAC_RECORDS
        EK_MAC_SCALE4("0", "s0", "s1", "s2", "s3") EK_MAC_SCALE4("16", "s4", "s5", "s6", "s7")
        EK_MAC_SCALE4("32", "s8", "s9", "s10", "s11") EK_MAC_SCALE4("48", "a0", "a1", "a2", "a3")
        "lw t3, %[narrow](t6)\n\t" EK_MAC_OUTPUT "bnez t3, 3f\n\t"
        EK_MAC_PACK("s0", "s4", "s8", "a0") EK_MAC_STORE EK_MAC_PACK("s1", "s5", "s9", "a1") EK_MAC_STORE
        EK_MAC_PACK("s2", "s6", "s10", "a2") EK_MAC_STORE EK_MAC_PACK("s3", "s7", "s11", "a3") EK_MAC_STORE
        "2:\n\t" EK_MAC_NEXT "j 4f\n"
        "3:\n\tlw t3, %[hi](t6)\n\t"
        EK_MAC_PACK("s0", "s4", "s8", "a0") EK_MAC_NARROW EK_MAC_STORE
        EK_MAC_PACK("s1", "s5", "s9", "a1") EK_MAC_NARROW EK_MAC_STORE
        EK_MAC_PACK("s2", "s6", "s10", "a2") EK_MAC_NARROW EK_MAC_STORE
        EK_MAC_PACK("s3", "s7", "s11", "a3") EK_MAC_NARROW EK_MAC_STORE
        "j 2b\n4:\n\t" EK_ASM_END
        : "+r"(run)
        : EK_MAC_OPERANDS
        : EK_MAC_CLOBBERS);
}

/* One block of which three outputs count, at four positions. */
EK_INLINE void ek_mac_outputs_3x4(ek_mac_run *r) {
    register ek_mac_run *run __asm__("t6") = r;
    __asm__ volatile(
        EK_ASM_BEGIN "lw ra, %[w](t6)\n\t" EK_MAC_BIASES
        EK_MAC_SPREAD4("s0", "s1", "s2", "s3") EK_MAC_SPREAD4("s4", "s5", "s6", "s7")
        EK_MAC_SPREAD4("s8", "s9", "s10", "s11")
        EK_MAC_FIRST
        EK_LOOP1("t2", "5 + 1 + 19 + 2")
        EK_MAC_ADDRESS("a4") EK_MAC_ADDRESS("a5") EK_MAC_ADDRESS("a6") EK_MAC_ADDRESS("a7") EK_MAC_KEEP
        EK_LOOP0("t1", "19")
        EK_LW_POST("t0", "ra", "4") EK_LW_POST("t1", "ra", "4") EK_LW_POST("t2", "ra", "8")
        EK_LW_POST("t4", "a4", "4") EK_LW_POST("t5", "a5", "4")
        EK_SDOTSP4("s0", "t0", "t4") EK_SDOTSP4("s4", "t1", "t4") EK_SDOTSP4("s8", "t2", "t4")
        EK_LW_POST("t4", "a6", "4")
        EK_SDOTSP4("s1", "t0", "t5") EK_SDOTSP4("s5", "t1", "t5") EK_SDOTSP4("s9", "t2", "t5")
        EK_LW_POST("t5", "a7", "4")
        EK_SDOTSP4("s2", "t0", "t4") EK_SDOTSP4("s6", "t1", "t4") EK_SDOTSP4("s10", "t2", "t4")
        EK_SDOTSP4("s3", "t0", "t5") EK_SDOTSP4("s7", "t1", "t5") EK_SDOTSP4("s11", "t2", "t5")
        EK_MAC_AGAIN
        EK_MAC_RECORDS
        EK_MAC_SCALE4("0", "s0", "s1", "s2", "s3") EK_MAC_SCALE4("16", "s4", "s5", "s6", "s7")
        EK_MAC_SCALE4("32", "s8", "s9", "s10", "s11")
        EK_MAC_OUTPUT "lw t3, %[hi](t6)\n\t"
        EK_MAC_PACK("s0", "s4", "s8", "s8") EK_MAC_NARROW EK_MAC_STORE3 "add t1, t1, a4\n\t"
        EK_MAC_PACK("s1", "s5", "s9", "s9") EK_MAC_NARROW EK_MAC_STORE3 "add t1, t1, a4\n\t"
        EK_MAC_PACK("s2", "s6", "s10", "s10") EK_MAC_NARROW EK_MAC_STORE3 "add t1, t1, a4\n\t"
        EK_MAC_PACK("s3", "s7", "s11", "s11") EK_MAC_NARROW EK_MAC_STORE3 EK_ASM_END
        : "+r"(run)
        : EK_MAC_OPERANDS
        : EK_MAC_CLOBBERS);
}

EK_INLINE void ek_mac_outputs_4x2(ek_mac_run *r) {
    register ek_mac_run *run __asm__("t6") = r;
    __asm__ volatile(
        EK_ASM_BEGIN "lw ra, %[w](t6)\n\t"
        "1:\n\t" EK_MAC_BIASES
        "mv s1, s0\n\tmv s5, s4\n\tmv s9, s8\n\tmv a1, a0\n\t"
        EK_MAC_FIRST
        EK_LOOP1("t2", "3 + 1 + 14 + 2")
        EK_MAC_ADDRESS("a4") EK_MAC_ADDRESS("a5") EK_MAC_KEEP
        EK_LOOP0("t1", "14")
        EK_MAC_WEIGHTS
        EK_LW_POST("t4", "a4", "4") EK_LW_POST("t5", "a5", "4")
        EK_MAC_COLUMN("s0", "s4", "s8", "a0", "t4") EK_MAC_COLUMN("s1", "s5", "s9", "a1", "t5")
        EK_MAC_AGAIN
        EK_MAC_RECORDS
        EK_MAC_SCALE2("0", "s0", "s1") EK_MAC_SCALE2("16", "s4", "s5") EK_MAC_SCALE2("32", "s8", "s9")
        EK_MAC_SCALE2("48", "a0", "a1")
        EK_MAC_OUTPUT "lw t3, %[hi](t6)\n\t"
        EK_MAC_PACK("s0", "s4", "s8", "a0") EK_MAC_NARROW EK_MAC_STORE EK_MAC_PACK("s1", "s5", "s9", "a1") EK_MAC_NARROW EK_MAC_STORE
        EK_MAC_NEXT EK_ASM_END
        : "+r"(run)
        : EK_MAC_OPERANDS
        : EK_MAC_CLOBBERS);
}

EK_INLINE void ek_mac_outputs_4x1(ek_mac_run *r) {
    register ek_mac_run *run __asm__("t6") = r;
    __asm__ volatile(
        EK_ASM_BEGIN "lw ra, %[w](t6)\n\t"
        "1:\n\t" EK_MAC_BIASES EK_MAC_FIRST
        EK_LOOP1("t2", "2 + 1 + 9 + 2")
        EK_MAC_ADDRESS("a4") EK_MAC_KEEP
        EK_LOOP0("t1", "9")
        EK_LW_POST("t0", "ra", "4") EK_LW_POST("t1", "ra", "4") EK_LW_POST("t2", "ra", "4") EK_LW_POST("t4", "a4", "4")
        EK_LW_POST("t3", "ra", "4") EK_MAC_COLUMN("s0", "s4", "s8", "a0", "t4")
        EK_MAC_AGAIN
        EK_MAC_RECORDS
        EK_MAC_SCALE1("0", "s0") EK_MAC_SCALE1("16", "s4") EK_MAC_SCALE1("32", "s8") EK_MAC_SCALE1("48", "a0")
        EK_MAC_OUTPUT "lw t3, %[hi](t6)\n\t"
        EK_MAC_PACK("s0", "s4", "s8", "a0") EK_MAC_NARROW EK_MAC_STORE
        EK_MAC_NEXT EK_ASM_END
        : "+r"(run)
        : EK_MAC_OPERANDS
        : EK_MAC_CLOBBERS);
}

/* acc[output] += the sums of one block at one position. */
EK_INLINE void ek_mac_sums_4x1(ek_mac_run *run, int32_t *acc) {
    const ek_address *table = run->table;
    const int8_t *w = run->w;
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP1("%[segments]", "1 + 1 + 9 + 2")
        EK_LW_POST("a4", "%[table]", "4")
        EK_LOOP0("%[steps]", "9")
        EK_LW_POST("t0", "%[w]", "4") EK_LW_POST("t1", "%[w]", "4") EK_LW_POST("t2", "%[w]", "4")
        EK_LW_POST("t4", "a4", "4") EK_LW_POST("t3", "%[w]", "4")
        EK_MAC_COLUMN("%[a]", "%[b]", "%[c]", "%[d]", "t4")
        "nop\n\tnop\n\t" EK_ASM_END
        : [a] "+r"(acc[0]), [b] "+r"(acc[1]), [c] "+r"(acc[2]), [d] "+r"(acc[3]), [w] "+r"(w), [table] "+r"(table)
        : [segments] "r"(run->segments), [steps] "r"(run->steps)
        : "t0", "t1", "t2", "t3", "t4", "a4", "memory");
}
/* clang-format on */

#else

EK_INLINE void ek_mac_outputs_4x4(ek_mac_run *run) { ek_mac_outputs_portable(run, 4); }
EK_INLINE void ek_mac_outputs_3x4(ek_mac_run *run) {
    ek_word aside[EK_POSITIONS];
    ek_mac_run block = *run;
    block.y = (int8_t *)aside;
    block.apart = EK_OUTPUTS;
    ek_mac_outputs_portable(&block, 4);
    int8_t *y = run->y;
    for (int32_t i = 0; i < EK_POSITIONS; i++, y += run->apart)
        ek_store_some(y, aside[i], 3);
}
EK_INLINE void ek_mac_outputs_4x2(ek_mac_run *run) { ek_mac_outputs_portable(run, 2); }
EK_INLINE void ek_mac_outputs_4x1(ek_mac_run *run) { ek_mac_outputs_portable(run, 1); }
EK_INLINE void ek_mac_sums_4x1(ek_mac_run *run, int32_t *acc) { ek_mac_portable(run, 1, run->w, acc); }

#endif

/* `blocks` blocks at `positions` (1, 2 or 4) positions: high form, int8 outputs. y, record and w move on. */
EK_INLINE void ek_mac_outputs(ek_mac_run *run, int32_t positions) {
    if (EK_OFTEN(positions == 4))
        ek_mac_outputs_4x4(run);
    else if (positions == 2)
        ek_mac_outputs_4x2(run);
    else
        ek_mac_outputs_4x1(run);
}

/* Whether ek_mac_fast computes a layer's outputs. */
EK_INLINE int32_t ek_mac_is_fast(const ek_requant *r) { return !r->full && r->out_bits == 8; }

/* `blocks` blocks at `count` of `positions` positions, whose outputs are `apart` elements apart. Positions behind the
 * last one must be computable: their outputs are dropped. `outputs` are those that are left in the layer. */
EK_INLINE void ek_mac_fast(ek_mac_run *run, int32_t positions, int32_t apart, int32_t count, int32_t blocks,
                           int32_t outputs) {
    int8_t *y = run->y;
    for (int32_t next; blocks > 0; blocks -= next, outputs -= EK_OUTPUTS * next, y += EK_OUTPUTS * next) {
        const int32_t full = count == positions && outputs >= EK_OUTPUTS;
        ek_word aside[EK_POSITIONS];
        next = full ? ek_min(blocks, (int32_t)((uint32_t)outputs / EK_OUTPUTS)) : 1;
        run->blocks = next;
        run->y = y;
        run->apart = apart;
        if (outputs == 3 && count == 4) {
            ek_mac_outputs_3x4(run);
            return;
        }
        if (!full) {
            run->y = (int8_t *)aside;
            run->apart = EK_OUTPUTS;
        }
        ek_mac_outputs(run, positions);
        for (int32_t i = 0; i < count && !full; i++)
            ek_store_some(y + i * apart, aside[i], outputs);
    }
}

/* The same at one position, in the full form or with 16-bit outputs. */
EK_INLINE void ek_mac_general(ek_mac_run *run, const ek_requant *r, int32_t blocks, int32_t outputs, void *y,
                              int32_t at) {
    const int32_t size = EK_RECORD_WORDS(r);
    for (int32_t block = 0; block < blocks; block++) {
        int32_t acc[EK_OUTPUTS];
        for (int32_t o = 0; o < EK_OUTPUTS; o++)
            acc[o] = run->record[o * size];
        ek_mac_sums_4x1(run, acc);
        for (int32_t o = 0; o < ek_min(EK_OUTPUTS, outputs); o++)
            ek_store(r, y, at + o, ek_requantize(r, acc[o], run->record + o * size));
        run->w += 4 * EK_OUTPUTS * run->segments * run->steps;
        run->record += EK_OUTPUTS * size;
        at += EK_OUTPUTS;
        outputs -= EK_OUTPUTS;
    }
}

#endif

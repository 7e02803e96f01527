/*
 * The inner loops of convolutions and dense layers: four outputs at one, two or four positions.
 *
 * A sum runs over segments, each of them `steps` words of four input bytes. Where the input of a segment begins is said
 * by a table: for every segment one pointer per position. Weights are stored as they are read: per segment, per step, a
 * word for each of the four outputs. Every step costs 4 + n loads and 4 n dot products for n positions, and no load is
 * followed by its user.
 */
#ifndef EK_XPULPV2_MAC_BLOCK_H
#define EK_XPULPV2_MAC_BLOCK_H

#include "xpulp.h"

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
    const ek_address *table;
    const void *near; /* what the table's addresses are relative to, where they are relative */
    const int8_t *w;
    const int32_t *record; /* of the first output; sums start with the biases */
    int32_t record_bytes;
    int32_t segments, steps; /* both > 0 */
} ek_mac_block;

/* acc[output * positions + position] */
EK_INLINE void ek_mac_portable(const ek_mac_block *b, int32_t positions, int32_t *acc) {
    const ek_address *table = b->table;
    const int8_t *w = b->w;
    for (int32_t o = 0; o < EK_OUTPUTS; o++)
        for (int32_t i = 0; i < positions; i++)
            acc[o * positions + i] = b->record[o * (b->record_bytes / 4)];
    for (int32_t segment = 0; segment < b->segments; segment++) {
        for (int32_t step = 0; step < b->steps; step++) {
            for (int32_t o = 0; o < EK_OUTPUTS; o++)
                for (int32_t i = 0; i < positions; i++) {
                    int32_t *sum = acc + o * positions + i;
                    *sum = ek_sdotsp4(*sum, ek_load4(w + 4 * o), ek_load4(ek_address_to(table[i], b->near) + 4 * step));
                }
            w += 4 * EK_OUTPUTS;
        }
        table += positions;
    }
}

#if EK_XPULP_ASM

/* Biases, counts and the table; then the outer loop over segments, whose body ends with the reload of both. */
#define EK_MAC_BEGIN                                                                                                   \
    EK_ASM_BEGIN "lw t0, %[record]\n\tlw t1, %[record_bytes]\n\tlw %[w], %[weights]\n\tlw t2, %[segments]\n\t"
#define EK_MAC_BIASES(a, b, c, d)                                                                                      \
    EK_LW_POST_R(a, "t0", "t1") EK_LW_POST_R(b, "t0", "t1") EK_LW_POST_R(c, "t0", "t1") EK_LW_POST_R(d, "t0", "t1")
#define EK_MAC_LOAD_STATE "lw t0, %[table]\n\tlw t1, %[steps]\n\t"
#define EK_MAC_END EK_MAC_LOAD_STATE EK_ASM_END
#define EK_MAC_WEIGHTS EK_LW_POST("t0", "%[w]", "4") EK_LW_POST("t1", "%[w]", "4") EK_LW_POST("t2", "%[w]", "4")
#define EK_MAC_COLUMN(a, b, c, d, x)                                                                                   \
    EK_SDOTSP4(a, "t0", x) EK_SDOTSP4(b, "t1", x) EK_SDOTSP4(c, "t2", x) EK_SDOTSP4(d, "t3", x)
#define EK_MAC_INPUTS(block)                                                                                           \
    [weights] "m"(block->w), [record] "m"(block->record), [record_bytes] "m"(block->record_bytes),                     \
        [segments] "m"(block->segments), [steps] "m"(block->steps)

/* Sixteen sums, four input pointers, the weights' pointer and six words in flight: all of 27 registers. */
EK_INLINE void ek_mac_4x4(ek_mac_block *block, int32_t *acc) {
    const int8_t *w;
    __asm__ volatile(
        EK_MAC_BEGIN EK_MAC_BIASES(
            "%[a0]", "%[b0]", "%[c0]",
            "%[d0]") "mv %[a1], %[a0]\n\tmv %[a2], %[a0]\n\tmv %[a3], %[a0]\n\t"
                     "mv %[b1], %[b0]\n\tmv %[b2], %[b0]\n\tmv %[b3], %[b0]\n\t"
                     "mv %[c1], %[c0]\n\tmv %[c2], %[c0]\n\tmv %[c3], %[c0]\n\t"
                     "mv %[d1], %[d0]\n\tmv %[d2], %[d0]\n\tmv %[d3], %[d0]\n\t" EK_MAC_LOAD_STATE EK_LOOP1(
                         "t2", "5 + 1 + 24 + 2") EK_LW_POST("a4", "t0", "4") EK_LW_POST("a5", "t0", "4")
                         EK_LW_POST("a6", "t0", "4") EK_LW_POST("a7", "t0", "4") "sw t0, %[table]\n\t" EK_LOOP0(
                             "t1", "24") EK_MAC_WEIGHTS EK_LW_POST("t3", "%[w]", "4") EK_LW_POST("t4", "a4", "4")
                             EK_LW_POST("t5", "a5", "4") EK_MAC_COLUMN("%[a0]", "%[b0]", "%[c0]", "%[d0]", "t4")
                                 EK_LW_POST("t4", "a6", "4") EK_MAC_COLUMN("%[a1]", "%[b1]", "%[c1]", "%[d1]", "t5")
                                     EK_LW_POST("t5", "a7", "4") EK_MAC_COLUMN("%[a2]", "%[b2]", "%[c2]", "%[d2]", "t4")
                                         EK_MAC_COLUMN("%[a3]", "%[b3]", "%[c3]", "%[d3]", "t5") EK_MAC_END
        : [a0] "=&r"(acc[0]), [a1] "=&r"(acc[1]), [a2] "=&r"(acc[2]), [a3] "=&r"(acc[3]), [b0] "=&r"(acc[4]),
          [b1] "=&r"(acc[5]), [b2] "=&r"(acc[6]), [b3] "=&r"(acc[7]), [c0] "=&r"(acc[8]), [c1] "=&r"(acc[9]),
          [c2] "=&r"(acc[10]), [c3] "=&r"(acc[11]), [d0] "=&r"(acc[12]), [d1] "=&r"(acc[13]), [d2] "=&r"(acc[14]),
          [d3] "=&r"(acc[15]), [w] "=&r"(w), [table] "+m"(block->table)
        : EK_MAC_INPUTS(block)
        : "t0", "t1", "t2", "t3", "t4", "t5", "a4", "a5", "a6", "a7", "memory");
}

EK_INLINE void ek_mac_4x2(ek_mac_block *block, int32_t *acc) {
    const int8_t *w;
    __asm__ volatile(
        EK_MAC_BEGIN EK_MAC_BIASES(
            "%[a0]", "%[b0]", "%[c0]",
            "%[d0]") "mv %[a1], %[a0]\n\tmv %[b1], %[b0]\n\tmv %[c1], %[c0]\n\tmv %[d1], %[d0]\n\t" EK_MAC_LOAD_STATE
            EK_LOOP1("t2", "3 + 1 + 14 + 2") EK_LW_POST("a4", "t0", "4")
                EK_LW_POST("a5", "t0", "4") "sw t0, %[table]\n\t" EK_LOOP0("t1", "14")
                    EK_MAC_WEIGHTS EK_LW_POST("t3", "%[w]", "4") EK_LW_POST("t4", "a4", "4") EK_LW_POST("t5", "a5", "4")
                        EK_MAC_COLUMN("%[a0]", "%[b0]", "%[c0]", "%[d0]", "t4")
                            EK_MAC_COLUMN("%[a1]", "%[b1]", "%[c1]", "%[d1]", "t5") EK_MAC_END
        : [a0] "=&r"(acc[0]), [a1] "=&r"(acc[1]), [b0] "=&r"(acc[2]), [b1] "=&r"(acc[3]), [c0] "=&r"(acc[4]),
          [c1] "=&r"(acc[5]), [d0] "=&r"(acc[6]), [d1] "=&r"(acc[7]), [w] "=&r"(w), [table] "+m"(block->table)
        : EK_MAC_INPUTS(block)
        : "t0", "t1", "t2", "t3", "t4", "t5", "a4", "a5", "memory");
}

EK_INLINE void ek_mac_4x1(ek_mac_block *block, int32_t *acc) {
    const int8_t *w;
    __asm__ volatile(EK_MAC_BEGIN EK_MAC_BIASES("%[a0]", "%[b0]", "%[c0]", "%[d0]")
                         EK_MAC_LOAD_STATE EK_LOOP1("t2", "2 + 1 + 9 + 2")
                             EK_LW_POST("a4", "t0", "4") "sw t0, %[table]\n\t" EK_LOOP0("t1", "9")
                                 EK_MAC_WEIGHTS EK_LW_POST("t4", "a4", "4") EK_LW_POST("t3", "%[w]", "4")
                                     EK_MAC_COLUMN("%[a0]", "%[b0]", "%[c0]", "%[d0]", "t4") EK_MAC_END
                     : [a0] "=&r"(acc[0]), [b0] "=&r"(acc[1]), [c0] "=&r"(acc[2]), [d0] "=&r"(acc[3]), [w] "=&r"(w),
                       [table] "+m"(block->table)
                     : EK_MAC_INPUTS(block)
                     : "t0", "t1", "t2", "t3", "t4", "a4", "memory");
}

#else

EK_INLINE void ek_mac_4x4(ek_mac_block *block, int32_t *acc) { ek_mac_portable(block, 4, acc); }
EK_INLINE void ek_mac_4x2(ek_mac_block *block, int32_t *acc) { ek_mac_portable(block, 2, acc); }
EK_INLINE void ek_mac_4x1(ek_mac_block *block, int32_t *acc) { ek_mac_portable(block, 1, acc); }

#endif

#endif

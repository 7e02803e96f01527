/*
 * Hamming distances with carry-save adders, Armv7E-M: same values as ../hamming.h.
 *
 * A full adder takes three words of equal weight to two, 32 bits at once in five instructions. Eight words of
 * differences go into running words of ones, twos and fours and leave a word of eights, whose bits are counted (Harley
 * and Seal; Warren, Hacker's Delight, 5-1).
 */
#ifndef EK_ARMV7EM_HAMMING_H
#define EK_ARMV7EM_HAMMING_H

#include "../hamming.h"
#include "dsp.h"

enum { EK_BLOCK_WORDS = 8, EK_RUN_BLOCKS = 4095 }; /* blocks whose eights fit 16 bits: at most 16 in each half */

/* What has been counted: running words by weight, and sums of eights in halves. */
typedef struct {
    uint32_t ones, twos, fours, eights;
} ek_counts;

/* The number of ones in each byte. */
EK_INLINE uint32_t ek_popcount_bytes(uint32_t word) {
    word -= (word & 0xaaaaaaaau) >> 1;
    word = (word & 0x33333333u) + ((word & 0xccccccccu) >> 2);
    return (word + (word >> 4)) & 0x0f0f0f0fu;
}

/* acc + the sum of four bytes. */
EK_INLINE uint32_t ek_add_bytes(uint32_t acc, uint32_t bytes) {
#if EK_DSP
    return __usada8(bytes, 0, acc);
#else
    return acc + (bytes & 0xffu) + ((bytes >> 8) & 0xffu) + ((bytes >> 16) & 0xffu) + (bytes >> 24);
#endif
}

/* Counts 8 * blocks > 0 words of differences. */
EK_INLINE void ek_count_blocks(ek_counts *n, const uint32_t *x, const uint32_t *row, int32_t blocks) {
#if EK_DSP_ASM
    /* Of neighbouring loads every one but the first takes one cycle. A pointer moves with a load; x lags behind. */
    uint32_t a, b, c, d, e, f;
    /* clang-format off */
#define EK_ADD3(sum, a, b, u)                                                                                          \
    "eor " u ", " sum ", " a "\n\tand " a ", " sum ", " a "\n\teor " sum ", " u ", " b "\n\t"                          \
    "and " u ", " u ", " b "\n\torr " a ", " a ", " u "\n\t"
#define EK_DIFFER(a, p, b, q) "eor " a ", " a ", " p "\n\teor " b ", " b ", " q "\n\t" EK_ADD3("%[ones]", a, b, p)
#define EK_EIGHT                                                                                                       \
    "ldr %[b], [%[row]], #32\n\tldr %[a], [%[x], #24]\n\tldr %[d], [%[row], #-28]\n\tldr %[c], [%[x], #28]\n\t"        \
    EK_DIFFER("%[a]", "%[b]", "%[c]", "%[d]")                                                                          \
    "ldr %[b], [%[x], #32]!\n\tldr %[c], [%[row], #-24]\n\tldr %[d], [%[x], #4]\n\tldr %[e], [%[row], #-20]\n\t"       \
    EK_DIFFER("%[b]", "%[c]", "%[d]", "%[e]")                                                                          \
    EK_ADD3("%[twos]", "%[a]", "%[b]", "%[c]")                                                                         \
    "ldr %[b], [%[x], #8]\n\tldr %[c], [%[row], #-16]\n\tldr %[d], [%[x], #12]\n\tldr %[e], [%[row], #-12]\n\t"        \
    EK_DIFFER("%[b]", "%[c]", "%[d]", "%[e]")                                                                          \
    "ldr %[c], [%[x], #16]\n\tldr %[d], [%[row], #-8]\n\tldr %[e], [%[x], #20]\n\tldr %[f], [%[row], #-4]\n\t"         \
    EK_DIFFER("%[c]", "%[d]", "%[e]", "%[f]")                                                                          \
    EK_ADD3("%[twos]", "%[b]", "%[c]", "%[d]") EK_ADD3("%[fours]", "%[a]", "%[b]", "%[c]")                             \
    "and %[b], %[a], #0xaaaaaaaa\n\tsub %[a], %[a], %[b], lsr #1\n\t"                                                  \
    "and %[b], %[a], #0x33333333\n\teor %[a], %[a], %[b]\n\tadd %[a], %[b], %[a], lsr #2\n\t"                          \
    "add %[a], %[a], %[a], lsr #4\n\tand %[a], %[a], #0x0f0f0f0f\n\t"                                                  \
    "uxtab16 %[eights], %[eights], %[a]\n\tuxtab16 %[eights], %[eights], %[a], ror #8\n\t"
    __asm__ volatile(
        "sub %[x], %[x], #24\n\ttst %[count], #1\n\tadd %[count], %[x], %[count], lsl #5\n\tbne 2f\n\t"
        ".p2align 2\n1:\n\t" EK_EIGHT "2:\n\t" EK_EIGHT "cmp %[x], %[count]\n\tbne 1b\n\t"
        : [x] "+r"(x), [row] "+r"(row), [count] "+r"(blocks), [ones] "+r"(n->ones), [twos] "+r"(n->twos),
          [fours] "+r"(n->fours), [eights] "+r"(n->eights), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d),
          [e] "=&r"(e), [f] "=&r"(f)
        :
        : "cc", "memory");
    /* clang-format on */
#else
    for (; blocks > 0; blocks--, x += EK_BLOCK_WORDS, row += EK_BLOCK_WORDS) {
        uint32_t carry[2];
        for (int32_t i = 0; i < 2; i++) {
            const uint32_t *a = x + 4 * i, *b = row + 4 * i;
            const uint32_t first = ek_full_add(&n->ones, a[0] ^ b[0], a[1] ^ b[1]);
            carry[i] = ek_full_add(&n->twos, first, ek_full_add(&n->ones, a[2] ^ b[2], a[3] ^ b[3]));
        }
        const uint32_t bytes = ek_popcount_bytes(ek_full_add(&n->fours, carry[0], carry[1]));
        n->eights += (bytes & 0x00ff00ffu) + ((bytes >> 8) & 0x00ff00ffu);
    }
#endif
}

EK_INLINE int32_t ek_distance_dsp(const uint32_t *x, const uint32_t *row, int32_t words) {
    ek_counts n = {0, 0, 0, 0};
    uint32_t eights = 0;
    for (int32_t i = words / EK_BLOCK_WORDS * EK_BLOCK_WORDS; i < words; i++) { /* at most seven: no carry of fours */
        const uint32_t one = x[i] ^ row[i], two = one & n.ones;
        n.ones ^= one;
        n.fours ^= two & n.twos;
        n.twos ^= two;
    }
    for (int32_t left = words / EK_BLOCK_WORDS; left > 0; left -= EK_RUN_BLOCKS) {
        const int32_t blocks = ek_min(left, EK_RUN_BLOCKS);
        n.eights = 0;
        ek_count_blocks(&n, x, row, blocks);
        eights += (n.eights & 0xffffu) + (n.eights >> 16);
        x += EK_BLOCK_WORDS * blocks;
        row += EK_BLOCK_WORDS * blocks;
    }
    const uint32_t rest = ek_popcount_bytes(n.ones) + 2 * ek_popcount_bytes(n.twos) + 4 * ek_popcount_bytes(n.fours);
    return (int32_t)ek_add_bytes(8 * eights, rest); /* at most 7 * 8 in a byte */
}

EK_INLINE void ek_hamming_dsp(const ek_hamming_geometry *g, const uint32_t *x, int32_t *y, const uint32_t *memory) {
    ek_hamming_classes(g, x, memory, 0, y, ek_distance_dsp);
}

EK_INLINE void ek_hamming_dsp_seen(const ek_hamming_geometry *g, const uint32_t *x, const int32_t *seen, int32_t *y,
                                   const uint32_t *memory) {
    ek_hamming_classes(g, x, memory, seen, y, ek_distance_dsp);
}

EK_INLINE void ek_hamming_dsp_tensor(const ek_hamming_geometry *g, const uint32_t *x, const uint32_t *memory,
                                     int32_t *y) {
    ek_hamming_classes(g, x, memory, 0, y, ek_distance_dsp);
}

EK_INLINE void ek_hamming_dsp_tensor_seen(const ek_hamming_geometry *g, const uint32_t *x, const uint32_t *memory,
                                          const int32_t *seen, int32_t *y) {
    ek_hamming_classes(g, x, memory, seen, y, ek_distance_dsp);
}

#endif

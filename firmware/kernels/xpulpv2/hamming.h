/*
 * Hamming distances with p.cnt, XpulpV2: same values as ../hamming.h.
 *
 * Few classes have long rows: every core counts its share of the words of all rows, four rows at a time. The sums lie
 * in scratch memory, [row][core]; behind a barrier the classes are shared.
 */
#ifndef EK_XPULPV2_HAMMING_H
#define EK_XPULPV2_HAMMING_H

#include "../hamming.h"
#include "team.h"
#include "xpulp.h"

/* Differences of `words` > 0 words to four rows. */
EK_INLINE void ek_differences4(const uint32_t *x, const uint32_t *const rows[4], int32_t words, int32_t sums[4]) {
#if EK_XPULP_ASM
    const uint32_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    int32_t sa = 0, sb = 0, sc = 0, sd = 0;
    /* clang-format off */
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP0("%[words]", "17")
        EK_LW_POST("t0", "%[x]", "4") EK_LW_POST("t1", "%[a]", "4") EK_LW_POST("t2", "%[b]", "4")
        EK_LW_POST("t3", "%[c]", "4") EK_LW_POST("t4", "%[d]", "4")
        "xor t1, t1, t0\n\txor t2, t2, t0\n\txor t3, t3, t0\n\txor t4, t4, t0\n\t"
        EK_CNT("t1", "t1") EK_CNT("t2", "t2") EK_CNT("t3", "t3") EK_CNT("t4", "t4")
        "add %[sa], %[sa], t1\n\tadd %[sb], %[sb], t2\n\tadd %[sc], %[sc], t3\n\tadd %[sd], %[sd], t4\n\t" EK_ASM_END
        : [x] "+r"(x), [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d),
          [sa] "+r"(sa), [sb] "+r"(sb), [sc] "+r"(sc), [sd] "+r"(sd)
        : [words] "r"(words)
        : "t0", "t1", "t2", "t3", "t4", "memory");
    /* clang-format on */
    sums[0] = sa, sums[1] = sb, sums[2] = sc, sums[3] = sd;
#else
    for (int32_t row = 0; row < 4; row++) {
        sums[row] = 0;
        for (int32_t i = 0; i < words; i++)
            sums[row] += ek_cnt(x[i] ^ rows[row][i]);
    }
#endif
}

/* The same for one row. */
EK_INLINE int32_t ek_differences(const uint32_t *x, const uint32_t *row, int32_t words) {
    int32_t sum = 0;
#if EK_XPULP_ASM
    __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[words]", "5") EK_LW_POST("t0", "%[x]", "4")
                         EK_LW_POST("t1", "%[row]",
                                    "4") "xor t0, t0, t1\n\t" EK_CNT("t0", "t0") "add %[sum], %[sum], t0\n\t" EK_ASM_END
                     : [x] "+r"(x), [row] "+r"(row), [sum] "+r"(sum)
                     : [words] "r"(words)
                     : "t0", "t1", "memory");
#else
    for (int32_t i = 0; i < words; i++)
        sum += ek_cnt(x[i] ^ row[i]);
#endif
    return sum;
}

/* y is not written: the sums stay in scratch memory. */
EK_INLINE void ek_hamming_words_xpulp(const ek_hamming_geometry *g, ek_team team, const uint32_t *x, int32_t *y,
                                      const uint32_t *memory, void *scratch) {
    const int32_t first = ek_share(g->words, team.core, team.cores), rows = g->classes * g->centroids;
    const int32_t words = ek_share(g->words, team.core + 1, team.cores) - first;
    int32_t *sums = (int32_t *)scratch + team.core, row = 0;
    (void)y;
    if (words == 0) {
        for (; row < rows; row++)
            sums[row * team.cores] = 0;
        return;
    }
    x += first;
    memory += first;
    for (; row + 4 <= rows; row += 4) {
        const uint32_t *from = memory + row * g->words;
        const uint32_t *const four[4] = {from, from + g->words, from + 2 * g->words, from + 3 * g->words};
        int32_t found[4];
        ek_differences4(x, four, words, found);
        for (int32_t i = 0; i < 4; i++)
            sums[(row + i) * team.cores] = found[i];
    }
    for (; row < rows; row++)
        sums[row * team.cores] = ek_differences(x, memory + row * g->words, words);
}

/* The memory is a tensor. */
EK_INLINE void ek_hamming_words_tensor_xpulp(const ek_hamming_geometry *g, ek_team team, const uint32_t *x,
                                             const uint32_t *memory, int32_t *y, void *scratch) {
    ek_hamming_words_xpulp(g, team, x, y, memory, scratch);
}

/* Sum of `count` > 0 values; the pointer moves behind them. */
EK_INLINE int32_t ek_sum(const int32_t **values, int32_t count) {
    const int32_t *from = *values;
    int32_t sum = 0;
#if EK_XPULP_ASM
    __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[count]", "3")
                         EK_LW_POST("t0", "%[from]", "4") "nop\n\tadd %[sum], %[sum], t0\n\t" EK_ASM_END
                     : [from] "+r"(from), [sum] "+r"(sum)
                     : [count] "r"(count)
                     : "t0", "memory");
#else
    for (int32_t i = 0; i < count; i++)
        sum += *from++;
#endif
    *values = from;
    return sum;
}

/* `seen` is null where every class counts. */
EK_INLINE void ek_hamming_join(const ek_hamming_geometry *g, ek_team team, const int32_t *seen, int32_t *y,
                               const int32_t *scratch) {
    const int32_t first = ek_share(g->classes, team.core, team.cores);
    const int32_t end = ek_share(g->classes, team.core + 1, team.cores);
    const int32_t *sums = scratch + first * g->centroids * team.cores;
    for (int32_t c = first; c < end; c++) {
        int32_t least = g->beyond;
        for (int32_t k = 0; k < g->centroids; k++)
            least = ek_min(least, ek_sum(&sums, team.cores));
        y[c] = seen && seen[c] <= 0 ? g->beyond : least;
    }
}

/* x is not read. */
EK_INLINE void ek_hamming_join_xpulp(const ek_hamming_geometry *g, ek_team team, const uint32_t *x, int32_t *y,
                                     const void *scratch) {
    (void)x;
    ek_hamming_join(g, team, 0, y, scratch);
}

EK_INLINE void ek_hamming_join_seen_xpulp(const ek_hamming_geometry *g, ek_team team, const int32_t *seen, int32_t *y,
                                          const void *scratch) {
    ek_hamming_join(g, team, seen, y, scratch);
}

#endif

/*
 * Pooling, four channels at a time, XpulpV2: same values as ../pool.h.
 *
 * Maxima with pv.max.b; sums with a dot product per channel, whose other operand picks a lane. The team shares
 * positions and, where there are few of them, groups of four channels.
 */
#ifndef EK_XPULPV2_POOL_H
#define EK_XPULPV2_POOL_H

#include "../pool.h"
#include "requant.h"
#include "team.h"

typedef struct {
    int32_t s[4];
} ek_pool_four;

/* acc + `count` > 0 words, `step` bytes apart, lane by lane. */
EK_INLINE void ek_pool_add_row(const int8_t *x, int32_t count, int32_t step, ek_pool_four *acc) {
#if EK_XPULP_ASM
    uint32_t word;
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP0("%[count]", "6")
            EK_LW_POST_R("%[word]", "%[x]", "%[step]") "nop\n\t" EK_SDOTSP4("%[a]", "%[word]", "%[l0]")
                EK_SDOTSP4("%[b]", "%[word]", "%[l1]") EK_SDOTSP4("%[c]", "%[word]", "%[l2]")
                    EK_SDOTSP4("%[d]", "%[word]", "%[l3]") EK_ASM_END
        : [a] "+r"(acc->s[0]), [b] "+r"(acc->s[1]), [c] "+r"(acc->s[2]), [d] "+r"(acc->s[3]), [x] "+r"(x),
          [word] "=&r"(word)
        : [count] "r"(count), [step] "r"(step), [l0] "r"(1), [l1] "r"(1 << 8), [l2] "r"(1 << 16), [l3] "r"(1 << 24)
        : "memory");
#else
    for (int32_t i = 0; i < count; i++)
        for (int32_t lane = 0; lane < 4; lane++)
            acc->s[lane] = ek_sdotsp4(acc->s[lane], ek_load4(x + i * step), 1u << (8 * lane));
#endif
}

/* The largest of `best` and `count` > 0 words, lane by lane. */
EK_INLINE uint32_t ek_pool_max_row(const int8_t *x, int32_t count, int32_t step, uint32_t best) {
#if EK_XPULP_ASM
    uint32_t word;
    __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[count]", "3")
                         EK_LW_POST_R("%[word]", "%[x]", "%[step]") "nop\n\t" EK_MAX4("%[best]", "%[best]", "%[word]")
                             EK_ASM_END
                     : [best] "+r"(best), [x] "+r"(x), [word] "=&r"(word)
                     : [count] "r"(count), [step] "r"(step)
                     : "memory");
#else
    for (int32_t i = 0; i < count; i++)
        best = ek_max4(best, ek_load4(x + i * step));
#endif
    return best;
}

/* Stores `count` of four bytes. */
EK_INLINE void ek_pool_store(int8_t *y, uint32_t word, int32_t count) {
    if (count == 4)
        ek_store4(y, word);
    else
        for (int32_t c = 0; c < count; c++)
            y[c] = (int8_t)ek_byte(word, c);
}

EK_INLINE void ek_average_pool_xpulp(const ek_pool_geometry *g, ek_team team, const int8_t *x, void *y,
                                     const int32_t *record) {
    const ek_window *s = &g->window;
    const ek_requant *r = &g->requant;
    const int32_t fours = (s->out_c + 3) / 4, units = s->out_h * s->out_w * fours;
    const int32_t end = ek_share(units, team.core + 1, team.cores);
    for (int32_t unit = ek_share(units, team.core, team.cores); unit < end; unit++) {
        const int32_t position = unit / fours, c = 4 * (unit % fours);
        const ek_span in = ek_pool_span(s, position / s->out_w, position % s->out_w);
        const int32_t offset = ek_max(0, in.bottom - in.top) * ek_max(0, in.right - in.left) * g->in_zero;
        ek_pool_four sums = {{-offset, -offset, -offset, -offset}};
        for (int32_t i = in.top; i < in.bottom && in.left < in.right; i++)
            ek_pool_add_row(x + (i * s->in_w + in.left) * s->in_c + c, in.right - in.left, s->in_c, &sums);
        for (int32_t o = 0; o < ek_min(4, s->out_c - c); o++)
            ek_store(r, y, position * s->out_c + c + o, ek_requantize_xpulp(r, sums.s[o], record));
    }
}

EK_INLINE void ek_max_pool_xpulp(const ek_pool_geometry *g, ek_team team, const int8_t *x, int8_t *y) {
    const ek_window *s = &g->window;
    const int32_t fours = (s->out_c + 3) / 4, units = s->out_h * s->out_w * fours;
    const int32_t end = ek_share(units, team.core + 1, team.cores);
    for (int32_t unit = ek_share(units, team.core, team.cores); unit < end; unit++) {
        const int32_t position = unit / fours, c = 4 * (unit % fours);
        const ek_span in = ek_pool_span(s, position / s->out_w, position % s->out_w);
        uint32_t best = 0x80808080u;
        for (int32_t i = in.top; i < in.bottom && in.left < in.right; i++)
            best = ek_pool_max_row(x + (i * s->in_w + in.left) * s->in_c + c, in.right - in.left, s->in_c, best);
        ek_pool_store(y + position * s->out_c + c, best, ek_min(4, s->out_c - c));
    }
}

#endif

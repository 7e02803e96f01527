/*
 * Pooling, four channels at a time, XpulpV2: same values as ../pool.h.
 *
 * Maxima with pv.max.b; sums with a dot product per channel, whose other operand picks a lane. The team shares
 * (position, four channels).
 */
#ifndef EK_XPULPV2_POOL_H
#define EK_XPULPV2_POOL_H

#include "../pool.h"
#include "requant.h"
#include "team.h"

typedef struct {
    int32_t s[4];
} ek_pool_four;

/* The part of a window inside the input: `rows` times `columns` words, all > 0 or nothing. */
typedef struct {
    const int8_t *x;
    int32_t rows, columns;
    int32_t step, skip; /* bytes from column to column; from behind a row to the next one */
} ek_pool_part;

EK_INLINE ek_pool_part ek_pool_look(const ek_window *s, const int8_t *x, int32_t oh, int32_t ow) {
    const ek_span in = ek_pool_span(s, oh, ow);
    const int32_t rows = ek_max(0, in.bottom - in.top), columns = rows > 0 ? ek_max(0, in.right - in.left) : 0;
    const ek_pool_part part = {x + (in.top * s->in_w + in.left) * s->in_c, columns > 0 ? rows : 0, columns, s->in_c,
                               (s->in_w - columns) * s->in_c};
    return part;
}

/* acc + all words, lane by lane, from channel c. */
EK_INLINE void ek_pool_add(const ek_pool_part *p, int32_t c, ek_pool_four *acc) {
    const int8_t *x = p->x + c;
    if (p->rows == 0)
        return;
#if EK_XPULP_ASM
    /* clang-format off */
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP1("%[rows]", "1 + 6 + 2") EK_LOOP0("%[columns]", "6")
        EK_LW_POST_R("t0", "%[x]", "%[step]") "nop\n\t"
        EK_SDOTSP4("%[a]", "t0", "%[l0]") EK_SDOTSP4("%[b]", "t0", "%[l1]")
        EK_SDOTSP4("%[c]", "t0", "%[l2]") EK_SDOTSP4("%[d]", "t0", "%[l3]")
        "add %[x], %[x], %[skip]\n\tnop\n\t" EK_ASM_END
        : [a] "+r"(acc->s[0]), [b] "+r"(acc->s[1]), [c] "+r"(acc->s[2]), [d] "+r"(acc->s[3]), [x] "+r"(x)
        : [rows] "r"(p->rows), [columns] "r"(p->columns), [step] "r"(p->step), [skip] "r"(p->skip),
          [l0] "r"(1), [l1] "r"(1 << 8), [l2] "r"(1 << 16), [l3] "r"(1 << 24)
        : "t0", "memory");
    /* clang-format on */
#else
    for (int32_t i = 0; i < p->rows; i++, x += p->skip)
        for (int32_t j = 0; j < p->columns; j++, x += p->step)
            for (int32_t lane = 0; lane < 4; lane++)
                acc->s[lane] = ek_sdotsp4(acc->s[lane], ek_load4(x), 1u << (8 * lane));
#endif
}

/* The largest of all words, lane by lane, from channel c. */
EK_INLINE uint32_t ek_pool_most(const ek_pool_part *p, int32_t c) {
    const int8_t *x = p->x + c;
    uint32_t best = 0x80808080u;
    if (p->rows == 0)
        return best;
#if EK_XPULP_ASM
    /* clang-format off */
    __asm__ volatile(
        EK_ASM_BEGIN EK_LOOP1("%[rows]", "1 + 3 + 2") EK_LOOP0("%[columns]", "3")
        EK_LW_POST_R("t0", "%[x]", "%[step]") "nop\n\t" EK_MAX4("%[best]", "%[best]", "t0")
        "add %[x], %[x], %[skip]\n\tnop\n\t" EK_ASM_END
        : [best] "+r"(best), [x] "+r"(x)
        : [rows] "r"(p->rows), [columns] "r"(p->columns), [step] "r"(p->step), [skip] "r"(p->skip)
        : "t0", "memory");
    /* clang-format on */
#else
    for (int32_t i = 0; i < p->rows; i++, x += p->skip)
        for (int32_t j = 0; j < p->columns; j++, x += p->step)
            best = ek_max4(best, ek_load4(x));
#endif
    return best;
}

/* Four outputs of an average, from their sums. */
EK_INLINE void ek_pool_mean(const ek_requant *r, const ek_pool_four *sums, const int32_t *record, void *y, int32_t at,
                            int32_t count) {
    if (r->full || r->out_bits != 8) {
        for (int32_t i = 0; i < count; i++)
            ek_store(r, y, at + i, ek_requantize(r, sums->s[i], record));
        return;
    }
    const int32_t m = record[1], round = record[2], shift = record[3];
    const int32_t a = ek_clip_between(ek_scale_high(sums->s[0], m, round, shift), r->lo, r->hi);
    const int32_t b = ek_clip_between(ek_scale_high(sums->s[1], m, round, shift), r->lo, r->hi);
    const int32_t c = ek_clip_between(ek_scale_high(sums->s[2], m, round, shift), r->lo, r->hi);
    const int32_t d = ek_clip_between(ek_scale_high(sums->s[3], m, round, shift), r->lo, r->hi);
    ek_store_some((int8_t *)y + at, ek_pack4(a, b, c, d), count);
}

EK_INLINE void ek_average_pool_xpulp(const ek_pool_geometry *g, ek_team team, const int8_t *x, void *y,
                                     const int32_t *record) {
    const ek_window *s = &g->window;
    const int32_t fours = (s->out_c + 3) / 4, units = s->out_h * s->out_w * fours;
    const int32_t end = ek_share(units, team.core + 1, team.cores);
    int32_t unit = ek_share(units, team.core, team.cores), c = unit % fours * 4;
    for (int32_t position = unit / fours; unit < end; position++, c = 0) {
        const ek_pool_part part = ek_pool_look(s, x, position / s->out_w, position % s->out_w);
        const int32_t offset = part.rows * part.columns * g->in_zero;
        for (; c < s->out_c && unit < end; c += 4, unit++) {
            ek_pool_four sums = {{-offset, -offset, -offset, -offset}};
            ek_pool_add(&part, c, &sums);
            ek_pool_mean(&g->requant, &sums, record, y, position * s->out_c + c, ek_min(4, s->out_c - c));
        }
    }
}

EK_INLINE void ek_max_pool_xpulp(const ek_pool_geometry *g, ek_team team, const int8_t *x, int8_t *y) {
    const ek_window *s = &g->window;
    const int32_t fours = (s->out_c + 3) / 4, units = s->out_h * s->out_w * fours;
    const int32_t end = ek_share(units, team.core + 1, team.cores);
    int32_t unit = ek_share(units, team.core, team.cores), c = unit % fours * 4;
    for (int32_t position = unit / fours; unit < end; position++, c = 0) {
        const ek_pool_part part = ek_pool_look(s, x, position / s->out_w, position % s->out_w);
        for (; c < s->out_c && unit < end; c += 4, unit++)
            ek_store_some(y + position * s->out_c + c, ek_pool_most(&part, c), ek_min(4, s->out_c - c));
    }
}

#endif

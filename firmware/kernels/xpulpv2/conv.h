/*
 * Convolution with four-way dot products, XpulpV2: same values as ../conv.h.
 *
 * A block is four outputs at up to four neighbouring positions (rows of positions are joined). Activations are read
 * where they lie. z_x is folded into the biases, so that a tap outside the input reads z_x: from a constant row
 * (`zero`), or from a copy of the kernel row that the core makes in its own scratch memory.
 *
 *   EK_SEGMENT_TAP      a segment is one tap: the input channels of a position, filled up to whole words
 *   EK_SEGMENT_JOINED   channels are whole words, so that the taps of a row are joined where all of them lie inside
 *   EK_SEGMENT_ROW      a segment is a kernel row, filled up; where it leaves the input it is copied
 *   EK_SEGMENT_COPY     a segment is a copy of a kernel row whose taps are apart (stride 1) and no whole words: there
 *                       they are neighbours and aligned. A block's positions are apart as well and share the copy.
 *
 * Weights: per group, per four outputs (the last ones filled up), segment, word, output. Records are filled up as well.
 * The team shares blocks: all outputs of a block of positions, then the next positions.
 */
#ifndef EK_XPULPV2_CONV_H
#define EK_XPULPV2_CONV_H

#include "../window.h"
#include "mac_block.h"
#include "team.h"

enum { EK_SEGMENT_TAP = 0, EK_SEGMENT_JOINED = 1, EK_SEGMENT_ROW = 2, EK_SEGMENT_COPY = 3 };

typedef struct {
    ek_window window;
    ek_requant requant;
    int32_t groups;
    int32_t in_zero;
    int32_t segment;
    int32_t outputs, blocks; /* of a group */
    int32_t words, steps;    /* of one output's weights; of a segment */
    int32_t scratch;         /* bytes of one core */
} ek_conv_xpulp_geometry;

/* What all blocks of a call share. */
typedef struct {
    const int8_t *x, *zero;
    int32_t row, step_row; /* bytes: an input row; from one kernel row to the next */
    int32_t step_tap, step_position;
    ek_address *table;
    int8_t *copies;
} ek_conv_input;

/* Neighbouring positions of one output row: their first window's corner in the input, and whether all lie inside. */
typedef struct {
    int32_t top, left, count, inside;
} ek_conv_span;

EK_INLINE ek_conv_span ek_conv_look(const ek_window *s, int32_t oh, int32_t ow, int32_t count) {
    const int32_t top = oh * s->stride_h - s->pad_top, left = ow * s->stride_w - s->pad_left;
    const int32_t bottom = top + (s->kernel_h - 1) * s->dilation_h;
    const int32_t right = left + (count - 1) * s->stride_w + (s->kernel_w - 1) * s->dilation_w;
    const ek_conv_span span = {top, left, count, top >= 0 && left >= 0 && bottom < s->in_h && right < s->in_w};
    return span;
}

/* One segment's entries: `count` addresses, `step` bytes apart. */
EK_INLINE void ek_conv_enter(ek_address *entry, ek_address first, int32_t step, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        entry[i] = first;
        first += (ek_address)step;
    }
}

/* Entries of `taps` > 0 segments that are `step` bytes apart: `count` positions in a table of `positions`. */
EK_INLINE ek_address *ek_conv_enter_taps(ek_address *entry, ek_address first, int32_t step, int32_t taps, int32_t apart,
                                         int32_t count, int32_t positions) {
#if EK_XPULP_ASM
    if (count == EK_POSITIONS) {
        ek_address second = first + (ek_address)apart, third = second + (ek_address)apart;
        ek_address fourth = third + (ek_address)apart;
        /* clang-format off */
        __asm__ volatile(
            EK_ASM_BEGIN EK_LOOP0("%[taps]", "8")
            EK_SW_POST("%[a]", "%[entry]", "4") EK_SW_POST("%[b]", "%[entry]", "4")
            EK_SW_POST("%[c]", "%[entry]", "4") EK_SW_POST("%[d]", "%[entry]", "4")
            "add %[a], %[a], %[step]\n\tadd %[b], %[b], %[step]\n\t"
            "add %[c], %[c], %[step]\n\tadd %[d], %[d], %[step]\n\t" EK_ASM_END
            : [entry] "+r"(entry), [a] "+r"(first), [b] "+r"(second), [c] "+r"(third), [d] "+r"(fourth)
            : [taps] "r"(taps), [step] "r"(step)
            : "memory");
        /* clang-format on */
        return entry;
    }
#endif
    for (int32_t i = 0; i < taps; i++) {
        ek_conv_enter(entry, first, apart, count);
        entry += positions;
        first += (ek_address)step;
    }
    return entry;
}

EK_INLINE ek_address ek_conv_corner(const ek_window *s, const ek_conv_input *in, ek_conv_span span) {
    return ek_address_of(in->x + span.top * in->row + span.left * s->in_c, in->copies);
}

/* Entries of positions that lie inside: `taps` taps per row (all of them, or 1 where a row is one segment). */
EK_INLINE void ek_conv_inner(const ek_window *s, const ek_conv_input *in, ek_conv_span span, ek_address *entry,
                             int32_t positions, int32_t taps) {
    const ek_address corner = ek_conv_corner(s, in, span);
    const int32_t apart = in->step_position, count = span.count;
    if (taps == 1) {
        ek_conv_enter_taps(entry, corner, in->step_row, s->kernel_h, apart, count, positions);
        return;
    }
    for (int32_t ky = 0; ky < s->kernel_h; ky++) {
        const ek_address row = corner + (ek_address)(ky * in->step_row);
        entry = ek_conv_enter_taps(entry, row, in->step_tap, taps, apart, count, positions);
    }
}

/* `count` entries of one position's column: addresses that are `step` bytes apart. */
EK_INLINE ek_address *ek_conv_enter_column(ek_address *entry, ek_address first, int32_t step, int32_t count,
                                           int32_t positions) {
#if EK_XPULP_ASM
    if (count > 0)
        __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[count]", "2") EK_SW_POST_R(
                             "%[first]", "%[entry]", "%[pitch]") "add %[first], %[first], %[step]\n\t" EK_ASM_END
                         : [entry] "+r"(entry), [first] "+r"(first)
                         : [count] "r"(count), [step] "r"(step), [pitch] "r"(4 * positions)
                         : "memory");
#else
    for (int32_t i = 0; i < count; i++) {
        *entry = first;
        entry += positions;
        first += (ek_address)step;
    }
#endif
    return entry;
}

/* Entries of positions that do not, tap by tap: those outside are the row of z_x. */
EK_INLINE void ek_conv_edge(const ek_window *s, const ek_conv_input *in, ek_conv_span span, ek_address *entry,
                            int32_t positions) {
    const ek_address zero = ek_address_of(in->zero, in->copies);
    const int32_t taps = s->kernel_w;
    for (int32_t i = 0; i < span.count; i++) {
        const int32_t left = span.left + i * s->stride_w;
        const int32_t first = ek_first_tap(left, s->dilation_w, taps);
        const int32_t last = ek_max(first, ek_last_tap(left, s->dilation_w, taps, s->in_w));
        const int32_t start = (left + first * s->dilation_w) * s->in_c;
        ek_address *to = entry + i;
        for (int32_t ky = 0; ky < s->kernel_h; ky++) {
            const int32_t h = span.top + ky * s->dilation_h, seen = h >= 0 && h < s->in_h;
            const ek_address from = ek_address_of(in->x + h * in->row + start, in->copies);
            to = ek_conv_enter_column(to, zero, 0, seen ? first : taps, positions);
            to = ek_conv_enter_column(to, from, in->step_tap, seen ? last - first : 0, positions);
            to = ek_conv_enter_column(to, zero, 0, seen ? taps - last : 0, positions);
        }
    }
}

/* Entries of positions that do not, row by row: copies of what their windows see, z_x outside. Returns the end of the
 * copies. */
EK_INLINE int8_t *ek_conv_copy(const ek_conv_xpulp_geometry *g, const ek_conv_input *in, ek_conv_span span,
                               ek_address *entry, int32_t positions, int8_t *to) {
    const ek_window *s = &g->window;
    const int32_t columns = (span.count - 1) * s->stride_w + s->kernel_w, c = s->in_c;
    const int32_t first = ek_max(0, ek_min(columns, -span.left));
    const int32_t last = ek_max(first, ek_min(columns, s->in_w - span.left));
    const uint32_t zero = ek_repeat4(g->in_zero);
    for (int32_t ky = 0; ky < s->kernel_h; ky++) {
        const int32_t h = span.top + ky * s->dilation_h;
        if (h >= 0 && h < s->in_h) {
            ek_fill_words(to, zero, first * c);
            ek_copy_words(to + first * c, in->x + h * in->row + (span.left + first) * c, (last - first) * c);
            ek_fill_words(to + last * c, zero, (columns - last) * c);
        } else
            ek_fill_words(to, zero, columns * c);
        ek_conv_enter(entry, ek_address_of(to, in->copies), in->step_position, span.count);
        entry += positions;
        to += (columns * c + 7) / 4 * 4;
    }
    return to;
}

/* Fills the table for `positions` positions from (oh, ow), those behind the last one with anything that may be read;
 * returns the segments per kernel row. */
EK_INLINE int32_t ek_conv_fill(const ek_conv_xpulp_geometry *g, const ek_conv_input *in, int32_t oh, int32_t ow,
                               int32_t positions) {
    const ek_window *s = &g->window;
    if (g->segment != EK_SEGMENT_TAP && ow + positions <= s->out_w) { /* the most frequent case, as fast as possible */
        const ek_conv_span all = ek_conv_look(s, oh, ow, positions);
        if (all.inside) {
            ek_conv_enter_taps(in->table, ek_conv_corner(s, in, all), in->step_row, s->kernel_h, in->step_position,
                               positions, positions);
            return 1;
        }
    }
    ek_conv_span span[EK_POSITIONS];
    int32_t spans = 0, inside = 1;
    for (int32_t i = 0; i < positions; i += span[spans++].count) {
        span[spans] = ek_conv_look(s, oh++, ow, ek_min(positions - i, s->out_w - ow));
        inside &= span[spans].inside;
        ow = 0;
    }
    const int32_t joined = g->segment == EK_SEGMENT_ROW || (g->segment == EK_SEGMENT_JOINED && inside);
    const int32_t taps = joined ? 1 : s->kernel_w;
    ek_address *entry = in->table;
    int8_t *copies = in->copies;
    for (int32_t k = 0; k < spans; entry += span[k++].count)
        if (span[k].inside)
            ek_conv_inner(s, in, span[k], entry, positions, taps);
        else if (g->segment == EK_SEGMENT_ROW)
            copies = ek_conv_copy(g, in, span[k], entry, positions, copies);
        else
            ek_conv_edge(s, in, span[k], entry, positions);
    return taps;
}

/* Fills the table for EK_SEGMENT_COPY: positions ow, ow + dilation_w, ... of row oh. `pitch`: bytes of a tap's copy. */
EK_INLINE void ek_conv_gather(const ek_conv_xpulp_geometry *g, const ek_conv_input *in, int32_t oh, int32_t ow,
                              int32_t positions, int32_t pitch) {
    const ek_window *s = &g->window;
    const int32_t columns = positions - 1 + s->kernel_w, left = ow - s->pad_left;
    const int32_t first = ek_first_tap(left, s->dilation_w, columns);
    const int32_t last = ek_max(first, ek_last_tap(left, s->dilation_w, columns, s->in_w));
    const uint32_t zero = ek_repeat4(g->in_zero);
    ek_address *entry = in->table;
    int8_t *to = in->copies;
    for (int32_t ky = 0; ky < s->kernel_h; ky++, to += columns * pitch, entry += positions) {
        const int32_t h = oh * s->stride_h - s->pad_top + ky * s->dilation_h, seen = h >= 0 && h < s->in_h;
        const int32_t a = seen ? first : columns, b = seen ? last : columns;
        const int8_t *from = in->x + h * in->row + left * s->in_c + a * in->step_tap;
        ek_fill_words(to, zero, a * pitch);
        for (int32_t i = 0; i < pitch; i += 4)
            ek_copy_apart(to + a * pitch + i, pitch, from + i, in->step_tap, b - a);
        ek_fill_words(to + b * pitch, zero, (columns - b) * pitch);
        ek_conv_enter(entry, ek_address_of(to, in->copies), pitch, positions);
    }
}

/* Blocks of n positions. Positions of EK_SEGMENT_COPY (`copied`) that share a block are dilation_w apart, in one row.
 */
EK_INLINE int32_t ek_conv_position_blocks(const ek_window *s, int32_t copied, int32_t n) {
    if (!copied)
        return (s->out_h * s->out_w + n - 1) / n;
    const int32_t least = s->out_w / s->dilation_w, more = s->out_w % s->dilation_w; /* phases with one more */
    return s->out_h * ((s->dilation_w - more) * ((least + n - 1) / n) + more * ((least + n) / n));
}

/* Positions of a block: four, or fewer where that leaves less work to the core with the most. */
EK_INLINE int32_t ek_conv_positions(const ek_conv_xpulp_geometry *g, int32_t copied, int32_t blocks, int32_t cores) {
    int32_t best = EK_POSITIONS, least = INT32_MAX;
    for (int32_t n = EK_POSITIONS; n > 0; n >>= 1) {
        EK_KEEP(n); /* three times the code would take longer to fetch than the loop takes */
        const int32_t units = ek_conv_position_blocks(&g->window, copied, n) * blocks;
        const int32_t total = (units + cores - 1) / cores * (g->words * (4 + 5 * n) + 26 * n + 30);
        if (total < least) {
            best = n;
            least = total;
        }
        if (units >= 8 * cores) /* enough for everyone */
            break;
    }
    return best;
}

/* Where a core is: at a block of positions in its phase of a row, or in the joined rows. */
typedef struct {
    int32_t oh, ow;    /* the first position; of EK_SEGMENT_COPY, ow is the phase */
    int32_t first, of; /* positions before the block, and all */
} ek_conv_place;

/* The phase that begins at (oh, ow). */
EK_INLINE ek_conv_place ek_conv_phase(const ek_window *s, int32_t oh, int32_t ow) {
    const ek_conv_place place = {oh, ow, 0, (s->out_w - ow + s->dilation_w - 1) / s->dilation_w};
    return place;
}

EK_INLINE void ek_conv_next(const ek_window *s, int32_t copied, ek_conv_place *at, int32_t width) {
    at->first += width;
    if (!copied) {
        for (at->ow += width; at->ow >= s->out_w; at->ow -= s->out_w)
            at->oh++;
    } else if (at->first >= at->of) {
        const int32_t ends = at->ow + 1 == ek_min(s->dilation_w, s->out_w);
        *at = ek_conv_phase(s, ends ? at->oh + 1 : at->oh, ends ? 0 : at->ow + 1);
    }
}

/* The place of block number `number` of `width` positions. */
EK_INLINE ek_conv_place ek_conv_find(const ek_window *s, int32_t copied, int32_t number, int32_t width) {
    const int32_t first = number * width;
    ek_conv_place at = {first / s->out_w, first % s->out_w, first, s->out_h * s->out_w};
    if (copied)
        for (at = ek_conv_phase(s, 0, 0); number > 0; number--)
            ek_conv_next(s, copied, &at, width);
    return at;
}

/* `copied` is a literal: EK_SEGMENT_COPY, or the others. */
EK_INLINE void ek_conv_team(const ek_conv_xpulp_geometry *g, int32_t copied, ek_team team, const int8_t *x, void *y,
                            const int8_t *w, const int32_t *record, const int8_t *zero, void *scratch) {
    const ek_window *s = &g->window;
    const ek_requant *r = &g->requant;
    const int32_t blocks = g->groups * g->blocks, record_bytes = 4 * EK_OUTPUTS * EK_RECORD_WORDS(r);
    const int32_t fast = ek_mac_is_fast(r), width = fast ? ek_conv_positions(g, copied, blocks, team.cores) : 1;
    const int32_t units = ek_conv_position_blocks(s, copied, width) * blocks, apart = copied ? s->dilation_w : 1;
    int8_t *own = (int8_t *)scratch + team.core * g->scratch;
    ek_conv_input in = {x,
                        zero,
                        s->in_w * s->in_c,
                        s->dilation_h * s->in_w * s->in_c,
                        s->dilation_w * s->in_c,
                        s->stride_w * s->in_c,
                        (ek_address *)(void *)own,
                        own + 4 * EK_POSITIONS * s->kernel_h *
                                  (copied || g->segment == EK_SEGMENT_ROW ? 1 : s->kernel_w)};
    ek_mac_run run = ek_mac_prepare(r, in.table, in.copies);
    int32_t left = ek_share(units, team.core, team.cores), block = left % blocks;
    ek_conv_place at = ek_conv_find(s, copied, left / blocks, width);
    for (left = ek_share(units, team.core + 1, team.cores) - left; left > 0;) {
        const int32_t group = g->groups > 1 ? block / g->blocks : 0, from = group * g->blocks, o = group * g->outputs;
        const int32_t count = ek_min(left, from + g->blocks - block), done = (block - from) * EK_OUTPUTS;
        int32_t oh = at.oh, ow = at.ow + (copied ? at.first * apart : 0), taps = 1, rest = at.of - at.first;
        if (rest < width && at.first > 0) { /* overlap with the block before */
            const int32_t back = ek_min(at.first, width - rest);
            rest += back;
            for (ow -= back * apart; ow < 0; ow += s->out_w)
                oh--;
        }
        if (g->groups > 1)
            in.x = x + group * (s->in_c / g->groups);
        if (copied)
            ek_conv_gather(g, &in, oh, ow, width, 4 * g->steps / s->kernel_w);
        else
            taps = ek_conv_fill(g, &in, oh, ow, width);
        const int32_t to = (oh * s->out_w + ow) * s->out_c + o + done;
        run.w = w + block * g->words * 16;
        run.record = (const int32_t *)(const void *)((const int8_t *)record + block * record_bytes);
        run.y = (int8_t *)y + to;
        run.segments = s->kernel_h * taps;
        run.steps = !copied && taps == 1 && g->segment == EK_SEGMENT_JOINED ? s->kernel_w * g->steps : g->steps;
        if (EK_OFTEN(fast))
            ek_mac_fast(&run, width, apart * s->out_c, ek_min(width, rest), count, g->outputs - done);
        else
            ek_mac_general(&run, r, count, g->outputs - done, y, to);
        left -= count;
        block += count;
        if (block == blocks) {
            block = 0;
            ek_conv_next(s, copied, &at, width);
        }
    }
}

/* Every segment but EK_SEGMENT_COPY. */
EK_INLINE void ek_conv_xpulp(const ek_conv_xpulp_geometry *g, ek_team team, const int8_t *x, void *y, const int8_t *w,
                             const int32_t *record, const int8_t *zero, void *scratch) {
    ek_conv_team(g, 0, team, x, y, w, record, zero, scratch);
}

/* EK_SEGMENT_COPY: a function of its own, so that neither has to fetch the other's instructions. */
EK_INLINE void ek_conv_copy_xpulp(const ek_conv_xpulp_geometry *g, ek_team team, const int8_t *x, void *y,
                                  const int8_t *w, const int32_t *record, void *scratch) {
    ek_conv_team(g, 1, team, x, y, w, record, 0, scratch);
}

#endif

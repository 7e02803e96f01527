/* Requantization with one mulh, p.addNr and a clip: same values as ../requant.h. */
#ifndef EK_XPULPV2_REQUANT_H
#define EK_XPULPV2_REQUANT_H

#include "../requant.h"
#include "xpulp.h"

/* The high form of a record without its clip. */
EK_INLINE int32_t ek_scale_high(int32_t acc, int32_t m, int32_t round, int32_t shift) {
    return ek_add_shift((int32_t)(((int64_t)acc * m) >> 32), round, shift);
}

/* ek_requantize; acc already holds the bias. */
EK_INLINE int32_t ek_requantize_xpulp(const ek_requant *r, int32_t acc, const int32_t *record) {
    if (r->full)
        return ek_requantize(r, acc, record);
    return ek_clip_between(ek_scale_high(acc, record[1], record[2], record[3]), r->lo, r->hi);
}

/* Bytes of a word between the clip bounds; a record's high form gives bytes that are saturated to int8 first. */
EK_INLINE uint32_t ek_repeat4(int32_t value) { return (uint8_t)value * 0x01010101u; }

#endif

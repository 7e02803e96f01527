/*
 * What layers on bits do with their sums of products of +1 and -1.
 *
 * Per output there is a record of int32 words: that of a requantization, or one word, the bias of a sum that stays as
 * it is, or the level from which on the output's bit is 1.
 */
#ifndef EK_BINARY_H
#define EK_BINARY_H

#include "bits.h"
#include "requant.h"

enum { EK_BINARY_SCALED, EK_BINARY_SUMS, EK_BINARY_BITS };

typedef struct {
    int32_t form;       /* one of the above */
    ek_requant requant; /* of EK_BINARY_SCALED */
} ek_binary_output;

#define EK_BINARY_RECORD(out) ((out)->form == EK_BINARY_SCALED ? EK_RECORD_WORDS(&(out)->requant) : 1)

/* Output `o` of `outputs` at a position. `word` collects the bits of neighbours, which are stored together. */
EK_INLINE void ek_binary_put(const ek_binary_output *out, void *y, int32_t position, int32_t o, int32_t outputs,
                             int32_t sum, const int32_t *record, uint32_t *word) {
    if (out->form == EK_BINARY_SCALED) {
        const int32_t *own = record + o * EK_BINARY_RECORD(out);
        ek_store(&out->requant, y, position * outputs + o, ek_requantize(&out->requant, sum + own[0], own));
    } else if (out->form == EK_BINARY_SUMS) {
        ((int32_t *)y)[position * outputs + o] = sum + record[o];
    } else {
        *word |= (uint32_t)(sum >= record[o]) << (o & 31);
        if ((o & 31) == 31 || o + 1 == outputs) {
            ((uint32_t *)y)[position * ((outputs + 31) / 32) + o / 32] = *word;
            *word = 0;
        }
    }
}

#endif

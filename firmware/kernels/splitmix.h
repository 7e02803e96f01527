/* SplitMix64: word i of a seed, any word at once (quant/splitmix.py). */
#ifndef EK_SPLITMIX_H
#define EK_SPLITMIX_H

#include <stdint.h>

#define EK_SPLITMIX_GAMMA 0x9E3779B97F4A7C15ull

/* The word that belongs to a counter: seed + (i + 1) * EK_SPLITMIX_GAMMA. */
static inline uint64_t ek_splitmix_mix(uint64_t counter) {
    uint64_t z = counter;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static inline uint64_t ek_splitmix_word(uint64_t seed, uint64_t index) {
    return ek_splitmix_mix(seed + (index + 1u) * EK_SPLITMIX_GAMMA);
}

#endif

/*
 * XpulpV2 instructions as functions, in three forms.
 *
 * The vendor's compiler (it defines __pulp__) knows them as builtins and makes hardware loops and post-increment
 * accesses by itself. Stock RISC-V compilers know none of them: the encodings of RI5CY (legacy XpulpV2, not CORE-V) are
 * spelled with .insn, and inner loops are blocks of assembly. Elsewhere portable C, written from the manual's
 * definitions, computes the same values, so that every kernel runs and is checked on the host.
 *
 * Lanes of a word are counted from its lowest byte. Sums wrap modulo 2^32.
 */
#ifndef EK_XPULPV2_XPULP_H
#define EK_XPULPV2_XPULP_H

#include "../bits.h"

#if defined(__pulp__)
#define EK_XPULP_VENDOR 1
#define EK_XPULP_ASM 0
#elif defined(__riscv) && __riscv_xlen == 32
#define EK_XPULP_VENDOR 0
#define EK_XPULP_ASM 1
#else
#define EK_XPULP_VENDOR 0
#define EK_XPULP_ASM 0
#endif

#if EK_XPULP_VENDOR
typedef signed char ek_v4 __attribute__((vector_size(4)));
typedef short ek_v2 __attribute__((vector_size(4)));
#endif

/* clang-format off */
/* Instructions inside blocks of assembly; registers and immediates are strings. Every one takes four bytes. */
#define EK_LB_POST(rd, rs, step) ".insn i 0x0b, 0, " rd ", " rs ", " step "\n\t"           /* p.lb rd, step(rs!) */
#define EK_LW_POST(rd, rs, step) ".insn i 0x0b, 2, " rd ", " rs ", " step "\n\t"           /* p.lw rd, step(rs!) */
#define EK_LW_POST_R(rd, rs, step) ".insn r 0x0b, 7, 0x10, " rd ", " rs ", " step "\n\t"   /* p.lw rd, step(rs!) */
#define EK_LBU_INDEX(rd, rs, index) ".insn r 0x03, 7, 0x20, " rd ", " rs ", " index "\n\t" /* p.lbu rd, index(rs) */
#define EK_SB_POST(rs2, rs, step) ".insn s 0x2b, 0, " rs2 ", " step "(" rs ")\n\t"         /* p.sb rs2, step(rs!) */
#define EK_SW_POST(rs2, rs, step) ".insn s 0x2b, 2, " rs2 ", " step "(" rs ")\n\t"         /* p.sw rs2, step(rs!) */
#define EK_SB_POST_R(rs2, rs, step) ".insn r 0x2b, 4, 0, " step ", " rs ", " rs2 "\n\t"    /* p.sb rs2, step(rs!) */
#define EK_SW_POST_R(rs2, rs, step) ".insn r 0x2b, 6, 0, " step ", " rs ", " rs2 "\n\t"    /* p.sw rs2, step(rs!) */
#define EK_SDOTSP4(rd, a, b) ".insn r 0x57, 1, 0x5c, " rd ", " a ", " b "\n\t"             /* pv.sdotsp.b rd, a, b */
#define EK_DOTSP2(rd, a, b) ".insn r 0x57, 0, 0x4c, " rd ", " a ", " b "\n\t"              /* pv.dotsp.h rd, a, b */
#define EK_SDOTSP2(rd, a, b) ".insn r 0x57, 0, 0x5c, " rd ", " a ", " b "\n\t"             /* pv.sdotsp.h rd, a, b */
#define EK_MAX4(rd, a, b) ".insn r 0x57, 1, 0x18, " rd ", " a ", " b "\n\t"                /* pv.max.b rd, a, b */
#define EK_MIN4(rd, a, b) ".insn r 0x57, 1, 0x10, " rd ", " a ", " b "\n\t"                /* pv.min.b rd, a, b */
#define EK_SHUFFLE4(rd, a, pick) ".insn r 0x57, 1, 0x64, " rd ", " a ", " pick "\n\t"      /* pv.shuffle2.b */
#define EK_PACK2(rd, high, low) ".insn r 0x57, 0, 0x68, " rd ", " high ", " low "\n\t"     /* pv.pack.h */
#define EK_PACKLO4(rd, high, low) ".insn r 0x57, 1, 0x70, " rd ", " high ", " low "\n\t"   /* pv.packlo.b: lanes 1, 0 */
#define EK_PACKHI4(rd, high, low) ".insn r 0x57, 1, 0x6c, " rd ", " high ", " low "\n\t"   /* pv.packhi.b: lanes 3, 2 */
#define EK_ADD_SHIFT(rd, a, shift) ".insn r 0x5b, 2, 0x20, " rd ", " a ", " shift "\n\t"   /* p.addNr rd, a, shift */
#define EK_MAX1(rd, a, b) ".insn r 0x33, 6, 0x02, " rd ", " a ", " b "\n\t"                /* p.max rd, a, b */
#define EK_MIN1(rd, a, b) ".insn r 0x33, 4, 0x02, " rd ", " a ", " b "\n\t"                /* p.min rd, a, b */
#define EK_CNT(rd, rs) ".insn r 0x33, 3, 0x08, " rd ", " rs ", x0\n\t"                       /* p.cnt rd, rs */
#define EK_LH_INDEX(rd, rs, index) ".insn r 0x03, 7, 0x08, " rd ", " rs ", " index "\n\t"     /* p.lh rd, index(rs) */
#define EK_MULUN16(rd, a, b) ".insn r 0x5b, 0, 0x10, " rd ", " a ", " b "\n\t"             /* p.muluN rd, a, b, 16 */
#define EK_MACHHUN16(rd, a, b) ".insn r 0x5b, 1, 0x30, " rd ", " a ", " b "\n\t"           /* p.machhuN: upper halves */
#define EK_MAC(rd, a, b) ".insn r 0x33, 0, 0x21, " rd ", " a ", " b "\n\t"                 /* p.mac rd, a, b */
#define EK_EXTRACT1(rd, rs, bit) ".insn r 0x33, 0, 0x60, " rd ", " rs ", x" bit "\n\t"     /* p.extract rd, rs, 1 bit */
#define EK_CLIP8(a) ".insn r 0x33, 1, 0x0a, " a ", " a ", x8\n\t"                          /* p.clip a, a, 8 */
/* clang-format on */

/*
 * lp.setup: repeats the `size` instructions that follow it; `count` > 0. The end register of RI5CY holds the address of
 * the last instruction of the body, hence 2 * size half words from here. A body has two instructions at least and ends
 * with neither a jump nor a branch; the inner loop of two is number 0 and ends two instructions before the outer one.
 */
#define EK_LOOP0(count, size) ".insn i 0x7b, 4, x0, " count ", 2*(" size ")\n\t"
#define EK_LOOP1(count, size) ".insn i 0x7b, 4, x1, " count ", 2*(" size ")\n\t"

/* Loop bodies have a known length: no compressed instructions between these two. */
#define EK_ASM_BEGIN ".option push\n\t.option norvc\n\t"
#define EK_ASM_END ".option pop\n\t"

/* A condition that mostly holds: the other branch goes out of the way of the instruction cache. */
#if defined(__GNUC__)
#define EK_OFTEN(condition) __builtin_expect((condition) != 0, 1)
#else
#define EK_OFTEN(condition) (condition)
#endif

EK_INLINE int32_t ek_byte(uint32_t word, int32_t lane) { return (int8_t)(uint8_t)(word >> (8 * lane)); }

EK_INLINE int32_t ek_half_lane(uint32_t word, int32_t lane) { return (int16_t)(uint16_t)(word >> (16 * lane)); }

/* Four bytes from any address, the first one lowest. An access that crosses a word costs one cycle more. */
EK_INLINE uint32_t ek_load4(const int8_t *x) {
#if EK_XPULP_ASM || EK_XPULP_VENDOR
    return *(const ek_word *)(const void *)x;
#else
    return (uint8_t)x[0] | (uint32_t)(uint8_t)x[1] << 8 | (uint32_t)(uint8_t)x[2] << 16 | (uint32_t)(uint8_t)x[3] << 24;
#endif
}

EK_INLINE void ek_store4(int8_t *y, uint32_t word) {
#if EK_XPULP_ASM || EK_XPULP_VENDOR
    *(ek_word *)(void *)y = word;
#else
    for (int32_t i = 0; i < 4; i++)
        y[i] = (int8_t)ek_byte(word, i);
#endif
}

/* The first `count` of four bytes. */
EK_INLINE void ek_store_some(int8_t *y, uint32_t word, int32_t count) {
    if (count >= 4) {
        ek_store4(y, word);
        return;
    }
    if (count > 0)
        y[0] = (int8_t)ek_byte(word, 0);
    if (count > 1)
        y[1] = (int8_t)ek_byte(word, 1);
    if (count > 2)
        y[2] = (int8_t)ek_byte(word, 2);
}

/* pv.sdotsp.b: acc + the sum of four products of signed bytes. */
EK_INLINE int32_t ek_sdotsp4(int32_t acc, uint32_t a, uint32_t b) {
#if EK_XPULP_VENDOR
    return __builtin_pulp_sdotsp4((ek_v4)a, (ek_v4)b, acc);
#elif EK_XPULP_ASM
    __asm__(".insn r 0x57, 1, 0x5c, %0, %1, %2" : "+r"(acc) : "r"(a), "r"(b));
    return acc;
#else
    uint32_t sum = (uint32_t)acc;
    for (int32_t i = 0; i < 4; i++)
        sum += (uint32_t)(ek_byte(a, i) * ek_byte(b, i));
    return (int32_t)sum;
#endif
}

/* pv.dotsp.h: the sum of two products of signed halves. */
EK_INLINE int32_t ek_dotsp2(uint32_t a, uint32_t b) {
#if EK_XPULP_VENDOR
    return __builtin_pulp_dotsp2((ek_v2)a, (ek_v2)b);
#elif EK_XPULP_ASM
    int32_t sum;
    __asm__(".insn r 0x57, 0, 0x4c, %0, %1, %2" : "=r"(sum) : "r"(a), "r"(b));
    return sum;
#else
    return (int32_t)((uint32_t)(ek_half_lane(a, 0) * ek_half_lane(b, 0)) +
                     (uint32_t)(ek_half_lane(a, 1) * ek_half_lane(b, 1)));
#endif
}

/* pv.sdotsp.h: acc + the sum of two products of signed halves. */
EK_INLINE int32_t ek_sdotsp2(int32_t acc, uint32_t a, uint32_t b) {
#if EK_XPULP_VENDOR
    return __builtin_pulp_sdotsp2((ek_v2)a, (ek_v2)b, acc);
#elif EK_XPULP_ASM
    __asm__(".insn r 0x57, 0, 0x5c, %0, %1, %2" : "+r"(acc) : "r"(a), "r"(b));
    return acc;
#else
    return (int32_t)((uint32_t)acc + (uint32_t)ek_dotsp2(a, b));
#endif
}

/* pv.max.b and pv.min.b: the larger and the smaller signed byte, lane by lane. */
EK_INLINE uint32_t ek_max4(uint32_t a, uint32_t b) {
#if EK_XPULP_VENDOR
    return (uint32_t)__builtin_pulp_max4((ek_v4)a, (ek_v4)b);
#elif EK_XPULP_ASM
    uint32_t y;
    __asm__(".insn r 0x57, 1, 0x18, %0, %1, %2" : "=r"(y) : "r"(a), "r"(b));
    return y;
#else
    uint32_t y = 0;
    for (int32_t i = 0; i < 4; i++)
        y |= (uint32_t)(uint8_t)ek_max(ek_byte(a, i), ek_byte(b, i)) << (8 * i);
    return y;
#endif
}

EK_INLINE uint32_t ek_min4(uint32_t a, uint32_t b) {
#if EK_XPULP_VENDOR
    return (uint32_t)__builtin_pulp_min4((ek_v4)a, (ek_v4)b);
#elif EK_XPULP_ASM
    uint32_t y;
    __asm__(".insn r 0x57, 1, 0x10, %0, %1, %2" : "=r"(y) : "r"(a), "r"(b));
    return y;
#else
    uint32_t y = 0;
    for (int32_t i = 0; i < 4; i++)
        y |= (uint32_t)(uint8_t)ek_min(ek_byte(a, i), ek_byte(b, i)) << (8 * i);
    return y;
#endif
}

/* pv.shuffle2.b: lane i of the result is lane p of `a` (p < 4) or lane p - 4 of `b`, p being lane i of `pick`. */
EK_INLINE uint32_t ek_shuffle4(uint32_t a, uint32_t b, uint32_t pick) {
#if EK_XPULP_VENDOR
    return (uint32_t)__builtin_shuffle((ek_v4)a, (ek_v4)b, (ek_v4)pick);
#elif EK_XPULP_ASM
    __asm__(".insn r 0x57, 1, 0x64, %0, %1, %2" : "+r"(a) : "r"(b), "r"(pick));
    return a;
#else
    uint32_t y = 0;
    for (int32_t i = 0; i < 4; i++) {
        const int32_t p = ek_byte(pick, i);
        y |= (uint32_t)(uint8_t)ek_byte(p & 4 ? b : a, p & 3) << (8 * i);
    }
    return y;
#endif
}

/* pv.packlo.b and pv.packhi.b: the lowest bytes of four words as one word, the first one lowest. */
EK_INLINE uint32_t ek_pack4(int32_t a, int32_t b, int32_t c, int32_t d) {
#if EK_XPULP_VENDOR
    return (uint32_t)__builtin_pulp_pack4((signed char)a, (signed char)b, (signed char)c, (signed char)d);
#elif EK_XPULP_ASM
    uint32_t y = 0; /* both halves are written */
    __asm__(".insn r 0x57, 1, 0x70, %0, %1, %2" : "+r"(y) : "r"(b), "r"(a));
    __asm__(".insn r 0x57, 1, 0x6c, %0, %1, %2" : "+r"(y) : "r"(d), "r"(c));
    return y;
#else
    return (uint8_t)a | (uint32_t)(uint8_t)b << 8 | (uint32_t)(uint8_t)c << 16 | (uint32_t)(uint8_t)d << 24;
#endif
}

/* pv.pack.h: two halves as one word, the first one lowest. */
EK_INLINE uint32_t ek_pack2(int32_t a, int32_t b) {
#if EK_XPULP_VENDOR
    return (uint32_t)__builtin_pulp_pack2((short)a, (short)b);
#elif EK_XPULP_ASM
    uint32_t y;
    __asm__(".insn r 0x57, 0, 0x68, %0, %1, %2" : "=r"(y) : "r"(b), "r"(a));
    return y;
#else
    return ((uint32_t)a & 0xffffu) | (uint32_t)b << 16;
#endif
}

/* p.clip: saturation to int8. */
EK_INLINE int32_t ek_clip8(int32_t value) {
#if EK_XPULP_VENDOR
    return __builtin_pulp_clip(value, -128, 127);
#elif EK_XPULP_ASM
    int32_t y;
    __asm__(".insn r 0x33, 1, 0x0a, %0, %1, x8" : "=r"(y) : "r"(value)); /* 8 bits, in the field of a register */
    return y;
#else
    return ek_max(-128, ek_min(127, value));
#endif
}

/* p.max and p.min: clip between any bounds. */
EK_INLINE int32_t ek_clip_between(int32_t value, int32_t lo, int32_t hi) {
#if EK_XPULP_ASM
    int32_t raised, y;
    __asm__(".insn r 0x33, 6, 0x02, %0, %1, %2" : "=r"(raised) : "r"(value), "r"(lo));
    __asm__(".insn r 0x33, 4, 0x02, %0, %1, %2" : "=r"(y) : "r"(raised), "r"(hi));
    return y;
#else
    return ek_max(lo, ek_min(hi, value));
#endif
}

/* p.cnt: the number of ones. */
EK_INLINE int32_t ek_cnt(uint32_t word) {
#if EK_XPULP_VENDOR
    return __builtin_pulp_cnt((int)word);
#elif EK_XPULP_ASM
    int32_t count;
    __asm__(EK_CNT("%0", "%1") : "=r"(count) : "r"(word));
    return count;
#else
    return ek_popcount(word);
#endif
}

/* p.muluN and p.machhuN: the upper word of a * b, where both halves of `twice` hold b < 2^16. */
EK_INLINE uint32_t ek_upper_product(uint32_t a, uint32_t twice) {
#if EK_XPULP_ASM
    uint32_t y;
    __asm__(EK_MULUN16("%0", "%1", "%2") EK_MACHHUN16("%0", "%1", "%2") : "=&r"(y) : "r"(a), "r"(twice));
    return y;
#else
    const uint32_t b = twice & 0xffffu;
    return ((a >> 16) * b + (((a & 0xffffu) * b) >> 16)) >> 16;
#endif
}

/* p.addNr: (a + b) >> shift, arithmetic; the sum fits 32 bits. */
EK_INLINE int32_t ek_add_shift(int32_t a, int32_t b, int32_t shift) {
#if EK_XPULP_ASM
    __asm__(".insn r 0x5b, 2, 0x20, %0, %1, %2" : "+r"(a) : "r"(b), "r"(shift));
    return a;
#else
    return (a + b) >> shift;
#endif
}

/* Copies `bytes` bytes by words: up to three more are read and written. */
EK_INLINE void ek_copy_words(int8_t *to, const int8_t *from, int32_t bytes) {
    if (bytes <= 0)
        return;
#if EK_XPULP_ASM
    uint32_t word;
    __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[count]", "3")
                         EK_LW_POST("%[word]", "%[from]", "4") "nop\n\t" EK_SW_POST("%[word]", "%[to]", "4") EK_ASM_END
                     : [to] "+r"(to), [from] "+r"(from), [word] "=&r"(word)
                     : [count] "r"((bytes + 3) / 4)
                     : "memory");
#else
    for (int32_t i = 0; i < bytes; i += 4)
        ek_store4(to + i, ek_load4(from + i));
#endif
}

/* Fills `bytes` bytes with a word: up to three more are written. */
EK_INLINE void ek_fill_words(int8_t *to, uint32_t word, int32_t bytes) {
    if (bytes <= 0)
        return;
#if EK_XPULP_ASM
    __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[count]", "2") EK_SW_POST("%[word]", "%[to]", "4") "nop\n\t" EK_ASM_END
                     : [to] "+r"(to)
                     : [count] "r"((bytes + 3) / 4), [word] "r"(word)
                     : "memory");
#else
    for (int32_t i = 0; i < bytes; i += 4)
        ek_store4(to + i, word);
#endif
}

/* Stores a word `count` times, `apart` bytes from one to the next. */
EK_INLINE void ek_fill_apart(int8_t *to, uint32_t word, int32_t count, int32_t apart) {
    if (count <= 0)
        return;
#if EK_XPULP_ASM
    __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[count]", "2")
                         EK_SW_POST_R("%[word]", "%[to]", "%[apart]") "nop\n\t" EK_ASM_END
                     : [to] "+r"(to)
                     : [count] "r"(count), [word] "r"(word), [apart] "r"(apart)
                     : "memory");
#else
    for (int32_t i = 0; i < count; i++)
        ek_store4(to + i * apart, word);
#endif
}

/* The same for two places. */
EK_INLINE void ek_fill_twice(int8_t *to, int8_t *also, uint32_t word, int32_t count, int32_t apart) {
    if (count <= 0)
        return;
#if EK_XPULP_ASM
    __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[count]", "2") EK_SW_POST_R("%[word]", "%[to]", "%[apart]")
                         EK_SW_POST_R("%[word]", "%[also]", "%[apart]") EK_ASM_END
                     : [to] "+r"(to), [also] "+r"(also)
                     : [count] "r"(count), [word] "r"(word), [apart] "r"(apart)
                     : "memory");
#else
    for (int32_t i = 0; i < count; i++) {
        ek_store4(to + i * apart, word);
        ek_store4(also + i * apart, word);
    }
#endif
}

/* Copies `count` words, `pitch` and `step` bytes from one to the next. */
EK_INLINE void ek_copy_apart(int8_t *to, int32_t pitch, const int8_t *from, int32_t step, int32_t count) {
#if EK_XPULP_ASM
    if (count > 1)
        __asm__ volatile(EK_ASM_BEGIN EK_LOOP0("%[pairs]", "4") EK_LW_POST_R("t0", "%[from]", "%[step]")
                             EK_LW_POST_R("t1", "%[from]", "%[step]") EK_SW_POST_R("t0", "%[to]", "%[pitch]")
                                 EK_SW_POST_R("t1", "%[to]", "%[pitch]") EK_ASM_END
                         : [to] "+r"(to), [from] "+r"(from)
                         : [pairs] "r"(count >> 1), [step] "r"(step), [pitch] "r"(pitch)
                         : "t0", "t1", "memory");
    if (count & 1)
        ek_store4(to, ek_load4(from));
#else
    for (int32_t i = 0; i < count; i++)
        ek_store4(to + i * pitch, ek_load4(from + i * step));
#endif
}

/* Sum modulo 2^32: intermediate sums may wrap where the final one is proven to fit. */
EK_INLINE int32_t ek_wrapping_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

#endif

/* Compiler support that every kernel uses. Kernels are C99; the GCC extensions below are optional or have a plain form.
 */
#ifndef EK_BASE_H
#define EK_BASE_H

#include <stddef.h>
#include <stdint.h>

/* A kernel is inlined into the function that calls it with a literal geometry; that is what specialises it. Defining
 * EK_INLINE beforehand builds general code instead. */
#ifndef EK_INLINE
#if defined(__GNUC__)
#define EK_INLINE static inline __attribute__((always_inline, unused))
#else
#define EK_INLINE static inline
#endif
#define EK_LITERAL 1 /* offsets may be used as immediate operands */
#else
#define EK_LITERAL 0
#endif

/* Unrolls the following loop completely; its trip count must be a literal after inlining. */
#if defined(__clang__)
#define EK_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define EK_UNROLL _Pragma("GCC unroll 64")
#else
#define EK_UNROLL
#endif

/* Keeps a pointer in a register of its own: the compiler forgets what it was computed from. */
#if defined(__GNUC__)
#define EK_KEEP(pointer) __asm__("" : "+r"(pointer))
#else
#define EK_KEEP(pointer) ((void)0)
#endif

/* Keeps what is before it before what is behind it: a loop with one is no idiom that a compiler replaces by a call. */
#if defined(__GNUC__)
#define EK_FENCE() __asm__ volatile("" ::: "memory")
#else
#define EK_FENCE() ((void)0)
#endif

/* Elements of a buffer that is addressed by bytes or by words in turn. */
#if defined(__GNUC__)
typedef int16_t __attribute__((may_alias)) ek_half;
typedef uint32_t __attribute__((may_alias)) ek_word;
#else
typedef int16_t ek_half;
typedef uint32_t ek_word;
#endif

EK_INLINE int32_t ek_min(int32_t a, int32_t b) { return a < b ? a : b; }

EK_INLINE int32_t ek_max(int32_t a, int32_t b) { return a > b ? a : b; }

/* Smallest integer not below a / b, for b > 0 and any a. */
EK_INLINE int32_t ek_ceil_div(int32_t a, int32_t b) { return a > 0 ? (a + b - 1) / b : -(-a / b); }

#endif

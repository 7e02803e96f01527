/* What GCC calls without being asked; weak, because there may be a C library. zig brings its own. volatile: the loops
 * must not become calls of themselves. */
#include <stddef.h>
#include <stdint.h>

#if !defined(__clang__)

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

__attribute__((weak)) void *memcpy(void *to, const void *from, size_t bytes) {
    volatile uint8_t *out = to;
    const uint8_t *in = from;

    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        for (; bytes >= 4; bytes -= 4, out += 4, in += 4) {
            *(volatile uint32_t *)(volatile void *)out = *(const uint32_t *)(const void *)in;
        }
    }
    while (bytes-- > 0) {
        *out++ = *in++;
    }
    return to;
}

__attribute__((weak)) void *memset(void *to, int value, size_t bytes) {
    volatile uint8_t *out = to;

    while (bytes-- > 0) {
        *out++ = (uint8_t)value;
    }
    return to;
}

#endif

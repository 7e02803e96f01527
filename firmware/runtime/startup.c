/* Start-up of a Cortex-M with FPU in C: vector table, memory initialisation, FPU. */
#include <stdint.h>

#include "ek_stack.h"

#define SCB_VTOR (*(volatile uint32_t *)0xE000ED08u)
#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CPACR_FPU_FULL_ACCESS (0xFu << 20)

#define STACK_BYTES ((EK_STACK_BYTES + 7u) & ~7u) /* the stack pointer starts 8-byte aligned */

/* Section boundaries from the linker script. */
extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[];
extern uint32_t __ram_code_load[], __ram_code_start[], __ram_code_end[];

typedef void (*handler)(void);
typedef union {
    const void *stack_top;
    handler entry;
} vector;

int main(void);
void Reset_Handler(void);
__attribute__((noinline)) void Default_Handler(void);
void NMI_Handler(void); /* the linker script takes Default_Handler where a board has none */
extern const vector ek_vectors[16];

/* At the lowest address of its memory: an overflow runs into unmapped addresses and faults, it cannot corrupt data. */
__attribute__((section(".bss.ek_stack"), aligned(8))) uint8_t ek_stack[STACK_BYTES];

__attribute__((section(".vectors"), used)) const vector ek_vectors[16] = {
    {.stack_top = ek_stack + STACK_BYTES},
    {.entry = Reset_Handler},
    {.entry = NMI_Handler},
    {.entry = Default_Handler}, /* HardFault */
    {.entry = Default_Handler}, /* MemManage */
    {.entry = Default_Handler}, /* BusFault */
    {.entry = Default_Handler}, /* UsageFault */
    {.stack_top = 0},
    {.stack_top = 0},
    {.stack_top = 0},
    {.stack_top = 0},
    {.entry = Default_Handler}, /* SVCall */
    {.entry = Default_Handler}, /* DebugMonitor */
    {.stack_top = 0},
    {.entry = Default_Handler}, /* PendSV */
    {.entry = Default_Handler}, /* SysTick */
};

/* No interrupt is ever enabled: reaching this is a fault. It stays here for a debugger to find. */
void Default_Handler(void) {
    for (;;) {
    }
}

/* volatile: loops here must not become calls of memcpy or memset before memory is set up */
static void copy(volatile uint32_t *to, const volatile uint32_t *end, const volatile uint32_t *from) {
    while (to < end) {
        *to++ = *from++;
    }
}

void Reset_Handler(void) {
    SCB_VTOR = (uint32_t)(uintptr_t)ek_vectors;
    SCB_CPACR |= CPACR_FPU_FULL_ACCESS;
    __asm volatile("dsb\n\tisb" ::: "memory");

    copy(__data_start, __data_end, __data_load);
    copy(__ram_code_start, __ram_code_end, __ram_code_load);
    for (volatile uint32_t *to = __bss_start; to < __bss_end; to++) {
        *to = 0;
    }
    __asm volatile("dsb\n\tisb" ::: "memory"); /* what was written may be code */
    main();
    Default_Handler();
}

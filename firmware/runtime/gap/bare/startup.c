/* Start-up of controller and cores, output, exit and faults. Controller and cores start at the same address, 0x80
 * behind a vector table at a 256-byte boundary: that is where old and new versions of the core begin. */
#include "startup.h"

#include <stdint.h>

#include "cluster.h"
#include "ek_config.h"
#include "pulp.h"

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

enum { FAULT_STACK_BYTES = 192, FAULT_STACKS = 17 };

/* One for each core, the last one for the controller: what faulted may have been the stack. */
__attribute__((used, aligned(16))) uint8_t ek_fault_stacks[FAULT_STACKS * FAULT_STACK_BYTES];

/* Only exceptions get here: no interrupt is ever enabled. */
__asm__(".section .vectors, \"ax\"\n"
        ".option push\n"
        ".option norvc\n"
        ".balign 256\n"
        "ek_vectors:\n"
        ".rept 32\n"
        "    j ek_trap\n"
        ".endr\n"
        ".globl _start\n"
        "_start:\n"
        "    csrr a0, 0xf14\n"
        "    srli a1, a0, 5\n"
        "    li a2, 31\n"
        "    bne a1, a2, 1f\n"
        "    la sp, __stack_top\n"
        "    j ek_controller\n"
        "1:  andi a0, a0, 15\n"
        "    addi a1, a0, 1\n"
        "    li a2, " TEXT(EK_CORE_STACK_BYTES) "\n"
                                                "    mul a1, a1, a2\n"
                                                "    la sp, __core_stacks\n"
                                                "    add sp, sp, a1\n"
                                                "    j ek_core\n"
                                                "ek_trap:\n"
                                                "    csrr a0, 0xf14\n"
                                                "    csrr a1, 0x342\n" /* mcause */
                                                "    csrr a2, 0x341\n" /* mepc */
                                                "    andi a3, a0, 15\n"
                                                "    srli a4, a0, 1\n"
                                                "    andi a4, a4, 16\n"
                                                "    or a3, a3, a4\n"
                                                "    addi a3, a3, 1\n"
                                                "    li a4, 192\n"
                                                "    mul a3, a3, a4\n"
                                                "    la sp, ek_fault_stacks\n"
                                                "    add sp, sp, a3\n"
                                                "    j ek_fault\n"
                                                ".option pop\n"
                                                ".text\n");

/* Section boundaries from the linker script. */
extern uint32_t __bss_start[], __bss_end[], __l1_bss_start[], __l1_bss_end[];

/* volatile: must not become a call of memset, whose code may expect a running system */
static void clear(volatile uint32_t *from, const volatile uint32_t *end) {
    while (from < end) {
        *from++ = 0;
    }
}

void ek_controller(void) {
    clear(__bss_start, __bss_end);
    cluster_start();
    clear(__l1_bss_start, __l1_bss_end);
    ek_exit(ek_main());
}

void ek_print(const char *text) {
    while (*text != '\0') {
        STDOUT(hart()) = (uint8_t)*text++;
    }
}

void ek_exit(int code) {
    EXIT = EXIT_VALID | (uint32_t)code;
    for (;;) {
        __asm__ volatile("wfi");
    }
}

static void print_hex(const char *name, uint32_t value) {
    ek_print(name);
    for (int shift = 28; shift >= 0; shift -= 4) {
        STDOUT(hart()) = (uint8_t)"0123456789abcdef"[(value >> shift) & 15u];
    }
}

void ek_fault(uint32_t hartid, uint32_t cause, uint32_t address) {
    print_hex("EK fault: hart ", hartid);
    print_hex(" mcause ", cause);
    print_hex(" mepc ", address);
    ek_print("\n");
    ek_exit(2);
}

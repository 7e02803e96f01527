/* STM32F756 on the NUCLEO-F756ZG: 216 MHz from the internal oscillator, L1 caches on, USART3 on the debugger's serial
 * port (PD8, PD9). Register names, addresses and sequences: ST RM0385; caches: Armv7-M Architecture Reference Manual.
 *
 * The image runs from flash on the AXI bus (0x08000000), behind the L1 caches. The flash interface's own accelerator
 * (ART) and prefetch serve only the other path to the same flash, at 0x00200000: they stay off. */
#include "ek_board.h"
#include "stm32.h"

#define PWR_CR1 REG(0x40007000u)
#define PWR_CSR1 REG(0x40007004u)
#define RCC_CR REG(0x40023800u)
#define RCC_PLLCFGR REG(0x40023804u)
#define RCC_CFGR REG(0x40023808u)
#define RCC_AHB1ENR REG(0x40023830u)
#define RCC_APB1ENR REG(0x40023840u)
#define FLASH_ACR REG(0x40023C00u)
#define GPIOD_MODER REG(0x40020C00u)
#define GPIOD_AFRH REG(0x40020C24u)
#define USART3 0x40004800u
#define SCB_CCR REG(0xE000ED14u)
#define SCB_ICIALLU REG(0xE000EF50u)
#define SCB_DCISW REG(0xE000EF60u)

#define PWR_CR1_VOS_SCALE1 (3u << 14)
#define PWR_CR1_ODEN (1u << 16)
#define PWR_CR1_ODSWEN (1u << 17)
#define PWR_CSR1_VOSRDY (1u << 14)
#define PWR_CSR1_ODRDY (1u << 16)
#define PWR_CSR1_ODSWRDY (1u << 17)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
/* 16 MHz / M = 2 MHz, * N = 432 MHz, / 2 (the value 0 of field P) = 216 MHz; Q = 9 keeps the 48 MHz domain legal */
#define RCC_PLLCFGR_216MHZ (8u | (216u << 6) | (9u << 24))
#define RCC_PLLCFGR_RESERVED 0xF0BC8000u /* to be kept as reset left it */
#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_CFGR_PPRE1_DIV4 (5u << 10) /* APB1 at 54 MHz */
#define RCC_CFGR_PPRE2_DIV2 (4u << 13) /* APB2 at 108 MHz */
#define RCC_AHB1ENR_GPIOD (1u << 3)
#define RCC_APB1ENR_USART3 (1u << 18)
#define RCC_APB1ENR_PWR (1u << 28)
#define FLASH_ACR_LATENCY_MASK 15u
#define FLASH_ACR_LATENCY_7WS 7u
#define SCB_CCR_DC (1u << 16)
#define SCB_CCR_IC (1u << 17)

#define DCACHE_SETS 32u /* 4 KB: 4 ways of 32 lines of 32 bytes */
#define DCACHE_WAYS 4u
#define DCISW_SET(set) ((set) << 5)
#define DCISW_WAY(way) ((way) << 30)

#define HSI_HZ 16000000u  /* clock after reset */
#define APB1_HZ 54000000u /* once the PLL runs */

static void barrier(void) { __asm volatile("dsb\n\tisb" ::: "memory"); }

/* Both caches come out of reset with undefined content: invalidated first, then enabled. */
static void enable_caches(void) {
    barrier();
    SCB_ICIALLU = 0;
    for (uint32_t way = 0; way < DCACHE_WAYS; way++) {
        for (uint32_t set = 0; set < DCACHE_SETS; set++) {
            SCB_DCISW = DCISW_WAY(way) | DCISW_SET(set);
        }
    }
    barrier();
    SCB_CCR |= SCB_CCR_IC | SCB_CCR_DC;
    barrier();
}

/* Clock of APB1 in Hz afterwards: 54 MHz with the core at 216 MHz, or the 16 MHz of reset when the PLL, the
 * regulator or the flash does not get ready. */
static uint32_t set_clock(void) {
    RCC_APB1ENR |= RCC_APB1ENR_PWR;
    (void)RCC_APB1ENR;             /* two cycles until the peripheral is clocked */
    PWR_CR1 |= PWR_CR1_VOS_SCALE1; /* the regulator goes there when the PLL starts */

    RCC_PLLCFGR = (RCC_PLLCFGR & RCC_PLLCFGR_RESERVED) | RCC_PLLCFGR_216MHZ;
    RCC_CR |= RCC_CR_PLLON;
    if (!wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return HSI_HZ;
    }
    if (!wait_for(&PWR_CSR1, PWR_CSR1_VOSRDY, PWR_CSR1_VOSRDY)) {
        return HSI_HZ;
    }

    PWR_CR1 |= PWR_CR1_ODEN;
    if (!wait_for(&PWR_CSR1, PWR_CSR1_ODRDY, PWR_CSR1_ODRDY)) {
        return HSI_HZ;
    }
    PWR_CR1 |= PWR_CR1_ODSWEN;
    if (!wait_for(&PWR_CSR1, PWR_CSR1_ODSWRDY, PWR_CSR1_ODSWRDY)) {
        return HSI_HZ;
    }

    FLASH_ACR = (FLASH_ACR & ~FLASH_ACR_LATENCY_MASK) | FLASH_ACR_LATENCY_7WS;
    if (!wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY_7WS)) {
        return HSI_HZ;
    }

    RCC_CFGR |= RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2;
    RCC_CFGR |= RCC_CFGR_SW_PLL;
    return wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL) ? APB1_HZ : HSI_HZ / 4u;
}

static void set_uart(uint32_t clock_hz) {
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOD;
    RCC_APB1ENR |= RCC_APB1ENR_USART3;
    (void)RCC_APB1ENR;
    GPIOD_AFRH = (GPIOD_AFRH & ~0xFFu) | 0x77u;                 /* PD8 and PD9: alternate function 7 */
    GPIOD_MODER = (GPIOD_MODER & ~(0xFu << 16)) | (0xAu << 16); /* both as alternate function */
    usart_start(USART3, clock_hz);
}

void ek_board_init(void) {
    enable_caches();
    set_uart(set_clock());
}

uint8_t ek_board_receive(void) { return usart_receive(USART3); }

void ek_board_send(uint8_t byte) { usart_send(USART3, byte); }

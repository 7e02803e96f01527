/* STM32F756 on the NUCLEO-F756ZG: 216 MHz from the internal oscillator, L1 caches on, USART3 on the debugger's serial
 * port (PD8, PD9). Register names, addresses and sequences: ST RM0385; caches: Arm DUI 0646, cache maintenance.
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
#define RCC_DCKCFGR2 REG(0x40023890u)
#define FLASH_ACR REG(0x40023C00u)
#define GPIOD_MODER REG(0x40020C00u)
#define GPIOD_AFRH REG(0x40020C24u)
#define USART3 0x40004800u
#define SCB_CCR REG(0xE000ED14u)
#define SCB_CCSIDR REG(0xE000ED80u)
#define SCB_CSSELR REG(0xE000ED84u)
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
#define RCC_PLLCFGR_RESERVED 0xF0BC8000u /* to be kept as it is */
#define RCC_PLLCFGR_M(m) ((uint32_t)(m))
#define RCC_PLLCFGR_N(n) ((uint32_t)(n) << 6) /* P = 2 is the value 0 of its field, HSI the value 0 of the source */
#define RCC_PLLCFGR_Q(q) ((uint32_t)(q) << 24)
#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_CFGR_PPRE1_DIV4 (5u << 10) /* APB1: at most 54 MHz */
#define RCC_CFGR_PPRE2_DIV2 (4u << 13) /* APB2: at most 108 MHz */
#define RCC_AHB1ENR_GPIOD (1u << 3)
#define RCC_APB1ENR_USART3 (1u << 18)
#define RCC_APB1ENR_PWR (1u << 28)
#define RCC_DCKCFGR2_USART3_MASK (3u << 4)
#define RCC_DCKCFGR2_USART3_HSI (2u << 4)
#define FLASH_ACR_LATENCY_MASK 0xFu
#define FLASH_ACR_LATENCY_7WS 7u
#define SCB_CCR_DC (1u << 16)
#define SCB_CCR_IC (1u << 17)
#define SCB_CCSIDR_LAST_SET(value) (((value) >> 13) & 0x7FFFu)
#define SCB_DCISW_SET(set) ((set) << 5) /* lines of 32 bytes */
#define SCB_DCISW_WAY(way) ((way) << 30)
#define DCACHE_WAYS 4u /* of every Cortex-M7 */

#define HSI_HZ 16000000u /* clock after reset */

static void barrier(void) { __asm volatile("dsb\n\tisb" ::: "memory"); }

/* What the caches hold after reset is undefined: it is invalidated before they are used. */
static void enable_caches(void) {
    barrier();
    SCB_ICIALLU = 0;
    SCB_CSSELR = 0; /* CCSIDR describes the data cache */
    barrier();
    uint32_t last_set = SCB_CCSIDR_LAST_SET(SCB_CCSIDR);
    for (uint32_t set = 0; set <= last_set; set++) {
        for (uint32_t way = 0; way < DCACHE_WAYS; way++) {
            SCB_DCISW = SCB_DCISW_SET(set) | SCB_DCISW_WAY(way);
        }
    }
    barrier();
    SCB_CCR |= SCB_CCR_IC | SCB_CCR_DC;
    barrier();
}

/* 216 MHz afterwards, or still the 16 MHz of reset when the PLL, the regulator or the flash does not get ready. */
static void set_clock(void) {
    RCC_APB1ENR |= RCC_APB1ENR_PWR;
    (void)RCC_APB1ENR; /* two cycles until the peripheral is clocked */

    /* 16 MHz / 8 * 216 / 2; the regulator takes the scale over when the PLL starts */
    PWR_CR1 |= PWR_CR1_VOS_SCALE1;
    RCC_PLLCFGR = (RCC_PLLCFGR & RCC_PLLCFGR_RESERVED) | RCC_PLLCFGR_M(8) | RCC_PLLCFGR_N(216) | RCC_PLLCFGR_Q(9);
    RCC_CR |= RCC_CR_PLLON;
    if (!wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY) || !wait_for(&PWR_CSR1, PWR_CSR1_VOSRDY, PWR_CSR1_VOSRDY)) {
        return;
    }

    /* over-drive: more than 180 MHz need it */
    PWR_CR1 |= PWR_CR1_ODEN;
    if (!wait_for(&PWR_CSR1, PWR_CSR1_ODRDY, PWR_CSR1_ODRDY)) {
        return;
    }
    PWR_CR1 |= PWR_CR1_ODSWEN;
    if (!wait_for(&PWR_CSR1, PWR_CSR1_ODSWRDY, PWR_CSR1_ODSWRDY)) {
        return;
    }

    FLASH_ACR = (FLASH_ACR & ~FLASH_ACR_LATENCY_MASK) | FLASH_ACR_LATENCY_7WS;
    if (!wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY_7WS)) {
        return;
    }

    RCC_CFGR |= RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2; /* before the switch: no bus may run too fast */
    RCC_CFGR |= RCC_CFGR_SW_PLL;
    (void)wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

/* The USART runs from the internal oscillator itself: its rate is right whatever became of the clock. */
static void set_uart(void) {
    RCC_DCKCFGR2 = (RCC_DCKCFGR2 & ~RCC_DCKCFGR2_USART3_MASK) | RCC_DCKCFGR2_USART3_HSI;
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIOD;
    RCC_APB1ENR |= RCC_APB1ENR_USART3;
    (void)RCC_APB1ENR;
    GPIOD_AFRH = (GPIOD_AFRH & ~0xFFu) | 0x77u;                 /* PD8 and PD9: alternate function 7 */
    GPIOD_MODER = (GPIOD_MODER & ~(0xFu << 16)) | (0xAu << 16); /* both as alternate function */
    usart_start(USART3, HSI_HZ);
}

void ek_board_init(void) {
    enable_caches();
    set_clock();
    set_uart();
}

uint8_t ek_board_receive(void) { return usart_receive(USART3); }

void ek_board_send(uint8_t byte) { usart_send(USART3, byte); }

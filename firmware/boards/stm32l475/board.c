/* STM32L475 on the B-L475E-IOT01A: 80 MHz from the internal oscillator, USART1 on the debugger's serial port (PB6,
 * PB7). Register names, addresses and sequences: ST RM0351. */
#include "ek_board.h"
#include "stm32.h"

#define PWR_CR1 REG(0x40007000u)
#define PWR_SR2 REG(0x40007014u)
#define RCC_CR REG(0x40021000u)
#define RCC_CFGR REG(0x40021008u)
#define RCC_PLLCFGR REG(0x4002100Cu)
#define RCC_AHB2ENR REG(0x4002104Cu)
#define RCC_APB1ENR1 REG(0x40021058u)
#define RCC_APB2ENR REG(0x40021060u)
#define FLASH_ACR REG(0x40022000u)
#define GPIOB_MODER REG(0x48000400u)
#define GPIOB_AFRL REG(0x48000420u)
#define USART1 0x40013800u

#define PWR_CR1_VOS_MASK (3u << 9)
#define PWR_CR1_VOS_RANGE1 (1u << 9)
#define PWR_SR2_VOSF (1u << 10)
#define RCC_CR_HSION (1u << 8)
#define RCC_CR_HSIRDY (1u << 10)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR_SRC_MSI 1u
#define RCC_PLLCFGR_SRC_HSI16 2u
#define RCC_PLLCFGR_N(n) ((uint32_t)(n) << 8)
#define RCC_PLLCFGR_REN (1u << 24) /* with R = 2, the value 0 of its field */
#define RCC_CFGR_SW_PLL 3u
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (3u << 2)
#define RCC_AHB2ENR_GPIOB (1u << 1)
#define RCC_APB1ENR1_PWR (1u << 28)
#define RCC_APB2ENR_USART1 (1u << 14)
#define FLASH_ACR_LATENCY_MASK 7u
#define FLASH_ACR_LATENCY_4WS 4u
#define FLASH_ACR_CACHES ((1u << 9) | (1u << 10)) /* instruction and data cache; prefetch stays off */

#define PLL_HZ 80000000u
#define MSI_HZ 4000000u /* clock after reset */

static int start_pll(uint32_t configuration) {
    RCC_PLLCFGR = configuration;
    RCC_CR |= RCC_CR_PLLON;
    return wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY);
}

/* Core clock in Hz afterwards: 80 MHz, or the 4 MHz of reset when an oscillator, the PLL or the regulator fails. */
static uint32_t set_clock(void) {
    uint32_t configuration = RCC_PLLCFGR_SRC_MSI | RCC_PLLCFGR_N(40) | RCC_PLLCFGR_REN; /* 4 MHz * 40 / 2 */

    RCC_APB1ENR1 |= RCC_APB1ENR1_PWR;
    (void)RCC_APB1ENR1; /* two cycles until the peripheral is clocked */
    PWR_CR1 = (PWR_CR1 & ~PWR_CR1_VOS_MASK) | PWR_CR1_VOS_RANGE1;
    if (!wait_for(&PWR_SR2, PWR_SR2_VOSF, 0)) {
        return MSI_HZ;
    }

    FLASH_ACR = (FLASH_ACR & ~FLASH_ACR_LATENCY_MASK) | FLASH_ACR_CACHES | FLASH_ACR_LATENCY_4WS;
    if (!wait_for(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY_4WS)) {
        return MSI_HZ;
    }

    RCC_CR |= RCC_CR_HSION;
    if (wait_for(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY)) {
        configuration = RCC_PLLCFGR_SRC_HSI16 | RCC_PLLCFGR_N(10) | RCC_PLLCFGR_REN; /* 16 MHz * 10 / 2 */
    }
    if (!start_pll(configuration)) {
        return MSI_HZ;
    }
    RCC_CFGR |= RCC_CFGR_SW_PLL;
    return wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL) ? PLL_HZ : MSI_HZ;
}

static void set_uart(uint32_t clock_hz) {
    RCC_AHB2ENR |= RCC_AHB2ENR_GPIOB;
    RCC_APB2ENR |= RCC_APB2ENR_USART1;
    (void)RCC_APB2ENR;
    GPIOB_AFRL = (GPIOB_AFRL & ~(0xFFu << 24)) | (0x77u << 24); /* PB6 and PB7: alternate function 7 */
    GPIOB_MODER = (GPIOB_MODER & ~(0xFu << 12)) | (0xAu << 12); /* both as alternate function */
    usart_start(USART1, clock_hz);
}

void ek_board_init(void) { set_uart(set_clock()); }

uint8_t ek_board_receive(void) { return usart_receive(USART1); }

void ek_board_send(uint8_t byte) { usart_send(USART1, byte); }

/* What the STM32 boards share: register access, waiting for a flag, and the polled USART, which is the same from the
 * STM32L4 to the STM32F7. Register names and offsets: ST RM0351, RM0385. */
#ifndef EK_STM32_H
#define EK_STM32_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define USART_CR1(base) REG((base) + 0x00u)
#define USART_BRR(base) REG((base) + 0x0Cu)
#define USART_ISR(base) REG((base) + 0x1Cu)
#define USART_ICR(base) REG((base) + 0x20u)
#define USART_RDR(base) REG((base) + 0x24u)
#define USART_TDR(base) REG((base) + 0x28u)

#define USART_CR1_UE 1u
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_ISR_ORE (1u << 3)
#define USART_ISR_RXNE (1u << 5)
#define USART_ISR_TXE (1u << 7)
#define USART_ICR_ORECF (1u << 3)

#define BAUD 115200u
#define READY_POLLS 100000u /* tens of ms at the clock after reset; the slowest of these waits takes under 1 ms */

/* 1 as soon as the masked bits have the value, 0 if they never do. */
static inline int wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value) {
    for (uint32_t polls = 0; polls < READY_POLLS; polls++) {
        if ((*reg & mask) == value) {
            return 1;
        }
    }
    return 0;
}

/* 8 data bits, no parity, 1 stop bit; clock_hz is the clock that the USART gets. */
static inline void usart_start(uint32_t base, uint32_t clock_hz) {
    USART_BRR(base) = (clock_hz + BAUD / 2u) / BAUD;
    USART_CR1(base) = USART_CR1_UE | USART_CR1_RE | USART_CR1_TE;
}

static inline uint8_t usart_receive(uint32_t base) {
    uint32_t status = USART_ISR(base);

    while ((status & USART_ISR_RXNE) == 0u) {
        if ((status & USART_ISR_ORE) != 0u) {
            USART_ICR(base) = USART_ICR_ORECF; /* a lost byte must not block reception for good */
        }
        status = USART_ISR(base);
    }
    return (uint8_t)USART_RDR(base);
}

static inline void usart_send(uint32_t base, uint8_t byte) {
    while ((USART_ISR(base) & USART_ISR_TXE) == 0u) {
    }
    USART_TDR(base) = byte;
}

#endif

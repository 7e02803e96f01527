/* Register names and offsets: pulp-sdk's udma_v3.h and udma_hyper_v3.h (peripheral 8 of the uDMA, 8 transaction ids).
 */
#include "hyper.h"

#include "pulp.h"

#define UDMA_CLOCK_GATE REG(0x1A102000u)
#define HYPER 8u
#define HYPER_BASE (0x1A102080u + 0x80u * HYPER)

/* Registers of a transaction. */
#define RX_ADDRESS(id) REG(HYPER_BASE + 0x80u * (id) + 0x00u)
#define RX_BYTES(id) REG(HYPER_BASE + 0x80u * (id) + 0x04u)
#define RX_CONFIG(id) REG(HYPER_BASE + 0x80u * (id) + 0x08u)
#define COMMAND(id) REG(HYPER_BASE + 0x80u * (id) + 0x18u)
#define RAM_ADDRESS(id) REG(HYPER_BASE + 0x80u * (id) + 0x1Cu)
#define STATUS(id) REG(HYPER_BASE + 0x80u * (id) + 0x24u)
#define RAM_2D(id) REG(HYPER_BASE + 0x80u * (id) + 0x28u)
#define L2_2D(id) REG(HYPER_BASE + 0x80u * (id) + 0x34u)
#define RX_ENABLE (1u << 4)
#define COMMAND_READ_LINEAR 5u
#define STATUS_BUSY 1u

/* Registers of the channel. */
#define PAGE_BOUND REG(HYPER_BASE + 0x400u)
#define ACCESS_LATENCY REG(HYPER_BASE + 0x404u)
#define ADD_LATENCY REG(HYPER_BASE + 0x408u)
#define CHIP_SELECT_TIME REG(HYPER_BASE + 0x40Cu)
#define CHIP_SELECT REG(HYPER_BASE + 0x420u)
#define FREE_ID REG(HYPER_BASE + 0x424u)
#define NO_PAGE_BOUND 4u
#define IDS 8u

static uint32_t pending; /* ids of reads that were not waited for */

static int started;

static void start(void) {
    started = 1;
    UDMA_CLOCK_GATE |= 1u << HYPER;
    PAGE_BOUND = NO_PAGE_BOUND;
    ADD_LATENCY = 1;
    CHIP_SELECT = 0;
    CHIP_SELECT_TIME = ~0u;
    ACCESS_LATENCY = 6;
}

void hyper_read(uint32_t address, uint8_t *l2, uint32_t bytes) {
    if (!started) {
        start();
    }
    uint32_t id = FREE_ID;

    while (id >= IDS) {
        id = FREE_ID;
    }
    RAM_2D(id) = 0;
    L2_2D(id) = 0;
    COMMAND(id) = COMMAND_READ_LINEAR;
    RAM_ADDRESS(id) = address;
    RX_ADDRESS(id) = (uint32_t)(uintptr_t)l2;
    RX_BYTES(id) = bytes;
    RX_CONFIG(id) = RX_ENABLE;
    pending |= 1u << id;
}

void hyper_wait(void) {
    for (uint32_t id = 0; id < IDS; id++) {
        while ((pending & (1u << id)) != 0 && (STATUS(id) & STATUS_BUSY) != 0) {
        }
    }
    pending = 0;
    __asm__ volatile("" ::: "memory");
}

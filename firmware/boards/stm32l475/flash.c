/* Slots for state at the end of the STM32L475's flash. Register names, keys and sequences: ST RM0351, chapter 3.
 *
 * The slots lie in bank 2. As long as the image ends in bank 1, the core goes on while they are erased and programmed.
 */
#include "ek_flash.h"
#include "stm32.h"

#define FLASH_ACR REG(0x40022000u)
#define FLASH_KEYR REG(0x40022008u)
#define FLASH_SR REG(0x40022010u)
#define FLASH_CR REG(0x40022014u)
#define FLASH_ECCR REG(0x40022018u)

#define FLASH_KEY1 0x45670123u
#define FLASH_KEY2 0xCDEF89ABu
#define FLASH_ACR_ICEN (1u << 9)
#define FLASH_ACR_DCEN (1u << 10)
#define FLASH_ACR_ICRST (1u << 11)
#define FLASH_ACR_DCRST (1u << 12)
#define FLASH_SR_ERRORS 0xC3FAu /* OPERR, PROGERR, WRPERR, PGAERR, SIZERR, PGSERR, MISERR, FASTERR, RDERR, OPTVERR */
#define FLASH_SR_BSY (1u << 16)
#define FLASH_CR_PG 1u
#define FLASH_CR_PER (1u << 1)
#define FLASH_CR_PNB(page) ((page) << 3)
#define FLASH_CR_BKER(bank) ((bank) << 11)
#define FLASH_CR_OPERATION 0x58FFFu /* everything that chooses an operation: PG to MER2, STRT, FSTPG */
#define FLASH_CR_STRT (1u << 16)
#define FLASH_CR_LOCK (1u << 31)
#define FLASH_ECCR_ADDRESS 0xFFFFFu /* from the start of flash: bank and address in the bank */
#define FLASH_ECCR_SYSF (1u << 20)
#define FLASH_ECCR_ECCD (1u << 31)

#define FLASH_BASE 0x08000000u
#define PAGE_BYTES 2048u
#define BANK_PAGES 256u

/* From the linker script. */
extern uint8_t __nvm_start[], __nvm_end[];

void NMI_Handler(void);

static uint32_t access_control; /* as it was before flash was opened */

static uint32_t start_of(uint32_t slot) { return (uint32_t)(uintptr_t)__nvm_start + slot * ek_flash_slot_bytes(); }

/* Waits for the end of an operation; 1 if it went well. */
static int finished(void) {
    while ((FLASH_SR & FLASH_SR_BSY) != 0) {
    }
    return (FLASH_SR & FLASH_SR_ERRORS) == 0;
}

/* No operation starts while errors are shown: those of other code must not stop this one's. */
static void choose(uint32_t operation) {
    FLASH_SR = FLASH_SR_ERRORS;
    FLASH_CR = (FLASH_CR & ~FLASH_CR_OPERATION) | operation;
}

uint32_t ek_flash_slot_bytes(void) { return (uint32_t)(__nvm_end - __nvm_start) / EK_FLASH_SLOTS; }

const uint8_t *ek_flash_slot(uint32_t slot) { return (const uint8_t *)(uintptr_t)start_of(slot); }

int ek_flash_open(void) {
    finished();
    if ((FLASH_CR & FLASH_CR_LOCK) != 0) {
        FLASH_KEYR = FLASH_KEY1;
        FLASH_KEYR = FLASH_KEY2;
    }
    access_control = FLASH_ACR;
    FLASH_ACR = access_control & ~FLASH_ACR_DCEN; /* or reads would give what was there before */
    return (FLASH_CR & FLASH_CR_LOCK) == 0;
}

/* Both caches may hold what has been erased; they can be emptied only while they are off. */
void ek_flash_close(void) {
    const uint32_t off = access_control & ~(FLASH_ACR_ICEN | FLASH_ACR_DCEN);

    FLASH_CR = (FLASH_CR & ~FLASH_CR_OPERATION) | FLASH_CR_LOCK;
    FLASH_ACR = off;
    FLASH_ACR = off | FLASH_ACR_ICRST | FLASH_ACR_DCRST;
    FLASH_ACR = off;
    FLASH_ACR = access_control;
}

int ek_flash_erase(uint32_t slot) {
    uint32_t page = (start_of(slot) - FLASH_BASE) / PAGE_BYTES;
    int good = (FLASH_CR & FLASH_CR_LOCK) == 0; /* a locked register takes nothing, and says nothing */

    for (uint32_t count = ek_flash_slot_bytes() / PAGE_BYTES; count > 0 && good; count--, page++) {
        choose(FLASH_CR_PER | FLASH_CR_PNB(page % BANK_PAGES) | FLASH_CR_BKER(page / BANK_PAGES));
        FLASH_CR |= FLASH_CR_STRT;
        good = finished();
    }
    choose(0);
    return good;
}

int ek_flash_program(uint32_t slot, uint32_t offset, uint32_t low, uint32_t high) {
    volatile uint32_t *cells = (volatile uint32_t *)(uintptr_t)(start_of(slot) + offset);

    choose(FLASH_CR_PG);
    cells[0] = low;
    __asm volatile("isb" ::: "memory"); /* two writes, in this order */
    cells[1] = high;
    int good = finished();
    choose(0);
    return good;
}

/* Power that goes during a write leaves double words that fail their error correction, and reading one raises an NMI.
 * In a slot that is no reason to stop: the CRC tells that the slot is unusable. Anywhere else the image is damaged. */
void NMI_Handler(void) {
    uint32_t fault = FLASH_ECCR, address = FLASH_BASE + (fault & FLASH_ECCR_ADDRESS);
    int expected = (fault & FLASH_ECCR_ECCD) != 0 && (fault & FLASH_ECCR_SYSF) == 0;

    if (!expected || address < start_of(0) || address >= start_of(EK_FLASH_SLOTS)) {
        for (;;) {
        }
    }
    FLASH_ECCR = FLASH_ECCR_ECCD;
}

/* What saving state needs from a board: two slots of memory-mapped flash, erased whole and programmed by 64 bits.
 * Functions that return int give 1 on success and 0 on failure. */
#ifndef EK_FLASH_H
#define EK_FLASH_H

#include <stdint.h>

#define EK_FLASH_SLOTS 2u

/* Bytes of one slot: whole pages. */
uint32_t ek_flash_slot_bytes(void);

/* Where a slot lies; 8-byte aligned. Erased flash reads as ones. */
const uint8_t *ek_flash_slot(uint32_t slot);

/* Erasing and programming are possible only between these two. */
int ek_flash_open(void);
void ek_flash_close(void);

int ek_flash_erase(uint32_t slot);

/* Programs 8 bytes at an offset that is a multiple of 8 and erased. */
int ek_flash_program(uint32_t slot, uint32_t offset, uint32_t low, uint32_t high);

#endif

/* Two slots of flash in memory, with the rules of real flash and power that can go at any step. */
#include <stdint.h>
#include <string.h>

#include "runtime/nvm/ek_flash.h"

#define SLOT_BYTES 512u

uint8_t flash[EK_FLASH_SLOTS][SLOT_BYTES] __attribute__((aligned(8)));
uint32_t slot_bytes = SLOT_BYTES;
uint32_t steps;                  /* erases and writes so far */
uint32_t cut_at = 0xFFFFFFFFu;   /* the step in the middle of which power goes */
uint32_t fail_at = 0xFFFFFFFFu;  /* the step that flash refuses */
uint32_t stuck_at = 0xFFFFFFFFu; /* the step that flash takes but gets wrong */
uint32_t refuses_to_open, is_open;
uint64_t noise = 1; /* of cells that a cut leaves undefined; 0 leaves them as they were */

static uint8_t undefined(uint8_t before) {
    if (noise == 0) {
        return before;
    }
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return (uint8_t)(noise >> 24);
}

/* Whether the step is carried out; otherwise it is refused, cut, or behind the cut. */
static int proceeds(uint8_t *cells, uint32_t bytes) {
    uint32_t step = steps++;

    for (uint32_t i = 0; step == cut_at && i < bytes; i++) {
        cells[i] = undefined(cells[i]);
    }
    return step < cut_at && step != fail_at;
}

uint32_t ek_flash_slot_bytes(void) { return slot_bytes; }

const uint8_t *ek_flash_slot(uint32_t slot) { return flash[slot]; }

int ek_flash_open(void) {
    is_open = !refuses_to_open;
    return (int)is_open;
}

void ek_flash_close(void) { is_open = 0; }

int ek_flash_erase(uint32_t slot) {
    if (!is_open) {
        return 0;
    }
    if (proceeds(flash[slot], slot_bytes)) {
        memset(flash[slot], 0xFF, slot_bytes);
    }
    return steps - 1u != fail_at;
}

int ek_flash_program(uint32_t slot, uint32_t offset, uint32_t low, uint32_t high) {
    const uint32_t words[2] = {low, high};
    uint8_t *cells = flash[slot] + offset;

    for (uint32_t i = 0; i < 8u; i++) {
        if (cells[i] != 0xFFu && steps < cut_at) {
            return 0; /* not erased */
        }
    }
    if (!is_open || offset % 8u != 0 || offset + 8u > slot_bytes) {
        return 0;
    }
    if (proceeds(cells, 8)) {
        memcpy(cells, words, 8);
        cells[0] = (uint8_t)(cells[0] ^ (steps - 1u == stuck_at));
    }
    return steps - 1u != fail_at;
}

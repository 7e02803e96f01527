/* A slot, in little-endian 32-bit words:
 *
 *     magic, version | fingerprint, bytes of the state | sequence, CRC | the state, one span behind the other, padded
 *
 * The CRC covers everything else. Its double word is programmed last: before, the slot does not count. Of two good
 * slots the one with the later sequence number is the newest. A save erases the other one first, whatever it looks
 * like: cells of an erase or a write that power cut short cannot be trusted even where they read well. */
#include "ek_nvm.h"

#include "crc32.h"
#include "ek_flash.h"

#define MAGIC 0x564E4B45u /* "EKNV" */
#define VERSION 1u
#define UNWRITTEN 0xFFFFFFFFu

enum { WORD_MAGIC, WORD_VERSION, WORD_FINGERPRINT, WORD_BYTES, WORD_SEQUENCE, WORD_CRC, HEADER_WORDS };
#define COMMIT_OFFSET (4u * WORD_SEQUENCE)

typedef enum { SLOT_GOOD, SLOT_ERASED, SLOT_FOREIGN, SLOT_DAMAGED } slot_kind;

typedef struct {
    slot_kind kind;
    uint32_t sequence;
} slot_state;

static uint32_t word_at(const uint8_t *bytes) {
    return bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
}

static uint32_t state_bytes(const ek_nvm_layout *layout) {
    uint32_t total = 0;

    for (uint32_t i = 0; i < layout->span_count; i++) {
        total += layout->spans[i].bytes;
    }
    return total;
}

static int is_erased(const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i] != 0xFFu) {
            return 0;
        }
    }
    return 1;
}

/* The CRC of a slot in flash: its header up to the sequence number, then the state. */
static uint32_t slot_crc(const uint8_t *slot, uint32_t bytes) {
    return ek_crc32(ek_crc32(0, slot, 4u * WORD_CRC), slot + EK_NVM_HEADER_BYTES, bytes);
}

/* Whose slot it is shows only when its CRC holds. */
static slot_state examine(uint32_t index, const ek_nvm_layout *layout) {
    const uint8_t *slot = ek_flash_slot(index);
    uint32_t size = ek_flash_slot_bytes();
    uint32_t bytes = word_at(slot + 4u * WORD_BYTES);
    slot_state state = {.kind = SLOT_DAMAGED, .sequence = word_at(slot + COMMIT_OFFSET)};

    if (is_erased(slot, size)) {
        state.kind = SLOT_ERASED;
    } else if (word_at(slot) == MAGIC && state.sequence != UNWRITTEN && bytes <= size - EK_NVM_HEADER_BYTES &&
               word_at(slot + 4u * WORD_CRC) == slot_crc(slot, bytes)) {
        int own = word_at(slot + 4u * WORD_VERSION) == VERSION && bytes == state_bytes(layout) &&
                  word_at(slot + 4u * WORD_FINGERPRINT) == layout->fingerprint;
        state.kind = own ? SLOT_GOOD : SLOT_FOREIGN;
    }
    return state;
}

/* The slot with the newest good state, or EK_FLASH_SLOTS. Sequence numbers are compared across their overflow. */
static uint32_t newest(const slot_state *slots) {
    int good0 = slots[0].kind == SLOT_GOOD, good1 = slots[1].kind == SLOT_GOOD;

    if (good0 && good1) {
        return (int32_t)(slots[1].sequence - slots[0].sequence) > 0 ? 1u : 0u;
    }
    return good0 ? 0u : good1 ? 1u : EK_FLASH_SLOTS;
}

ek_nvm_status ek_nvm_load(const ek_nvm_layout *layout) {
    const slot_state slots[EK_FLASH_SLOTS] = {examine(0, layout), examine(1, layout)};
    uint32_t chosen = newest(slots);

    if (chosen == EK_FLASH_SLOTS) {
        int foreign = slots[0].kind == SLOT_FOREIGN || slots[1].kind == SLOT_FOREIGN;
        int erased = slots[0].kind == SLOT_ERASED && slots[1].kind == SLOT_ERASED;
        return foreign ? EK_NVM_FOREIGN : erased ? EK_NVM_EMPTY : EK_NVM_CORRUPT;
    }

    const uint8_t *from = ek_flash_slot(chosen) + EK_NVM_HEADER_BYTES;
    for (uint32_t i = 0; i < layout->span_count; i++) {
        uint8_t *to = layout->spans[i].data;
        for (uint32_t at = 0; at < layout->spans[i].bytes; at++) {
            to[at] = *from++;
        }
    }
    slot_kind other = slots[1u - chosen].kind;
    return other == SLOT_GOOD || other == SLOT_ERASED ? EK_NVM_OK : EK_NVM_FELL_BACK;
}

/* Programs the spans as one stream of double words, zeros behind their end. */
static int write_spans(uint32_t slot, const ek_nvm_layout *layout) {
    uint32_t words[2] = {0, 0}, filled = 0, offset = EK_NVM_HEADER_BYTES;

    for (uint32_t i = 0; i < layout->span_count; i++) {
        const uint8_t *from = layout->spans[i].data;
        for (uint32_t at = 0; at < layout->spans[i].bytes; at++) {
            words[filled / 4u] |= (uint32_t)from[at] << (8u * (filled % 4u));
            if (++filled == 8u) {
                if (!ek_flash_program(slot, offset, words[0], words[1])) {
                    return 0;
                }
                words[0] = words[1] = filled = 0;
                offset += 8u;
            }
        }
    }
    return filled == 0 || ek_flash_program(slot, offset, words[0], words[1]);
}

/* Writes a whole slot. Its CRC is that of the state in memory: a slot that flash did not take well is not good. */
static int write_slot(uint32_t slot, const ek_nvm_layout *layout, uint32_t sequence) {
    const uint32_t bytes = state_bytes(layout);
    const uint32_t header[WORD_CRC] = {MAGIC, VERSION, layout->fingerprint, bytes, sequence};
    uint32_t crc = 0;

    for (uint32_t i = 0; i < WORD_CRC; i++) {
        const uint8_t word[4] = {(uint8_t)header[i], (uint8_t)(header[i] >> 8), (uint8_t)(header[i] >> 16),
                                 (uint8_t)(header[i] >> 24)};
        crc = ek_crc32(crc, word, 4);
    }
    for (uint32_t i = 0; i < layout->span_count; i++) {
        crc = ek_crc32(crc, layout->spans[i].data, layout->spans[i].bytes);
    }
    return ek_flash_erase(slot) && ek_flash_program(slot, 0, header[WORD_MAGIC], header[WORD_VERSION]) &&
           ek_flash_program(slot, 8, header[WORD_FINGERPRINT], header[WORD_BYTES]) && write_spans(slot, layout) &&
           ek_flash_program(slot, COMMIT_OFFSET, sequence, crc);
}

ek_nvm_status ek_nvm_save(const ek_nvm_layout *layout) {
    const slot_state slots[EK_FLASH_SLOTS] = {examine(0, layout), examine(1, layout)};
    uint32_t kept = newest(slots);
    uint32_t target = kept == 0 ? 1u : 0u;
    uint32_t sequence = kept == EK_FLASH_SLOTS ? 0u : slots[kept].sequence + 1u;

    if (sequence == UNWRITTEN) {
        sequence = 0;
    }
    if (EK_NVM_USED_BYTES(state_bytes(layout)) > ek_flash_slot_bytes() || !ek_flash_open()) {
        return EK_NVM_FAILED;
    }
    int written = write_slot(target, layout, sequence);
    ek_flash_close();
    return written && examine(target, layout).kind == SLOT_GOOD ? EK_NVM_OK : EK_NVM_FAILED;
}

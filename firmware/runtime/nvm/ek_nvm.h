/* State that outlives power: saved in turn to one of two slots of flash, each with a version, a sequence number and a
 * CRC-32. The slot that holds the newest good state is never touched by a save, so that power may go at any moment. */
#ifndef EK_NVM_H
#define EK_NVM_H

#include <stdint.h>

/* A piece of state in memory. */
typedef struct {
    void *data;
    uint32_t bytes;
} ek_nvm_span;

/* What is saved, in this order. The fingerprint tells the states of different models apart. */
typedef struct {
    const ek_nvm_span *spans;
    uint32_t span_count;
    uint32_t fingerprint;
} ek_nvm_layout;

typedef enum {
    EK_NVM_OK = 0,        /* load: the newest state is in memory; save: the state is in flash */
    EK_NVM_EMPTY = 1,     /* load: nothing was ever saved; memory is as it was */
    EK_NVM_FELL_BACK = 2, /* load: one slot is unusable (power went during a save, or it is damaged); the other one's
                             state is in memory */
    EK_NVM_CORRUPT = 3,   /* load: neither slot is usable; memory is as it was */
    EK_NVM_FOREIGN = 4,   /* load: what is saved belongs to another model; memory is as it was */
    EK_NVM_FAILED = 5 /* save: flash did not take it, or slots are too small; what was saved before is still there */
} ek_nvm_status;

/* Bytes in front of the state in a slot, and of the whole slot; flash is programmed by 8 bytes. */
#define EK_NVM_HEADER_BYTES 24u
#define EK_NVM_USED_BYTES(state_bytes) (EK_NVM_HEADER_BYTES + (((state_bytes) + 7u) & ~7u))

/* Brings the newest good state into memory; call it before anything reads the spans. */
ek_nvm_status ek_nvm_load(const ek_nvm_layout *layout);

/* Saves the state. It must not change meanwhile; takes as long as flash takes to erase and program a slot. */
ek_nvm_status ek_nvm_save(const ek_nvm_layout *layout);

#endif

/* Flash that firmware erases and programs: cells that outlive a run, and the controller of the STM32L4 (ST RM0351,
 * chapter 3: keys, page erase, programming by 64 bits, status flags, error correction).
 *
 * An operation takes effect at once and shows as busy for some reads of the status; how long it takes on the chip is
 * for whoever counts the operations. Power can be cut in the middle of any operation. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

#define ACR 0x00u
#define KEYR 0x08u
#define SR 0x10u
#define CR 0x14u
#define ECCR 0x18u

#define KEY1 0x45670123u
#define KEY2 0xCDEF89ABu

#define ACR_DCEN (1u << 10)
#define ACR_DCRST (1u << 12)
#define ACR_RESET 0x600u /* both caches on */

#define SR_EOP 1u
#define SR_PROGERR (1u << 3)
#define SR_WRPERR (1u << 4)
#define SR_PGAERR (1u << 5)
#define SR_SIZERR (1u << 6)
#define SR_PGSERR (1u << 7)
#define SR_CLEARABLE 0xC3FBu
#define SR_BSY (1u << 16)
/* With one of these flags up no operation starts. */
#define SR_BLOCKING (SR_PROGERR | SR_WRPERR | SR_PGAERR | SR_SIZERR | SR_PGSERR)

#define CR_PG 1u
#define CR_PER (1u << 1)
#define CR_MASS ((1u << 2) | (1u << 15))
#define CR_PNB(cr) (((cr) >> 3) & 0xFFu)
#define CR_BKER(cr) (((cr) >> 11) & 1u)
#define CR_STRT (1u << 16)
#define CR_EOPIE (1u << 24)
#define CR_LOCK (1u << 31)

#define ECCR_ECCD (1u << 31)
#define ECCR_FLAGS (3u << 30)

#define BUSY_POLLS 3u /* reads of the status that show an operation as busy */
#define ROW 8u        /* bytes that are programmed at once */

/* Of a double word. WEAK: its bits and their check bits do not belong together. */
enum { ERASED = 0, PROGRAMMED, WEAK };

struct ek_flash {
    ek_trace *trace;
    ek_flash_part part;
    uint8_t *cells, *marks;
    uint32_t window; /* address from which on cells are accessed through here: below lies the image */

    uint32_t keys; /* keys taken, of two; 3 after a wrong one */
    uint32_t acr, cr, sr, eccr;
    int stale; /* the data cache may hold what cells held before */
    uint32_t busy, busy_bank;
    uint32_t low, low_at; /* the first word of a double word and its offset, or EK_NONE */
    uint32_t reading;     /* the double word that was read last: what is wrong with it has been told */
    int nmi, dead;

    ek_flash_work work;
    uint64_t cut_after, noise;
    int torn;
};

ek_flash *ek_flash_new(ek_trace *trace, const ek_flash_part *part, uint8_t *cells, uint8_t *marks, uint32_t window) {
    ek_flash *flash = calloc(1, sizeof *flash);

    if (flash != NULL) {
        flash->trace = trace;
        flash->part = *part;
        flash->cells = cells;
        flash->marks = marks;
        flash->window = window;
        flash->acr = ACR_RESET;
        flash->cr = CR_LOCK;
        flash->low_at = EK_NONE;
        flash->reading = EK_NONE;
        flash->cut_after = UINT64_MAX;
    }
    return flash;
}

void ek_flash_free(ek_flash *flash) { free(flash); }

void ek_flash_cut(ek_flash *flash, uint64_t after, int torn, uint64_t noise) {
    flash->cut_after = after;
    flash->torn = torn;
    flash->noise = noise | 1u; /* the generator stands still at 0 */
}

void ek_flash_done(const ek_flash *flash, ek_flash_work *work) { *work = flash->work; }

int ek_flash_take_nmi(ek_flash *flash) {
    int taken = flash->nmi;

    flash->nmi = 0;
    return taken;
}

static uint8_t noise(ek_flash *flash) {
    flash->noise ^= flash->noise << 13;
    flash->noise ^= flash->noise >> 7;
    flash->noise ^= flash->noise << 17;
    return (uint8_t)(flash->noise >> 32);
}

static void finish(ek_flash *flash) {
    flash->busy = 0;
    flash->sr |= (flash->cr & CR_EOPIE) != 0 ? SR_EOP : 0;
}

/* An operation on cells begins; whether it is carried out, or cut. */
static int begin(ek_flash *flash, void *uc, uint32_t offset, uint32_t bytes) {
    uint32_t code = ek_trace_at(flash->trace) - flash->part.base;

    if (flash->work.erases + flash->work.programs == flash->cut_after) {
        for (uint32_t i = 0; flash->torn && i < bytes; i++) {
            flash->cells[offset + i] = noise(flash);
            flash->marks[(offset + i) / ROW] = (noise(flash) & 1u) != 0 ? WEAK : PROGRAMMED;
        }
        flash->dead = 1;
        ek_trace_stop(flash->trace, uc, EK_POWER_CUT, flash->part.base + offset);
        return 0;
    }
    flash->stale = 1;
    flash->busy = BUSY_POLLS;
    flash->busy_bank = offset / flash->part.bank_bytes;
    if (code < flash->part.bytes && code / flash->part.bank_bytes == flash->busy_bank) {
        flash->work.stalls++; /* the next instruction comes only when the bank can be read again */
        finish(flash);
    }
    return 1;
}

static int in_image(ek_flash *flash, void *uc, uint32_t offset) {
    int own = flash->part.base + offset < flash->window;

    if (own) {
        ek_trace_stop(flash->trace, uc, EK_OWN_IMAGE, flash->part.base + offset);
    }
    return own;
}

static int is_protected(const ek_flash *flash, uint32_t offset) {
    return offset - flash->part.protected_offset < flash->part.protected_bytes;
}

static void erase(ek_flash *flash, void *uc) {
    uint32_t offset = CR_BKER(flash->cr) * flash->part.bank_bytes + CR_PNB(flash->cr) * flash->part.page_bytes;

    if ((flash->cr & (CR_PER | CR_PG)) != CR_PER || (flash->sr & SR_BLOCKING) != 0) {
        flash->sr |= SR_PGSERR;
    } else if (is_protected(flash, offset)) {
        flash->sr |= SR_WRPERR;
    } else if (!in_image(flash, uc, offset) && begin(flash, uc, offset, flash->part.page_bytes)) {
        memset(flash->cells + offset, 0xFF, flash->part.page_bytes);
        memset(flash->marks + offset / ROW, ERASED, flash->part.page_bytes / ROW);
        flash->work.erases++;
    }
}

static void program(ek_flash *flash, void *uc, uint32_t offset, uint32_t low, uint32_t high) {
    static const uint8_t ones[ROW] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uint8_t *cells = flash->cells + offset, *mark = flash->marks + offset / ROW;
    const uint32_t words[2] = {low, high};
    int zeros = (low | high) == 0;

    if (is_protected(flash, offset)) {
        flash->sr |= SR_WRPERR;
    } else if (memcmp(cells, ones, ROW) != 0 && !zeros) {
        flash->sr |= SR_PROGERR;
    } else if (begin(flash, uc, offset, ROW)) {
        memcpy(cells, words, ROW);
        /* Ones that were programmed look erased, but their check bits are not: new bits do not fit these. */
        *mark = *mark == ERASED || zeros ? PROGRAMMED : WEAK;
        flash->work.programs++;
    }
}

static void take_key(ek_flash *flash, void *uc, uint32_t key) {
    static const uint32_t expected[2] = {KEY1, KEY2};

    if (flash->keys >= 2 || key != expected[flash->keys]) {
        flash->keys = 3;
        ek_trace_stop(flash->trace, uc, EK_WRONG_KEY, flash->part.registers + KEYR);
    } else if (++flash->keys == 2) {
        flash->cr &= ~CR_LOCK;
    }
}

static void control(ek_flash *flash, void *uc, uint32_t value) {
    if ((flash->cr & CR_LOCK) != 0) {
        return;
    }
    if (flash->busy != 0) {
        finish(flash); /* the access waits */
    }
    if ((value & CR_LOCK) != 0) {
        flash->keys = 0;
    }
    flash->cr = value & ~CR_STRT;
    if ((value & CR_STRT) != 0 && (value & CR_MASS) != 0) {
        ek_trace_stop(flash->trace, uc, EK_OWN_IMAGE, flash->part.base);
    } else if ((value & CR_STRT) != 0) {
        erase(flash, uc);
    }
}

int ek_flash_owns(const ek_flash *flash, uint32_t address) {
    uint32_t offset = address - flash->part.registers;

    return offset == KEYR || offset == SR || offset == CR || offset == ECCR;
}

void ek_flash_set_access(ek_flash *flash, uint32_t address, uint32_t value) {
    if (address - flash->part.registers == ACR) {
        if ((value & ACR_DCRST) != 0 && ((flash->acr | value) & ACR_DCEN) == 0) {
            flash->stale = 0; /* emptied, which works only while it is off */
        }
        flash->acr = value;
    }
}

uint32_t ek_flash_register(ek_flash *flash, uint32_t address) {
    uint32_t offset = address - flash->part.registers;

    if (offset != SR) {
        return offset == CR ? flash->cr : offset == ECCR ? flash->eccr : 0;
    }
    if (flash->busy == 0) {
        return flash->sr;
    }
    if (--flash->busy == 0) {
        finish(flash);
    }
    return flash->sr | SR_BSY;
}

void ek_flash_set_register(ek_flash *flash, void *uc, uint32_t address, uint32_t value) {
    uint32_t offset = address - flash->part.registers;

    if (flash->dead) {
        return;
    }
    if (offset == KEYR) {
        take_key(flash, uc, value);
    } else if (offset == SR) {
        flash->sr &= ~(value & SR_CLEARABLE);
    } else if (offset == CR) {
        control(flash, uc, value);
    } else {
        flash->eccr &= ~(value & ECCR_FLAGS);
    }
}

uint64_t ek_flash_read(void *uc, uint64_t at, unsigned size, void *user) {
    ek_flash *flash = user;
    uint32_t offset = flash->window - flash->part.base + (uint32_t)at, value = 0;

    if (flash->stale && (flash->acr & ACR_DCEN) != 0) {
        ek_trace_stop(flash->trace, uc, EK_STALE_CACHE, flash->part.base + offset);
    }
    if (flash->busy != 0 && flash->busy_bank == offset / flash->part.bank_bytes) {
        flash->work.stalls++;
        finish(flash);
    }
    if (flash->marks[offset / ROW] == WEAK && offset / ROW != flash->reading && (flash->eccr & ECCR_ECCD) == 0) {
        flash->eccr = ECCR_ECCD | (offset & -ROW); /* bank and address in the bank, of 512 KB each */
        flash->nmi = 1;
        ek_trace_pause(flash->trace, uc); /* the load is done once more behind the handler */
    }
    flash->reading = offset / ROW;
    memcpy(&value, flash->cells + offset, size);
    return value;
}

void ek_flash_write(void *uc, uint64_t at, unsigned size, uint64_t value, void *user) {
    ek_flash *flash = user;
    uint32_t offset = flash->window - flash->part.base + (uint32_t)at;
    uint32_t errors = size != 4 ? SR_SIZERR : 0;

    if (flash->dead) {
        return;
    }
    if (flash->busy != 0) {
        flash->work.stalls++;
        finish(flash);
    }
    if ((flash->cr & (CR_PG | CR_PER)) != CR_PG || (flash->sr & SR_BLOCKING) != 0) {
        errors |= SR_PGSERR;
    }
    if (flash->low_at == EK_NONE ? offset % ROW != 0 : offset != flash->low_at + 4u) {
        errors |= SR_PGAERR;
    }
    flash->sr |= errors;
    if (errors != 0) {
        flash->low_at = EK_NONE;
    } else if (flash->low_at == EK_NONE) {
        flash->low = (uint32_t)value;
        flash->low_at = offset;
    } else {
        flash->low_at = EK_NONE;
        program(flash, uc, offset - 4u, flash->low, (uint32_t)value);
    }
}

#include "ram.h"

#include "ek_config.h"
#include "ek_port.h"

#if EK_L3_BYTES > 0

#include "bsp/bsp.h"
#include "bsp/fs.h"
#include "bsp/fs/readfs.h"
#include "bsp/ram.h"

/* The SDKs for GAP8 and GAP9 know the devices of the board; pulp-sdk has HyperBus devices. */
#if defined(__GAP8__) || defined(__GAP9__)
typedef struct pi_default_ram_conf ram_conf;
typedef struct pi_default_flash_conf flash_conf;
#define RAM_CONF_INIT pi_default_ram_conf_init
#define FLASH_CONF_INIT pi_default_flash_conf_init
#else
#include "bsp/flash/hyperflash.h"
#include "bsp/ram/hyperram.h"
typedef struct pi_hyperram_conf ram_conf;
typedef struct pi_hyperflash_conf flash_conf;
#define RAM_CONF_INIT pi_hyperram_conf_init
#define FLASH_CONF_INIT pi_hyperflash_conf_init
#endif

enum { PIECE = 4096, REQUESTS = 4 };

static struct pi_device ram, flash, files;
static uint32_t image; /* where the image starts in the RAM */
static pi_cl_ram_req_t requests[REQUESTS];
static uint32_t pending;

/* The configurations stay alive: the devices keep pointers to them. */
static int open_devices(void) {
    static ram_conf ram_is;
    static flash_conf flash_is;
    static struct pi_readfs_conf files_are;

    RAM_CONF_INIT(&ram_is);
    pi_open_from_conf(&ram, &ram_is);
    if (pi_ram_open(&ram) != 0 || pi_ram_alloc(&ram, &image, EK_L3_BYTES) != 0) {
        return 1;
    }
    FLASH_CONF_INIT(&flash_is);
    pi_open_from_conf(&flash, &flash_is);
    if (pi_flash_open(&flash) != 0) {
        return 1;
    }
    pi_readfs_conf_init(&files_are);
    files_are.fs.flash = &flash;
    pi_open_from_conf(&files, &files_are);
    return pi_fs_mount(&files) != 0;
}

static int copy_image(pi_fs_file_t *file, void *piece) {
    for (uint32_t done = 0; done < EK_L3_BYTES;) {
        const int32_t got = pi_fs_read(file, piece, PIECE);
        if (got <= 0) {
            return 1;
        }
        const uint32_t rest = EK_L3_BYTES - done, bytes = (uint32_t)got < rest ? (uint32_t)got : rest;
        pi_ram_write(&ram, image + done, piece, bytes);
        done += bytes;
    }
    return 0;
}

int ek_ram_start(void) {
    if (open_devices() != 0) {
        return 1;
    }
    pi_fs_file_t *file = pi_fs_open(&files, "l3.bin", 0);
    void *piece = pi_l2_malloc(PIECE);
    const int failed = file == NULL || piece == NULL || copy_image(file, piece) != 0;

    if (piece != NULL) {
        pi_l2_free(piece, PIECE);
    }
    if (file != NULL) {
        pi_fs_close(file);
    }
    return failed;
}

void ek_l3_start(uint32_t l3, uint8_t *l2, uint32_t bytes) {
    if (pending == REQUESTS) {
        ek_l3_wait();
    }
    pi_cl_ram_read(&ram, image + l3, l2, bytes, &requests[pending++]);
}

void ek_l3_wait(void) {
    for (uint32_t i = 0; i < pending; i++) {
        pi_cl_ram_read_wait(&requests[i]);
    }
    pending = 0;
}

#else

int ek_ram_start(void) { return 0; }

void ek_l3_start(uint32_t l3, uint8_t *l2, uint32_t bytes) {
    (void)l3;
    (void)l2;
    (void)bytes;
}

void ek_l3_wait(void) {}

#endif

/* RAM and flash outside the chip. */
#include <stdlib.h>
#include <string.h>

#include "bsp/bsp.h"
#include "bsp/flash/hyperflash.h"
#include "bsp/fs/readfs.h"
#include "bsp/ram/hyperram.h"
#include "shim.h"

#ifndef EK_SHIM_RAM_BYTES
#define EK_SHIM_RAM_BYTES (8u << 20)
#endif

static uint8_t *ram;
static uint32_t ram_used;

void pi_default_ram_conf_init(struct pi_default_ram_conf *conf) { conf->unused = 0; }

void pi_default_flash_conf_init(struct pi_default_flash_conf *conf) { conf->unused = 0; }

void pi_hyperram_conf_init(struct pi_hyperram_conf *conf) { conf->unused = 0; }

void pi_hyperflash_conf_init(struct pi_hyperflash_conf *conf) { conf->unused = 0; }

void pi_readfs_conf_init(struct pi_readfs_conf *conf) { memset(conf, 0, sizeof *conf); }

int pi_flash_open(struct pi_device *device) {
    (void)device;
    shim_on_controller("pi_flash_open");
    return 0;
}

int32_t pi_ram_open(struct pi_device *device) {
    (void)device;
    shim_on_controller("pi_ram_open");
    if (ram == NULL) {
        ram = malloc(EK_SHIM_RAM_BYTES);
    }
    return ram == NULL ? -1 : 0;
}

int pi_ram_alloc(struct pi_device *device, uint32_t *addr, uint32_t size) {
    (void)device;
    shim_on_controller("pi_ram_alloc");
    if (size > EK_SHIM_RAM_BYTES - ram_used) {
        return -1;
    }
    *addr = ram_used;
    ram_used += (size + 7u) & ~7u;
    return 0;
}

void pi_ram_write(struct pi_device *device, uint32_t pi_ram_addr, void *data, uint32_t size) {
    (void)device;
    shim_on_controller("pi_ram_write");
    memcpy(ram + pi_ram_addr, data, size);
}

void pi_cl_ram_read(struct pi_device *device, uint32_t pi_ram_addr, void *addr, uint32_t size, pi_cl_ram_req_t *req) {
    const pi_cl_ram_req_t request = {addr, pi_ram_addr, size};

    (void)device;
    shim_on_cluster("pi_cl_ram_read");
    if (pi_ram_addr > ram_used || size > ram_used - pi_ram_addr) {
        shim_fail("pi_cl_ram_read outside the RAM that was allocated");
    }
    *req = request;
    if (shim_eager()) {
        pi_cl_ram_read_wait(req);
    }
}

void pi_cl_ram_read_wait(pi_cl_ram_req_t *req) {
    shim_on_cluster("pi_cl_ram_read_wait");
    memcpy(req->to, ram + req->from, req->size);
    req->size = 0;
}

int32_t pi_fs_mount(struct pi_device *device) {
    const struct pi_readfs_conf *conf = device->config;

    shim_on_controller("pi_fs_mount");
    return conf->fs.flash == NULL ? -1 : 0;
}

pi_fs_file_t *pi_fs_open(struct pi_device *device, const char *file, int flags) {
    const char *folder = getenv("EK_FILES");
    char path[4096];
    pi_fs_file_t *opened = malloc(sizeof *opened);

    (void)device;
    (void)flags;
    shim_on_controller("pi_fs_open");
    snprintf(path, sizeof path, "%s/%s", folder == NULL ? "." : folder, file);
    if (opened != NULL) {
        opened->stream = fopen(path, "rb");
        if (opened->stream == NULL) {
            free(opened);
            return NULL;
        }
        fseek(opened->stream, 0, SEEK_END);
        opened->size = (uint32_t)ftell(opened->stream);
        rewind(opened->stream);
    }
    return opened;
}

int32_t pi_fs_read(pi_fs_file_t *file, void *buffer, uint32_t size) {
    return (int32_t)fread(buffer, 1, size, file->stream);
}

void pi_fs_close(pi_fs_file_t *file) {
    fclose(file->stream);
    free(file);
}

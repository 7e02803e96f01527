/* Files in flash: those of the working folder, or of the folder that the environment variable EK_FILES names. */
#ifndef EK_SHIM_FS_H
#define EK_SHIM_FS_H

#include "pmsis.h"

struct pi_fs_conf {
    struct pi_device *flash;
};

typedef struct {
    uint32_t size;
    FILE *stream;
} pi_fs_file_t;

int32_t pi_fs_mount(struct pi_device *device);
pi_fs_file_t *pi_fs_open(struct pi_device *device, const char *file, int flags);
int32_t pi_fs_read(pi_fs_file_t *file, void *buffer, uint32_t size);
void pi_fs_close(pi_fs_file_t *file);

#endif

/* The cluster's DMA, with the limits of GAP8's: it takes a command like the real one and does it at the wait. */
#include <stdlib.h>
#include <string.h>

#include "pmsis.h"
#include "shim.h"

enum { IDS = 16, COMMAND_BYTES = 32768, COMMAND_STRIDE = 32767 };

static int ids_in_use;

int shim_eager(void) {
    const char *mode = getenv("EK_DMA");
    return mode != NULL && strcmp(mode, "eager") == 0;
}

static void execute(pi_cl_dma_cmd_t *cmd) {
    for (uint32_t done = 0; done < cmd->size; done += cmd->length) {
        uint8_t *ext = cmd->ext + done / cmd->length * cmd->stride, *loc = cmd->loc + done;
        if (cmd->dir == PI_CL_DMA_DIR_EXT2LOC) {
            memcpy(loc, ext, cmd->length);
        } else {
            memcpy(ext, loc, cmd->length);
        }
    }
    cmd->size = 0;
}

void pi_cl_dma_cmd_2d(uintptr_t ext, uintptr_t loc, uint32_t size, uint32_t stride, uint32_t length,
                      pi_cl_dma_dir_e dir, pi_cl_dma_cmd_t *cmd) {
    const pi_cl_dma_cmd_t command = {(uint8_t *)ext, (uint8_t *)loc, size, stride, length, dir};

    shim_on_cluster("pi_cl_dma_cmd");
    if (size == 0 || size > COMMAND_BYTES || stride > COMMAND_STRIDE || length == 0 || size % length != 0) {
        shim_fail("a DMA command that GAP8 does not take");
    }
    if (__atomic_add_fetch(&ids_in_use, 1, __ATOMIC_RELAXED) > IDS) {
        shim_fail("a 17th DMA command while 16 were not waited for");
    }
    *cmd = command;
    if (shim_eager()) {
        execute(cmd);
    }
}

/* One line: its stride is never used. */
void pi_cl_dma_cmd(uintptr_t ext, uintptr_t loc, uint32_t size, pi_cl_dma_dir_e dir, pi_cl_dma_cmd_t *cmd) {
    pi_cl_dma_cmd_2d(ext, loc, size, 0, size, dir, cmd);
}

void pi_cl_dma_cmd_wait(pi_cl_dma_cmd_t *cmd) {
    shim_on_cluster("pi_cl_dma_cmd_wait");
    __atomic_sub_fetch(&ids_in_use, 1, __ATOMIC_RELAXED);
    execute(cmd);
}

/*
 * PMSIS on a computer: threads for cores, memcpy for the DMA, a malloc with the chip's limit for L1. Only the calls
 * that the application makes, with the argument order and types of the SDKs' public headers.
 *
 * What differs: addresses are uintptr_t, because uint32_t does not hold them on a 64-bit computer; and wrong use ends
 * the program with a message (too large a transfer, a 17th DMA id, a call from the wrong side).
 */
#ifndef EK_SHIM_PMSIS_H
#define EK_SHIM_PMSIS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PI_L1
#define PI_L2

struct pi_device {
    const void *api;
    void *config;
    void *data;
};

void pi_open_from_conf(struct pi_device *device, void *conf);

typedef enum { PI_FREQ_DOMAIN_FC = 0, PI_FREQ_DOMAIN_CL = 1, PI_FREQ_DOMAIN_PERIPH = 2 } pi_freq_domain_e;

int32_t pi_freq_set(pi_freq_domain_e domain, uint32_t freq);

int pmsis_kickoff(void *entry);
void pmsis_exit(int err);

uint32_t pi_core_id(void);

void *pi_l2_malloc(int size);
void pi_l2_free(void *chunk, int size);
void *pi_cl_l1_malloc(struct pi_device *device, uint32_t size);
void pi_cl_l1_free(struct pi_device *device, void *chunk, int size);

struct pi_cluster_conf {
    int id;
#if defined(__GAP8__) || defined(__GAP9__)
    uint32_t cc_stack_size;
#endif
};

struct pi_cluster_task {
    void (*entry)(void *);
    void *arg;
    void *stacks;
#if !defined(__GAP9__)
    uint32_t stack_size;
#endif
    uint32_t slave_stack_size;
    int nb_cores;
};

void pi_cluster_conf_init(struct pi_cluster_conf *conf);
int pi_cluster_open(struct pi_device *device);
int pi_cluster_close(struct pi_device *device);
struct pi_cluster_task *pi_cluster_task(struct pi_cluster_task *task, void (*entry)(void *), void *arg);
struct pi_cluster_task *pi_cluster_task_stacks(struct pi_cluster_task *task, void *stacks, int slave_stack_size);
int pi_cluster_send_task_to_cl(struct pi_device *device, struct pi_cluster_task *task);

void pi_cl_team_fork(int nb_cores, void (*entry)(void *), void *arg);
void pi_cl_team_barrier(void);

typedef enum { PI_CL_DMA_DIR_LOC2EXT = 0, PI_CL_DMA_DIR_EXT2LOC = 1 } pi_cl_dma_dir_e;

typedef struct {
    uint8_t *ext, *loc;
    uint32_t size, stride, length;
    pi_cl_dma_dir_e dir;
} pi_cl_dma_cmd_t;

void pi_cl_dma_cmd(uintptr_t ext, uintptr_t loc, uint32_t size, pi_cl_dma_dir_e dir, pi_cl_dma_cmd_t *cmd);
void pi_cl_dma_cmd_2d(uintptr_t ext, uintptr_t loc, uint32_t size, uint32_t stride, uint32_t length,
                      pi_cl_dma_dir_e dir, pi_cl_dma_cmd_t *cmd);
void pi_cl_dma_cmd_wait(pi_cl_dma_cmd_t *cmd);

#endif

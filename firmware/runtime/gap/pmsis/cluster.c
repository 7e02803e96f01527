/* The controller sends a network to the cluster and waits. */
#include "cluster.h"

#include <string.h>

#include "ek_config.h"
#include "ek_port.h"
#include "network.h"
#include "ram.h"

/* A buffer may be read up to 8 bytes behind its end; the arena itself starts at a multiple of 8. */
enum { SLACK = 8, ALIGNMENT = 8 };

typedef struct {
    const ek_step *first;
    uint8_t *arena;
    uint32_t cores;
} job;

volatile uint32_t ek_cores = EK_CORES;

static struct pi_device cluster;
static int is_open;

int ek_cluster_open(void) {
    static struct pi_cluster_conf conf; /* the device keeps a pointer to it */

    if (is_open) {
        return 0;
    }
    if (pi_freq_set(PI_FREQ_DOMAIN_FC, EK_CONTROLLER_HZ) < 0) {
        return 1;
    }
    pi_cluster_conf_init(&conf);
#if defined(__GAP9__)
    conf.cc_stack_size = EK_CORE_STACK_BYTES;
#endif
    pi_open_from_conf(&cluster, &conf);
    if (pi_cluster_open(&cluster) != 0) {
        return 1;
    }
    if (pi_freq_set(PI_FREQ_DOMAIN_CL, EK_CLUSTER_HZ) < 0 || ek_ram_start() != 0) {
        pi_cluster_close(&cluster);
        return 1;
    }
    is_open = 1;
    return 0;
}

void ek_cluster_close(void) {
    if (is_open) {
        pi_cluster_close(&cluster);
        is_open = 0;
    }
}

/* On every core of the team. */
static void walk(void *argument) {
    const job *what = argument;
    ek_network_run(what->first, what->arena, what->cores);
}

/* On the cluster's first core, or on GAP9's controller core. */
static void enter(void *argument) {
    const job *what = argument;
    pi_cl_team_fork((int)what->cores, walk, argument);
}

static int send(job *what) {
    struct pi_cluster_task task;

    memset(&task, 0, sizeof task); /* pi_cluster_task() leaves fields alone */
    pi_cluster_task(&task, enter, what);
#if defined(__GAP9__)
    pi_cluster_task_stacks(&task, NULL, EK_CORE_STACK_BYTES);
#else
    task.stack_size = EK_CORE_STACK_BYTES;
    task.slave_stack_size = EK_CORE_STACK_BYTES;
#endif
    return pi_cluster_send_task_to_cl(&cluster, &task) != 0;
}

int ek_cluster_run(const ek_step *first, uint32_t l1_bytes, uint32_t cores) {
    static job what;
    const uint32_t bytes = l1_bytes + SLACK + ALIGNMENT;

    if (cores == 0 || cores > EK_CORES || ek_cluster_open() != 0) {
        return 1;
    }
    uint8_t *memory = pi_cl_l1_malloc(&cluster, bytes);
    if (memory == NULL) {
        return 1;
    }
    what.first = first;
    what.arena = memory + (ALIGNMENT - (uintptr_t)memory % ALIGNMENT) % ALIGNMENT;
    what.cores = cores;
    const int failed = send(&what);
    pi_cl_l1_free(&cluster, memory, (int)bytes);
    return failed;
}

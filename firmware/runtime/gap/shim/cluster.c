/* Cores as threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pmsis.h"
#include "shim.h"

#ifndef EK_SHIM_L1_BYTES
#define EK_SHIM_L1_BYTES 65536u
#endif

enum { CORES = 9, NO_CORE = -1, DEFAULT_STACK = 0x800, DEFAULT_SLAVE_STACK = 0x400, UNWRITTEN = 0x57 };

#if defined(__GAP9__)
enum { MASTER = 8, MEMBERS_START_AT = 0 }; /* the master only forks */
#else
enum { MASTER = 0, MEMBERS_START_AT = 1 };
#endif

extern volatile uint32_t ek_cores;

static _Thread_local int core = NO_CORE;
static uint32_t l1_used;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t all_here;
    int members, here;
    unsigned round;
    void (*entry)(void *);
    void *arg;
} team = {.lock = PTHREAD_MUTEX_INITIALIZER, .all_here = PTHREAD_COND_INITIALIZER};

void shim_fail(const char *what) {
    fprintf(stderr, "PMSIS shim: %s\n", what);
    abort();
}

void shim_on_controller(const char *call) {
    if (core != NO_CORE) {
        fprintf(stderr, "%s is for the controller\n", call);
        shim_fail("call from the wrong side");
    }
}

void shim_on_cluster(const char *call) {
    if (core == NO_CORE) {
        fprintf(stderr, "%s is for the cluster\n", call);
        shim_fail("call from the wrong side");
    }
}

uint32_t pi_core_id(void) { return core == NO_CORE ? 0u : (uint32_t)core; }

void pi_open_from_conf(struct pi_device *device, void *conf) { device->config = conf; }

int32_t pi_freq_set(pi_freq_domain_e domain, uint32_t freq) {
    (void)domain;
    shim_on_controller("pi_freq_set");
    return (int32_t)freq;
}

/* EK_CORES in the environment is what a debugger does on the chip. */
int pmsis_kickoff(void *entry) {
    const char *cores = getenv("EK_CORES");

    if (cores != NULL) {
        ek_cores = (uint32_t)strtoul(cores, NULL, 10);
    }
    ((void (*)(void))entry)();
    return 0;
}

void pmsis_exit(int err) { exit(err); }

void *pi_l2_malloc(int size) {
    shim_on_controller("pi_l2_malloc");
    return malloc((size_t)size);
}

void pi_l2_free(void *chunk, int size) {
    (void)size;
    free(chunk);
}

static int take_l1(uint32_t size) {
    if (size > EK_SHIM_L1_BYTES - l1_used) {
        return 0;
    }
    l1_used += size;
    return 1;
}

/* What nobody wrote reads as on GVSoC. */
void *pi_cl_l1_malloc(struct pi_device *device, uint32_t size) {
    (void)device;
    if (!take_l1(size)) {
        return NULL;
    }
    void *chunk = malloc(size);
    if (chunk != NULL) {
        memset(chunk, UNWRITTEN, size);
    }
    return chunk;
}

void pi_cl_l1_free(struct pi_device *device, void *chunk, int size) {
    (void)device;
    l1_used -= (uint32_t)size;
    free(chunk);
}

void pi_cluster_conf_init(struct pi_cluster_conf *conf) {
    memset(conf, 0, sizeof *conf);
#if defined(__GAP8__) || defined(__GAP9__)
    conf->cc_stack_size = DEFAULT_STACK;
#endif
}

int pi_cluster_open(struct pi_device *device) {
    (void)device;
    shim_on_controller("pi_cluster_open");
    return 0;
}

int pi_cluster_close(struct pi_device *device) {
    (void)device;
    return 0;
}

struct pi_cluster_task *pi_cluster_task(struct pi_cluster_task *task, void (*entry)(void *), void *arg) {
    task->entry = entry;
    task->arg = arg;
    return task;
}

struct pi_cluster_task *pi_cluster_task_stacks(struct pi_cluster_task *task, void *stacks, int slave_stack_size) {
    task->stacks = stacks;
    task->slave_stack_size = (uint32_t)slave_stack_size;
    return task;
}

/* Stacks come from L1. */
static uint32_t stack_bytes(const struct pi_device *device, const struct pi_cluster_task *task) {
#if defined(__GAP9__)
    const struct pi_cluster_conf *conf = device->config;
    const uint32_t master = conf->cc_stack_size;
    const uint32_t slaves = CORES - 1;
#else
    const uint32_t master = task->stack_size ? task->stack_size : DEFAULT_STACK;
    const uint32_t slaves = CORES - 2;
    (void)device;
#endif
    return master + slaves * (task->slave_stack_size ? task->slave_stack_size : DEFAULT_SLAVE_STACK);
}

static void *run_master(void *argument) {
    const struct pi_cluster_task *task = argument;

    core = MASTER;
    task->entry(task->arg);
    return NULL;
}

int pi_cluster_send_task_to_cl(struct pi_device *device, struct pi_cluster_task *task) {
    const uint32_t stacks = stack_bytes(device, task);
    pthread_t master;

    shim_on_controller("pi_cluster_send_task_to_cl");
    if (!take_l1(stacks)) {
        return -1;
    }
    const int failed = pthread_create(&master, NULL, run_master, task);
    if (!failed) {
        pthread_join(master, NULL);
    }
    l1_used -= stacks;
    return failed ? -1 : 0;
}

static void *run_member(void *argument) {
    core = (int)(intptr_t)argument;
    team.entry(team.arg);
    return NULL;
}

void pi_cl_team_fork(int nb_cores, void (*entry)(void *), void *arg) {
    pthread_t members[CORES];

    shim_on_cluster("pi_cl_team_fork");
    if (nb_cores < 1 || nb_cores > CORES - (MASTER != 0)) {
        shim_fail("pi_cl_team_fork: number of cores");
    }
    team.members = nb_cores;
    team.here = 0;
    team.entry = entry;
    team.arg = arg;
    for (int i = MEMBERS_START_AT; i < nb_cores; i++) {
        if (pthread_create(&members[i], NULL, run_member, (void *)(intptr_t)i) != 0) {
            shim_fail("no thread for a core");
        }
    }
    if (MEMBERS_START_AT == 1) {
        entry(arg);
    }
    for (int i = MEMBERS_START_AT; i < nb_cores; i++) {
        pthread_join(members[i], NULL);
    }
}

void pi_cl_team_barrier(void) {
    shim_on_cluster("pi_cl_team_barrier");
    pthread_mutex_lock(&team.lock);
    const unsigned round = team.round;
    team.here++;
    if (team.here == team.members) {
        team.here = 0;
        team.round++;
        pthread_cond_broadcast(&team.all_here);
    }
    while (round == team.round) {
        pthread_cond_wait(&team.all_here, &team.lock);
    }
    pthread_mutex_unlock(&team.lock);
}

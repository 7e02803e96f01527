/* The self-test of the network as an application of the vendor's SDK; an own application calls ek_model_run instead. */
#include <stdio.h>

#include "cluster.h"
#include "ek_model.h"
#include "pmsis.h"

static int selftest(void) {
    if (ek_cluster_open() != 0) {
        printf("EK cluster, RAM or l3.bin missing\n");
        return 1;
    }
    const int failed = ek_model_selftest() != 0;
    printf(failed ? "EK selftest FAILED\n" : "EK selftest ok\n");
    ek_cluster_close();
    return failed;
}

static void start(void) { pmsis_exit(selftest()); }

int main(void) { return pmsis_kickoff((void *)start); }

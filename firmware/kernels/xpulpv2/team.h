/* The cores that compute a tile together: every one of them calls the kernel, each does its share. */
#ifndef EK_XPULPV2_TEAM_H
#define EK_XPULPV2_TEAM_H

#include "../base.h"

typedef struct {
    int32_t core, cores; /* 0 <= core < cores */
} ek_team;

/* First unit of work of a core; its last one lies before the first one of the next core. */
EK_INLINE int32_t ek_share(int32_t units, int32_t core, int32_t cores) { return (int32_t)((units * core) / cores); }

#endif

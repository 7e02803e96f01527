/* The instruction cache that the PEs share: sets of lines that are replaced in turn. A miss costs the core that has it
 * `miss_cycles`, others that want the line meanwhile wait for the rest of them; misses of different lines overlap.
 * There is no prefetch. A core asks once per line that it comes to, as one with a line buffer does. The cache serves
 * from reset on, whether its control register has been written or not; the controller's fetches cost nothing. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t line; /* 1 where the entry is empty: no line has an odd address */
    uint64_t arrives;
} entry;

struct icache {
    entry *entries; /* [set][way] */
    uint32_t *next; /* [set] way to be replaced */
    uint32_t sets, ways, line_shift, miss;
};

icache *ek_icache_new(const ek_config *config) {
    icache *cache = calloc(1, sizeof *cache);

    if (cache == NULL) {
        return NULL;
    }
    cache->ways = config->icache_ways;
    cache->sets = config->icache_bytes / (config->icache_line * config->icache_ways);
    cache->miss = config->icache_miss;
    while ((1u << cache->line_shift) < config->icache_line) {
        cache->line_shift++;
    }
    cache->entries = calloc((size_t)cache->sets * cache->ways, sizeof *cache->entries);
    cache->next = calloc(cache->sets, sizeof *cache->next);
    if (cache->entries == NULL || cache->next == NULL) {
        ek_icache_free(cache);
        return NULL;
    }
    ek_icache_flush(cache);
    return cache;
}

void ek_icache_free(icache *cache) {
    if (cache != NULL) {
        free(cache->entries);
        free(cache->next);
        free(cache);
    }
}

void ek_icache_flush(icache *cache) {
    for (uint32_t i = 0; i < cache->sets * cache->ways; i++) {
        cache->entries[i].line = 1;
    }
}

bool ek_fetch(core *c, uint32_t line) {
    icache *cache = c->m->icache;
    uint64_t now = c->m->now;

    if (!c->is_fc) {
        uint32_t set = (line >> cache->line_shift) & (cache->sets - 1);
        entry *entries = &cache->entries[set * cache->ways];
        entry *found = NULL;
        for (uint32_t way = 0; way < cache->ways; way++) {
            if (entries[way].line == line) {
                found = &entries[way];
                break;
            }
        }
        if (found == NULL) {
            found = &entries[cache->next[set]];
            cache->next[set] = (cache->next[set] + 1) % cache->ways;
            *found = (entry){.line = line, .arrives = now + cache->miss};
        }
        if (found->arrives > now) {
            uint32_t wait = (uint32_t)(found->arrives - now);
            c->perf[P_ICACHE_MISS] += wait;
            ek_stall(c, ICACHE, wait);
            return false;
        }
    }
    c->line = line;
    return true;
}

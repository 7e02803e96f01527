/* Peripherals that do little: cluster control (boot addresses, fetch enable), instruction cache control, the exit
 * register, standard output, and registers that only remember what was written (clock generators, the controller's
 * cache control). */
#include "soc.h"

#include <stdlib.h>
#include <string.h>

soc *ek_soc_new(void) { return calloc(1, sizeof(soc)); }

void ek_soc_free(soc *s) {
    if (s != NULL) {
        free(s->output);
        free(s);
    }
}

/* Cluster control. A PE starts when its fetch-enable bit is first set; clearing the bit does not stop it. */
enum { END_OF_COMPUTATION = 0x00, FETCH_ENABLE = 0x08, BOOT = 0x40, RETURN_VALUE = 0x100 };

static uint32_t *cluster_register(soc *s, uint32_t offset) {
    switch (offset) {
    case END_OF_COMPUTATION:
        return &s->cluster_ctrl[0];
    case 0x20: /* clock gate: PEs run without it, as on GVSoC */
        return &s->cluster_ctrl[1];
    case 0x28: /* debug halt mask and status */
        return &s->cluster_ctrl[2];
    case 0x38:
        return &s->cluster_ctrl[3];
    case RETURN_VALUE:
        return &s->cluster_ctrl[4];
    case FETCH_ENABLE:
        return &s->fetch_enable;
    default:
        return NULL;
    }
}

static bool is_boot(const machine *m, uint32_t offset) { return offset >= BOOT && offset < BOOT + 4 * m->pes; }

access_result ek_cluster_ctrl_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    const uint32_t *at = cluster_register(m->soc, offset);

    (void)c;
    if (is_boot(m, offset)) {
        at = &m->soc->boot[(offset - BOOT) / 4];
    }
    *value = at != NULL ? *at : 0;
    return at != NULL ? ACCESS_DONE : ACCESS_BAD;
}

access_result ek_cluster_ctrl_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    uint32_t *at = cluster_register(m->soc, offset);

    (void)c;
    if (is_boot(m, offset)) {
        at = &m->soc->boot[(offset - BOOT) / 4];
    }
    if (at == NULL) {
        return ACCESS_BAD;
    }
    *at = value;
    for (uint32_t i = 0; offset == FETCH_ENABLE && i < m->pes; i++) {
        if ((value >> i & 1) != 0 && m->cores[i].asleep == CLOCK_OFF) {
            ek_start(&m->cores[i], m->soc->boot[i]);
        }
    }
    return ACCESS_DONE;
}

/* Instruction cache: enable, flush, flush one line (nothing to do: code that is written is never stale here). */
access_result ek_icache_ctrl_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    (void)c;
    *value = m->soc->icache_enable;
    return offset == 0 ? ACCESS_DONE : ACCESS_BAD;
}

access_result ek_icache_ctrl_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    (void)c;
    if (offset == 0) {
        m->soc->icache_enable = value;
    } else if (offset == 4) {
        ek_icache_flush(m->icache);
    }
    return offset <= 8 ? ACCESS_DONE : ACCESS_BAD;
}

static bool append(soc *s, const uint8_t *bytes, uint32_t count) {
    if (s->output_bytes + count > s->output_capacity) {
        uint64_t capacity = 2 * s->output_capacity + 4096;
        uint8_t *output = realloc(s->output, capacity);
        if (output == NULL) {
            return false;
        }
        s->output = output;
        s->output_capacity = capacity;
    }
    memcpy(s->output + s->output_bytes, bytes, count);
    s->output_bytes += count;
    return true;
}

/* Standard output: one register, and one line that is being written, per (cluster << 7) + (core << 3). */
access_result ek_stdout_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    uint32_t cluster = offset >> 7 & 31, number = offset >> 3 & 15;
    uint32_t who = cluster == 31 ? m->pes : number;
    soc *s = m->soc;

    if ((offset & 7) != 0 || (cluster != 31 && cluster != 0) || who > m->pes) {
        return ACCESS_BAD;
    }
    s->lines[who][s->line_bytes[who]++] = (uint8_t)value;
    if ((value & 0xFF) == '\n' || s->line_bytes[who] == LINE_BYTES) {
        if (!append(s, s->lines[who], s->line_bytes[who])) {
            ek_stop_at(c, EK_HOST, 0);
        }
        s->line_bytes[who] = 0;
    }
    return ACCESS_DONE;
}

uint64_t ek_pulp_output(const machine *m, const uint8_t **bytes) {
    *bytes = m->soc->output;
    return m->soc->output_bytes;
}

/* soc_ctrl: the exit register; bit 31 ends the run. */
access_result ek_soc_ctrl_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    (void)c;
    *value = m->soc->exit_value;
    return offset == 0xA0 ? ACCESS_DONE : ACCESS_BAD;
}

access_result ek_soc_ctrl_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    if (offset != 0xA0) {
        return ACCESS_BAD;
    }
    m->soc->exit_value = value;
    if (value >> 31 != 0) {
        ek_stop_at(c, EK_EXIT, 0);
        m->stop.exit_code = value & 0x7FFFFFFF;
    }
    return ACCESS_DONE;
}

#define PLAIN(name, first)                                                                                             \
    access_result ek_##name##_read(machine *m, core *c, uint32_t offset, uint32_t *value) {                            \
        (void)c;                                                                                                       \
        *value = m->soc->plain[(first) + offset / 4];                                                                  \
        return ACCESS_DONE;                                                                                            \
    }                                                                                                                  \
    access_result ek_##name##_write(machine *m, core *c, uint32_t offset, uint32_t value) {                            \
        (void)c;                                                                                                       \
        m->soc->plain[(first) + offset / 4] = value;                                                                   \
        return ACCESS_DONE;                                                                                            \
    }

PLAIN(clocks, 0)
PLAIN(fc_icache, 16)

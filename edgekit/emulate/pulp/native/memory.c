/* Loads and stores that leave the near path: aliases, the controller's accesses, test-and-set, L2, peripherals, and
 * accesses that are not aligned.
 *
 * An access to L1 that crosses a word boundary takes its two banks in two cycles; one to L2 takes two transfers. Loads
 * from L1 and the demultiplexer can make the next instruction wait (load_use); further away, the latency covers it. */
#include "access.h"

enum { CLUSTER_BYTES = 0x400000, TAS_OFFSET = 0x100000 };

uint8_t *ek_memory_at(machine *m, uint32_t address, uint32_t bytes) {
    uint32_t l1 = address - m->config.l1_base;
    uint32_t l2 = address - m->config.l2_base;

    if (l2 < m->config.l2_bytes && bytes <= m->config.l2_bytes - l2) {
        return m->l2 + l2;
    }
    if (l1 < m->config.l1_bytes && bytes <= m->config.l1_bytes - l1) {
        return m->l1 + l1;
    }
    return NULL;
}

static uint32_t without_alias(const core *c, uint32_t address) {
    if (c->is_fc) {
        return address < L2_ALIAS_BYTES ? address + c->m->config.l2_base : address;
    }
    return address < CLUSTER_BYTES ? address + c->m->config.l1_base : address;
}

static void count_misaligned(core *c, uint32_t address) {
    machine *m = c->m;

    if (m->misaligned++ == 0) {
        m->first_misaligned = (ek_stop){.core = c->index, .pc = c->ip->pc, .address = address};
    }
    c->stat->n[MISALIGNED]++;
}

/* Cycles beyond the first one, by who accesses what. */
static void take_time(core *c, uint32_t cycles, bool load, bool far) {
    if (cycles > 1) {
        ek_extra(c, MEMORY, cycles - 1);
    }
    if (far) {
        c->perf[load ? P_FAR_LOADS : P_FAR_STORES]++;
        c->perf[load ? P_FAR_LOAD_CYCLES : P_FAR_STORE_CYCLES] += cycles;
    }
    c->perf[load ? P_LOADS : P_STORES]++;
}

/* The banks of an access to L1; false while it has not got them. */
static bool l1_granted(core *c, uint32_t offset, uint32_t bytes, bool load) {
    const ek_config *config = &c->m->config;
    bool crosses = (offset & 3) + bytes > 4;

    if (c->is_fc) {
        take_time(c, config->fc_l1 << crosses, load, true);
        return true;
    }
    if (crosses && !c->half) {
        if (ek_take_bank(c, offset)) {
            c->half = true;
            ek_stall(c, MEMORY, config->misaligned);
        }
        return false;
    }
    if (!ek_take_bank(c, crosses ? offset + 4 : offset)) {
        return false;
    }
    c->half = false;
    take_time(c, 1, load, false);
    return true;
}

static bool in_l1(machine *m, uint32_t offset, uint32_t bytes) {
    return offset < m->config.l1_bytes && bytes <= m->config.l1_bytes - offset;
}

static bool refused(core *c, uint32_t reason, uint32_t address) {
    ek_stop_at(c, reason, address);
    return false;
}

/* Test and set: a load leaves ones behind, in as many bytes as it has read. */
static bool test_and_set(core *c, uint32_t address, uint32_t bytes, uint32_t *value, bool load) {
    machine *m = c->m;
    uint32_t offset = address - m->config.l1_base - TAS_OFFSET;

    if ((address & (bytes - 1)) != 0) {
        return refused(c, EK_MISALIGNED, address);
    }
    if (!l1_granted(c, offset, bytes, load)) {
        return false;
    }
    if (load) {
        memcpy(value, m->l1 + offset, bytes);
        memset(m->l1 + offset, 0xFF, bytes);
    } else {
        memcpy(m->l1 + offset, value, bytes);
    }
    return true;
}

static bool peripheral(core *c, uint32_t address, uint32_t bytes, uint32_t *value, bool load, bool *near) {
    machine *m = c->m;
    const ek_config *config = &m->config;
    const device *device = ek_device_at(address);

    if (device == NULL || (device->bus == DEMUX && c->is_fc)) {
        return refused(c, EK_NO_MEMORY, address);
    }
    if (!device->narrow && ((address & 3) != 0 || bytes != 4)) {
        return refused(c, (address & (bytes - 1)) != 0 ? EK_MISALIGNED : EK_NO_REGISTER, address);
    }
    uint32_t offset = address - device->base;
    access_result result = ACCESS_BAD;
    if (!load) {
        result = device->write(m, c, offset, *value);
    } else if (device->read != NULL) {
        result = device->read(m, c, offset, value);
    }
    if (result == ACCESS_BAD) {
        return refused(c, EK_NO_REGISTER, address);
    }
    if (result != ACCESS_DONE) {
        return false; /* asleep until it can go on, or stopped */
    }
    *near = device->bus == DEMUX;
    uint32_t cycles = 1;
    if (device->bus == CLUSTER_BUS) {
        cycles = c->is_fc ? config->fc_cluster_peripheral : config->pe_cluster_peripheral;
    } else if (device->bus == SOC_BUS) {
        cycles = c->is_fc ? config->fc_soc_peripheral : config->pe_soc_peripheral;
    }
    take_time(c, cycles, load, !*near);
    return true;
}

/* `near`: the next instruction has to wait for what was loaded. */
static bool access(core *c, uint32_t address, uint32_t bytes, uint32_t *value, bool load, bool *near) {
    machine *m = c->m;
    uint32_t full = without_alias(c, address);
    uint32_t l1 = full - m->config.l1_base;
    bool aligned = (address & (bytes - 1)) == 0;
    uint8_t *at = ek_memory_at(m, full, bytes);

    *near = false;
    if (at != NULL) {
        bool first = !c->half;
        if (in_l1(m, l1, bytes)) {
            bool granted = l1_granted(c, l1, bytes, load);
            if (!aligned && first && (granted || c->half)) {
                count_misaligned(c, address);
            }
            if (!granted) {
                return false;
            }
            *near = !c->is_fc;
        } else {
            if (!aligned) {
                count_misaligned(c, address);
            }
            take_time(c, (c->is_fc ? m->config.fc_l2 : m->config.pe_l2) << ((full & 3) + bytes > 4), load, true);
        }
        if (load) {
            memcpy(value, at, bytes);
        } else {
            memcpy(at, value, bytes);
            ek_overwritten(m, full, bytes);
        }
        return true;
    }
    if (in_l1(m, l1 - TAS_OFFSET, bytes)) {
        *near = !c->is_fc;
        return test_and_set(c, full, bytes, value, load);
    }
    return peripheral(c, full, bytes, value, load, near);
}

bool ek_load_far(core *c, const insn *d, uint32_t address, uint32_t bytes, uint32_t *value) {
    bool near;

    *value = 0;
    if (!access(c, address, bytes, value, true, &near)) {
        return false;
    }
    if (near) {
        c->pending = (uint32_t)d->target;
    }
    return c->m->stop.reason == EK_RUNNING;
}

bool ek_store_far(core *c, uint32_t address, uint32_t bytes, uint32_t value) {
    bool near;

    return access(c, address, bytes, &value, false, &near);
}

/* The controller's interrupt lines (ITC): status and mask bits, and a queue of events of the SoC behind line 26. */
#include "machine.h"
#include "soc.h"

enum { SOC_EVENT_LINE = 26 };

uint32_t ek_itc_pending(const machine *m) { return m->soc->itc_status & m->soc->itc_mask; }

static void update(machine *m) {
    core *fc = &m->cores[m->pes];

    if (ek_itc_pending(m) != 0) {
        if (fc->asleep == WAIT_LINE) {
            ek_wake(fc, m->now + m->config.barrier);
        }
        ek_check_irq(fc);
    }
}

void ek_itc_raise(machine *m, uint32_t line) {
    m->soc->itc_status |= 1u << line;
    update(m);
}

void ek_itc_taken(machine *m, uint32_t line) { m->soc->itc_status &= ~(1u << line); }

/* Events beyond the queue's length are lost. */
void ek_itc_soc_event(machine *m, uint32_t number) {
    soc *s = m->soc;

    if (s->fifo_count < SOC_FIFO) {
        s->fifo[s->fifo_count++] = number;
    }
    ek_itc_raise(m, SOC_EVENT_LINE);
}

static uint32_t next_event(soc *s) {
    uint32_t first = s->fifo[0];

    if (s->fifo_count == 0) {
        return 0;
    }
    s->fifo_count--;
    for (uint32_t i = 0; i < s->fifo_count; i++) {
        s->fifo[i] = s->fifo[i + 1];
    }
    return first;
}

access_result ek_itc_read(machine *m, core *c, uint32_t offset, uint32_t *value) {
    soc *s = m->soc;

    (void)c;
    switch (offset) {
    case 0x00:
        *value = s->itc_mask;
        return ACCESS_DONE;
    case 0x0C:
        *value = s->itc_status;
        return ACCESS_DONE;
    case 0x24:
        *value = next_event(s);
        return ACCESS_DONE;
    default:
        return ACCESS_BAD;
    }
}

access_result ek_itc_write(machine *m, core *c, uint32_t offset, uint32_t value) {
    soc *s = m->soc;

    (void)c;
    switch (offset) {
    case 0x00:
        s->itc_mask = value;
        break;
    case 0x04:
        s->itc_mask |= value;
        break;
    case 0x08:
        s->itc_mask &= ~value;
        break;
    case 0x0C:
        s->itc_status = value;
        break;
    case 0x10:
        s->itc_status |= value;
        break;
    case 0x14:
        s->itc_status &= ~value;
        break;
    default:
        return ACCESS_BAD;
    }
    update(m);
    return ACCESS_DONE;
}

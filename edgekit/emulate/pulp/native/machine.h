/* A simulator of the open PULP platform: one controller (FC) and a cluster of RISC-V cores (PEs) in cycle lockstep.
 *
 * core.c      the clock, one instruction of one core, sleep
 * decode.c    memory -> decoded instructions; base.c, xpulp.c, simd.c, fpu.c, csr.c: what they do; compressed.c: RVC
 * memory.c    loads and stores that are not the near path of access.h; banks
 * icache.c    the cluster's instruction cache
 * contexts.c  which function a core is in, statistics, breakpoints
 * devices.c   which peripheral lies where; event_unit.c, dma.c, timer.c, interrupts.c, soc.c: the peripherals
 *
 * Time: `now` is the cycle that is being simulated. A core whose `ready` is not later than `now` executes one
 * instruction; that takes the cycle `now` and moves `ready` to the cycle of its next one. All cycles of a core are
 * accounted to a category when they are decided, so that the categories add up to the run exactly.
 *
 * Little-endian hosts only.
 */
#ifndef EK_PULP_MACHINE_H
#define EK_PULP_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define EK_EXPORT __declspec(dllexport)
#else
#define EK_EXPORT __attribute__((visibility("default")))
#endif
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum { MAX_PES = 16, MAX_CORES = MAX_PES + 1, MAX_FRAMES = 64, MAX_STOPS = 1024, MAX_TIMED = 512 };
enum { L2_ALIAS_BYTES = 0x8000 }; /* at address 0, as the controller sees it */
#define NEVER UINT64_MAX
#define ANY_CORE UINT32_MAX

/* What a board says; mirrored in native.py. */
typedef struct {
    uint32_t pes, fc_xpulp, floating_point;
    uint32_t l1_base, l1_bytes, banks, l2_base, l2_bytes;
    uint32_t icache_bytes, icache_line, icache_ways, icache_miss;
    uint32_t mul, mulh, divide_min, divide_max, load_use, branch_taken, jump, misaligned;
    uint32_t pe_l2, pe_cluster_peripheral, pe_soc_peripheral;
    uint32_t fc_l2, fc_l1, fc_cluster_peripheral, fc_soc_peripheral;
    uint32_t barrier, wake;
    uint32_t dma_latency_in, dma_latency_out, dma_rate_in, dma_rate_out, dma_line_in, dma_line_out, dma_ids;
} ek_config;

/* Why a run ended; mirrored in native.py. */
enum {
    EK_RUNNING = 0,
    EK_EXIT,        /* store to the exit register */
    EK_BREAKPOINT,  /* a core is about to execute an address that was asked for */
    EK_LEFT,        /* a core has returned from a context that was asked for */
    EK_BUDGET,      /* the cycles that were allowed are over */
    EK_DEADLOCK,    /* every core sleeps and nothing is under way */
    EK_ILLEGAL,     /* instruction: `address` holds its bits */
    EK_FETCH,       /* instruction fetch from `address`, where no memory is */
    EK_NO_MEMORY,   /* load or store to `address`, where nothing is */
    EK_NO_REGISTER, /* load or store to a peripheral that has no such register, or not this way */
    EK_MISALIGNED,  /* where hardware does not split the access */
    EK_LOOP,        /* a hardware loop with bad bounds or a jump at its end */
    EK_NESTING,     /* contexts call each other without end */
    EK_CSR,         /* no such CSR; `address` is its number */
    EK_DMA_COMMAND, /* a DMA command that cannot be carried out; `address` is its command word */
    EK_ROUNDING,    /* a rounding mode that is not modelled */
    EK_HOST         /* out of memory, too many timed events: a limit of the simulator */
};

/* Per context and core: instructions, cycles by category, DMA bytes issued, misaligned accesses; mirrored in native.py.
 * EXECUTE holds what an instruction takes beyond its first cycle; ek_pulp_stats adds the first ones. */
enum {
    INSTRUCTIONS = 0,
    EXECUTE,
    LOAD_USE,
    BRANCH,
    CONFLICT,
    ICACHE,
    MEMORY,
    DMA_WAIT,
    BARRIER,
    IDLE,
    DMA_IN,
    DMA_OUT,
    MISALIGNED,
    COUNTERS
};

typedef struct {
    uint64_t n[COUNTERS];
} counters;

typedef struct {
    uint32_t reason;
    uint32_t core; /* index; the controller's is the number of PEs */
    uint32_t pc, address;
    uint32_t context;
    uint32_t exit_code;
} ek_stop;

typedef struct {
    uint32_t core; /* ANY_CORE: all */
    uint32_t what; /* address or context */
} ek_watch;

typedef struct core core;
typedef struct machine machine;
typedef struct insn insn;

/* Executes an instruction. Returns the next one, or NULL if the core has to try again later (`ready`, or asleep). */
typedef const insn *ek_run(core *c, const insn *d);

/* Why an instruction needs more than execution. */
enum {
    DECODED = 1,
    LOOP_END = 2, /* address of the last instruction of a hardware loop, now or earlier */
    ENTRY = 4,    /* a context function starts here */
    RETURN = 8,   /* a context function has been called from the instruction before */
    STOP = 16,    /* breakpoint */
    CROSSES = 32, /* lies in two cache lines */
    XPULP = 64    /* XpulpV2 or F: watched on a core that has neither */
};

/* A decoded instruction: one per halfword of memory. */
struct insn {
    ek_run *run;
    uint32_t pc;
    int32_t imm;
    uint32_t reads; /* integer registers, for the load-use hazard */
    int32_t target; /* distance of a branch target in halfwords; of a load: the register as a bit; of FP: FP reads */
    uint8_t rd;     /* where a result goes: 32 for x0 */
    uint8_t rs1, rs2;
    uint8_t rs3;  /* rd as a source; of a post-increment: where the address goes */
    uint8_t step; /* halfwords */
    uint8_t flags;
    uint16_t function; /* of the table that `profile` gives */
};

typedef struct {
    uint32_t context, ra, sp;
} frame;

typedef struct {
    const insn *start, *end;
    uint32_t count;
} loop;

/* Why a core sleeps. */
enum {
    AWAKE = 0,
    CLOCK_OFF,  /* not started */
    WAIT_EVENT, /* event unit: until (events & mask) */
    WAIT_LINE,  /* wfi: until an interrupt line that is enabled */
    WAIT_MUTEX,
    WAIT_DISPATCH,
    WAIT_DMA_ID,
    WAIT_DMA_QUEUE
};

/* What performance counters count. */
enum {
    P_CYCLES = 0,
    P_INSTRUCTIONS,
    P_LOAD_STALL,
    P_JUMP_STALL,
    P_ICACHE_MISS,
    P_LOADS,
    P_STORES,
    P_JUMPS,
    P_BRANCHES,
    P_TAKEN,
    P_COMPRESSED,
    P_ELW,
    P_FAR_LOADS,
    P_FAR_STORES,
    P_FAR_LOAD_CYCLES,
    P_FAR_STORE_CYCLES,
    P_CONFLICTS,
    P_EVENTS
};

struct core {
    const insn *ip;
    uint64_t ready; /* cycle of the next instruction; NEVER asleep */
    counters *stat; /* of the current context */
    machine *m;
    uint32_t pending; /* register that the previous instruction has loaded, as a bit */
    uint32_t line;    /* address of the cache line that the core fetches from */
    uint8_t watch;    /* which flags of an instruction matter to this core */
    uint8_t index;
    bool is_fc;
    bool half;      /* the first word of a misaligned access is done */
    bool triggered; /* a barrier has been told; the core waits for it */
    bool check_irq;
    uint8_t asleep, sleep_category;
    uint32_t near_base, near_bytes; /* L1 as PEs reach it; the controller has none */
    uint32_t regs[33];              /* [0] stays 0, [32] takes what is written to x0 */
    const insn *begun;              /* what had to be done before this instruction is done */
    loop loops[2];
    uint64_t slept;                   /* since */
    uint64_t charge_from, charge_end; /* the last cycles that were accounted, and */
    uint8_t charged;                  /* their category */
    bool fp_hazard;
    uint32_t fp_pending; /* FP register loaded by the instruction before fp_ready */
    uint64_t fp_ready;
    uint32_t fregs[32], fcsr;
    uint32_t hart, mstatus, mtvec, mepc, mcause, mscratch;
    uint32_t pcer, pcmr, pccr[P_EVENTS];
    uint64_t perf[P_EVENTS], perf_seen[P_EVENTS];
    uint64_t halfwords, retired_before, slept_total, cycle_offset;
    uint32_t events, mask, irq_mask; /* event unit */
    uint32_t waits_for;              /* the mutex */
    const insn *interrupted;
    insn trap, nowhere;
    uint32_t jumped_from;
    frame frames[MAX_FRAMES];
    uint32_t depth;
};

/* Something that happens at a later cycle. */
typedef struct {
    uint64_t when;
    void (*what)(machine *m, uint32_t a, uint32_t b);
    uint32_t a, b;
} timed;

typedef struct event_unit event_unit;
typedef struct dma dma;
typedef struct soc soc;
typedef struct hyper hyper;
typedef struct icache icache;

struct machine {
    uint64_t now, due, limit;
    uint32_t taken; /* banks that are busy this cycle, as bits */
    uint32_t bank_mask;
    uint32_t line_mask; /* address -> address of its cache line */
    uint32_t requesters, turn;
    bool changed;                 /* who is awake, or an interrupt may have come */
    bool resumes;                 /* the cycle `now` was interrupted by a stop */
    bool l1_code;                 /* instructions have been decoded from L1 */
    bool functions;               /* statistics by function table instead of contexts */
    uint8_t order[MAX_CORES + 2]; /* who may act in a cycle: cores, then DMA engines as DMA_ENGINE + direction */
    core cores[MAX_CORES];
    uint32_t pes, core_count; /* core_count = pes + 1; the controller is cores[pes] */
    ek_config config;
    uint8_t *l1, *l2, *l2_pages; /* l2_pages: has instructions that were decoded */
    insn *code, *code_l1;
    uint32_t context_count;
    counters *stats; /* [context][core] */
    uint64_t since;  /* statistics count from here */
    ek_stop stop;
    ek_watch stops[MAX_STOPS], leaves[MAX_STOPS];
    uint32_t stop_count, leave_count;
    timed timed[MAX_TIMED];
    uint32_t timed_count;
    event_unit *eu;
    dma *dma;
    soc *soc;
    hyper *hyper;
    icache *icache;
    uint64_t misaligned;
    ek_stop first_misaligned;
    bool engine_busy[2];
};
enum { DMA_ENGINE = MAX_CORES };

/* core.c */
void ek_stop_at(core *c, uint32_t reason, uint32_t address); /* of two reasons in one cycle, the first one counts */
void ek_sleep(core *c, uint8_t kind, uint8_t category);
void ek_wake(core *c, uint64_t when);
void ek_at(machine *m, uint64_t when, void (*what)(machine *, uint32_t, uint32_t), uint32_t a, uint32_t b);
void ek_forget(machine *m, void (*what)(machine *, uint32_t, uint32_t), uint32_t a);
void ek_start(core *c, uint32_t address);
const insn *ek_loop_end(core *c, const insn *d, const insn *next);

/* The instruction did not execute; the core loses `cycles`. */
static inline void ek_stall(core *c, uint8_t category, uint32_t cycles) {
    uint64_t now = c->m->now;

    c->stat->n[category] += cycles;
    c->charge_from = now;
    c->charge_end = c->ready = now + cycles;
    c->charged = category;
}

/* The instruction executes and takes `cycles` beyond the first one. */
static inline void ek_extra(core *c, uint8_t category, uint32_t cycles) {
    c->stat->n[category] += cycles;
    c->charge_from = c->ready;
    c->charge_end = c->ready += cycles;
    c->charged = category;
}

/* decode.c */
uint32_t ek_pc(const core *c); /* also before the instruction is decoded */
void ek_decode(core *c, insn *d);
const insn *ek_locate_far(core *c, uint32_t address, uint32_t from);
uint32_t ek_expand(uint16_t bits, bool floating_point);
bool ek_decode_base(machine *m, insn *d, uint32_t word);
bool ek_decode_xpulp(machine *m, insn *d, uint32_t word);
bool ek_decode_simd(machine *m, insn *d, uint32_t word);
bool ek_decode_fpu(machine *m, insn *d, uint32_t word);
bool ek_decode_csr(machine *m, insn *d, uint32_t word);
void ek_branch_target(machine *m, insn *d, int32_t offset);
void ek_overwritten(machine *m, uint32_t address, uint32_t bytes);

/* The instruction at an address that a register holds; `from` is reported where there is none. */
static inline const insn *ek_locate(core *c, uint32_t address, uint32_t from) {
    machine *m = c->m;
    uint32_t offset = address - m->config.l2_base;

    return LIKELY(offset < m->config.l2_bytes) ? &m->code[offset >> 1] : ek_locate_far(c, address, from);
}

/* memory.c; access.h has the fast path. Both return false if the core has to try again or has stopped. */
bool ek_load_far(core *c, const insn *d, uint32_t address, uint32_t bytes, uint32_t *value);
bool ek_store_far(core *c, uint32_t address, uint32_t bytes, uint32_t value);
uint8_t *ek_memory_at(machine *m, uint32_t address, uint32_t bytes);

/* icache.c */
icache *ek_icache_new(const ek_config *config);
void ek_icache_free(icache *cache);
void ek_icache_flush(icache *cache);
bool ek_fetch(core *c, uint32_t line); /* false: the core waits for the line */

/* contexts.c */
bool ek_arrive(core *c, const insn *d); /* false: the run stops before the instruction */
uint64_t ek_retired(const core *c);

/* csr.c */
void ek_perf_sync(core *c);
ek_run ek_take_interrupt;

/* devices.c */
typedef enum { ACCESS_DONE, ACCESS_BLOCKED, ACCESS_BAD, ACCESS_STOPPED } access_result;
typedef access_result ek_read(machine *m, core *c, uint32_t offset, uint32_t *value);
typedef access_result ek_write(machine *m, core *c, uint32_t offset, uint32_t value);
typedef enum { DEMUX, CLUSTER_BUS, SOC_BUS } bus;

/* Registers of `bytes` bytes at `base`; words only unless `narrow`; no reads without `read`. A DEMUX device belongs to
 * the PE that accesses it. */
typedef struct {
    uint32_t base, bytes;
    bus bus;
    bool narrow;
    ek_read *read;
    ek_write *write;
} device;
const device *ek_device_at(uint32_t address);

/* event_unit.c */
event_unit *ek_event_unit_new(void);
void ek_event(core *c, uint32_t events);
void ek_events(machine *m, uint32_t cores, uint32_t events);
ek_read ek_eu_read, ek_eu_debug_read;
ek_write ek_eu_write, ek_eu_debug_write, ek_eu_trigger;
void ek_check_irq(core *c); /* an interrupt may have become due */
bool ek_irq_due(const core *c, uint32_t *number);
void ek_irq_taken(core *c, uint32_t number);

/* interrupts.c: the controller's */
ek_read ek_itc_read;
ek_write ek_itc_write;
void ek_itc_raise(machine *m, uint32_t line);
void ek_itc_soc_event(machine *m, uint32_t number);
uint32_t ek_itc_pending(const machine *m);
void ek_itc_taken(machine *m, uint32_t line);

/* dma.c */
dma *ek_dma_new(void);
void ek_dma_step(machine *m, uint32_t direction);
ek_read ek_dma_read, ek_dma_global_read;
ek_write ek_dma_write, ek_dma_global_write;

/* soc.c */
soc *ek_soc_new(void);
void ek_soc_free(soc *s);
ek_read ek_soc_ctrl_read, ek_clocks_read, ek_fc_icache_read, ek_cluster_ctrl_read, ek_icache_ctrl_read;
ek_write ek_soc_ctrl_write, ek_clocks_write, ek_fc_icache_write, ek_cluster_ctrl_write, ek_icache_ctrl_write,
    ek_stdout_write;

/* hyper.c */
hyper *ek_hyper_new(void);
void ek_hyper_free(hyper *h);
ek_read ek_udma_read, ek_hyper_read;
ek_write ek_udma_write, ek_hyper_write;

/* timer.c */
ek_read ek_cluster_timer_read, ek_fc_timer0_read, ek_fc_timer1_read;
ek_write ek_cluster_timer_write, ek_fc_timer0_write, ek_fc_timer1_write;

/* What the host calls. */
EK_EXPORT machine *ek_pulp_new(const ek_config *config);
EK_EXPORT void ek_pulp_free(machine *m);
EK_EXPORT int ek_pulp_contexts(machine *m, const uint32_t *entries, uint32_t count);
EK_EXPORT int ek_pulp_functions(machine *m, const uint32_t *starts, const uint32_t *ends, uint32_t count);
EK_EXPORT int ek_pulp_l3(machine *m, const uint8_t *from, uint32_t given, uint32_t bytes, uint64_t base,
                         uint64_t per_byte);
EK_EXPORT void ek_pulp_boot(machine *m, uint32_t entry);
EK_EXPORT int ek_pulp_read(machine *m, uint32_t address, uint32_t bytes, uint8_t *to);
EK_EXPORT int ek_pulp_write(machine *m, uint32_t address, uint32_t bytes, const uint8_t *from);
EK_EXPORT int ek_pulp_run(machine *m, const ek_watch *stops, uint32_t stop_count, const ek_watch *leaves,
                          uint32_t leave_count, uint64_t limit, ek_stop *stop);
EK_EXPORT void ek_pulp_stats(const machine *m, uint64_t *to);
EK_EXPORT void ek_pulp_reset_stats(machine *m);
EK_EXPORT uint64_t ek_pulp_cycles(const machine *m);
EK_EXPORT uint64_t ek_pulp_now(const machine *m);
EK_EXPORT uint64_t ek_pulp_output(const machine *m, const uint8_t **bytes);
EK_EXPORT uint64_t ek_pulp_misaligned(const machine *m, ek_stop *first);
EK_EXPORT void ek_pulp_core(const machine *m, uint32_t core, uint32_t *state);

#endif

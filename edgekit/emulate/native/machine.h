/* The parts of the emulator that run once per basic block or per register access, called by unicorn through pointers.
 *
 * Nothing here links against unicorn: its functions arrive as pointers from the Python side.
 */
#ifndef EK_MACHINE_H
#define EK_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define EK_EXPORT __declspec(dllexport)
#else
#define EK_EXPORT __attribute__((visibility("default")))
#endif

typedef struct {
    int (*mem_read)(void *uc, uint64_t address, void *bytes, uint64_t size);
    int (*reg_read)(void *uc, int regid, void *value);
    int (*emu_stop)(void *uc);
} ek_unicorn;

/* Why a run ended; mirrored in native.py. */
enum {
    EK_RUNNING = 0,
    EK_IDLE,
    EK_BUDGET,
    EK_SELF_LOOP,
    EK_NESTING,
    EK_REACHED,
    EK_NO_MEMORY,
    EK_NO_PERIPHERAL,
    EK_NO_FPU,
    EK_POWER_CUT,
    EK_WRONG_KEY,
    EK_OWN_IMAGE,
    EK_STALE_CACHE
};

/* What a traced run counts beside instructions; mirrored in native.py. */
enum {
    EK_FLASH_FETCH = 0, /* reads of flash for instructions */
    EK_FLASH_AHEAD,     /* of these, for what follows in memory: the fetch unit asks before it is needed */
    EK_RAM_FETCH,       /* words, or cache lines, read from RAM for instructions */
    EK_FLASH_DATA,      /* reads of flash for data */
    EK_RAM_DATA,        /* cache lines read from RAM for data */
    EK_WRITE_BACK,      /* cache lines written to RAM */
    EK_UNALIGNED,       /* further bus accesses of data that is not aligned */
    EK_EXECUTE,         /* cycles that depend on values: conditional instructions that ran, bits of divisions */
    EK_LOAD_USE,        /* waits for data of conditional loads that ran */
    EK_DROPPED,         /* unpriced */
    EK_EVENTS
};

#define EK_NONE UINT32_MAX

/* One basic block in one context (0: none, 1..: index of a context function + 1). */
typedef struct {
    uint64_t executions;
    uint64_t taken;        /* left to an address that does not follow the block */
    uint64_t taken_wide;   /* of these: to a 32-bit instruction that is not 4-byte aligned */
    uint64_t mispredicted; /* left otherwise than a two-bit counter expected */
    uint64_t events[EK_EVENTS];
    uint32_t address;
    uint32_t size; /* bytes */
    uint32_t context;
    uint32_t instructions;
    uint32_t wide_target; /* the block starts with a 32-bit instruction that is not 4-byte aligned */
    uint32_t enters;      /* context of the function that starts at this address, 0 for none */
    uint32_t expectation; /* two-bit counter: 0, 1 falls through, 2, 3 is taken */
    uint32_t padding;
} ek_block;

enum { EK_PLAIN = 0, EK_LOAD, EK_STORE, EK_DIVIDE_SIGNED, EK_DIVIDE_UNSIGNED, EK_OTHER };

/* What the memory model has to know of one instruction; mirrored in native.py. */
typedef struct {
    int32_t base, index; /* unicorn's register numbers, -1 for none; of a division: dividend, divisor */
    int32_t offset;      /* address = offset + base + (index << shift) */
    uint8_t kind;
    uint8_t shift;
    uint8_t bytes;    /* of one transfer, 0: no memory access */
    uint8_t count;    /* transfers */
    uint8_t execute;  /* cycles to add whenever it runs */
    uint8_t load_use; /* the same */
    uint8_t overlaps; /* the next access hides a cycle of it, if it goes to the same memory */
    uint8_t padding;
} ek_instruction;

typedef struct ek_trace ek_trace;
typedef struct ek_bus ek_bus;
typedef struct ek_memory ek_memory;
typedef struct ek_flash ek_flash;

/* Where flash and its controller lie; a bank is what can be read while another one is erased or programmed. Mirrored
 * in native.py. */
typedef struct {
    uint32_t base, bytes, page_bytes, bank_bytes, registers;
    uint32_t protected_offset, protected_bytes; /* refused to writes */
} ek_flash_part;

/* Operations carried out; stalls: those of which the core had to wait for the end, because it, or what it asked for,
 * was in the same bank. Mirrored in native.py. */
typedef struct {
    uint64_t erases, programs, stalls;
} ek_flash_work;

/* Called when a context function has returned to its caller; and now and then with context 0 and the number of
 * instructions so far. */
typedef void (*ek_leave)(uint32_t context, uint64_t runs);

/* Fills in an instruction that runs for the first time, in the block (start, bytes). */
typedef void (*ek_describe)(uint32_t block, uint32_t bytes, uint32_t address, ek_instruction *instruction);

EK_EXPORT ek_trace *ek_trace_new(const ek_unicorn *unicorn, const uint32_t *functions, uint32_t count, uint64_t budget,
                                 uint64_t start_address, uint64_t stop_address, ek_leave leave);
EK_EXPORT void ek_trace_free(ek_trace *trace);
EK_EXPORT void ek_trace_on_block(void *uc, uint64_t address, uint32_t size, void *trace);
EK_EXPORT uint64_t ek_trace_blocks(const ek_trace *trace, const ek_block **blocks);
EK_EXPORT uint32_t ek_trace_reason(const ek_trace *trace);
EK_EXPORT uint32_t ek_trace_context(const ek_trace *trace);
EK_EXPORT uint32_t ek_trace_address(const ek_trace *trace);
EK_EXPORT uint64_t ek_trace_runs(const ek_trace *trace);
EK_EXPORT uint64_t ek_trace_executed(const ek_trace *trace);

/* For the bus: ends the run; measurement starts anew; the instruction budget starts anew; the FPU's state. */
void ek_trace_stop(ek_trace *trace, void *uc, uint32_t reason, uint32_t address);
void ek_trace_pause(ek_trace *trace, void *uc); /* the core stops; the run goes on when it is started again */
uint32_t ek_trace_at(const ek_trace *trace);    /* address of the block that runs */
void ek_trace_restart(ek_trace *trace);
void ek_trace_progress(ek_trace *trace);
void ek_trace_set_fpu(ek_trace *trace, int enabled);
void ek_trace_set_memory(ek_trace *trace, ek_memory *memory);
ek_block *ek_trace_measured(ek_trace *trace); /* the block that runs, NULL before the measurement */

EK_EXPORT ek_memory *ek_memory_new(ek_trace *trace, const ek_unicorn *unicorn, uint32_t bus_bytes,
                                   uint32_t divide_cycles, ek_describe describe);
EK_EXPORT void ek_memory_free(ek_memory *memory);
EK_EXPORT uint32_t ek_memory_cache(ek_memory *memory, uint32_t sets, uint32_t ways, uint32_t line_bytes,
                                   uint32_t fill_bytes, uint32_t write_back);
EK_EXPORT int ek_memory_region(ek_memory *memory, uint32_t start, uint32_t bytes, uint32_t fetch_cache,
                               uint32_t fetch_event, uint32_t data_cache, uint32_t data_event);
EK_EXPORT void ek_memory_on_instruction(void *uc, uint64_t address, uint32_t size, void *memory);
void ek_memory_fetch(ek_memory *memory, ek_block *block, int falls_in);

/* The measurement starts with the first byte taken, and anew with byte `measure_from`. */
EK_EXPORT ek_bus *ek_bus_new(ek_trace *trace, const uint8_t *received, uint64_t received_bytes, uint64_t measure_from);
EK_EXPORT void ek_bus_free(ek_bus *bus);
EK_EXPORT int ek_bus_add(ek_bus *bus, uint32_t base, uint32_t bytes);
EK_EXPORT void ek_bus_reset(ek_bus *bus, uint32_t address, uint32_t value);
EK_EXPORT int ek_bus_follow(ek_bus *bus, uint32_t address, uint32_t of, uint32_t to, uint32_t bit, uint32_t width);
EK_EXPORT void ek_bus_uart(ek_bus *bus, uint32_t status, uint32_t receive, uint32_t transmit, uint32_t receive_ready,
                           uint32_t transmit_ready);
EK_EXPORT void ek_bus_flash(ek_bus *bus, ek_flash *flash);
EK_EXPORT void *ek_bus_page(ek_bus *bus, uint32_t base);
EK_EXPORT uint64_t ek_bus_read(void *uc, uint64_t offset, unsigned size, void *page);
EK_EXPORT void ek_bus_write(void *uc, uint64_t offset, unsigned size, uint64_t value, void *page);
EK_EXPORT uint64_t ek_bus_sent(const ek_bus *bus, const uint8_t **bytes);
EK_EXPORT uint64_t ek_bus_taken(const ek_bus *bus);

/* `cells` (a byte each) and `marks` (one for 8 bytes, 0 where erased) outlive the run. From the address `window` on,
 * flash is accessed through ek_flash_read and ek_flash_write. */
EK_EXPORT ek_flash *ek_flash_new(ek_trace *trace, const ek_flash_part *part, uint8_t *cells, uint8_t *marks,
                                 uint32_t window);
EK_EXPORT void ek_flash_free(ek_flash *flash);
/* Power goes with the operation behind the first `after` ones: before it, or, `torn`, in the middle of it. */
EK_EXPORT void ek_flash_cut(ek_flash *flash, uint64_t after, int torn, uint64_t noise);
EK_EXPORT void ek_flash_done(const ek_flash *flash, ek_flash_work *work);
EK_EXPORT int ek_flash_take_nmi(ek_flash *flash);
EK_EXPORT uint64_t ek_flash_read(void *uc, uint64_t offset, unsigned size, void *flash);
EK_EXPORT void ek_flash_write(void *uc, uint64_t offset, unsigned size, uint64_t value, void *flash);

/* For the bus: the controller's registers; of the access control register, which it keeps itself, only writes. */
int ek_flash_owns(const ek_flash *flash, uint32_t address);
uint32_t ek_flash_register(ek_flash *flash, uint32_t address);
void ek_flash_set_access(ek_flash *flash, uint32_t address, uint32_t value);
void ek_flash_set_register(ek_flash *flash, void *uc, uint32_t address, uint32_t value);

#endif

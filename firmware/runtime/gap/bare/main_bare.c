/*
 * A network without an operating system: the self-test, then `ek_requests` inferences for a debugger.
 *
 * Standard output says "EK selftest ok" or "EK selftest FAILED"; the exit code is 0 or 1. A debugger may change
 * `ek_requests` and `ek_cores` before the program starts. It stops at `ek_exchange`, which is called before every
 * inference and after the last one: there it reads `ek_output_buffer` and writes `ek_input_buffer`. Where the model has
 * a front end it may set `ek_from_samples` and write `ek_sample_buffer` instead; `ek_features_done` is called when its
 * features are in `ek_input_buffer`.
 * Where the model has several entries, `ek_entry` is the number of the one to call, with its sizes, and `ek_answer` its
 * status.
 */
#include <stdint.h>

#include "ek_config.h"
#include "ek_model.h"
#include "startup.h"

__attribute__((section(".data"))) volatile uint32_t ek_requests = 0; /* not in what start-up clears */

#ifdef EK_ENTRIES
__attribute__((section(".data"))) volatile uint32_t ek_entry = 0;
volatile uint32_t ek_answer;
#else
#define EK_LARGEST_INPUT_BYTES EK_INPUT_BYTES
#define EK_LARGEST_OUTPUT_BYTES EK_OUTPUT_BYTES
#endif

#if EK_INPUT_IN_ARENA
extern int8_t ek_input_buffer[EK_INPUT_BYTES]; /* where the network reads it; the next run may find other bytes there */
#else
__attribute__((aligned(8))) int8_t ek_input_buffer[EK_LARGEST_INPUT_BYTES];
#endif
__attribute__((aligned(8))) int8_t ek_output_buffer[EK_LARGEST_OUTPUT_BYTES];

#ifdef EK_SAMPLE_BYTES
__attribute__((aligned(8))) int8_t ek_sample_buffer[EK_SAMPLE_BYTES];
__attribute__((section(".data"))) volatile uint32_t ek_from_samples = 0;

void ek_features_done(void);

__attribute__((noinline)) void ek_features_done(void) { __asm__ volatile("" ::: "memory"); }
#endif

void ek_exchange(uint32_t done);

/* `done`: inferences that are finished. */
__attribute__((noinline)) void ek_exchange(uint32_t done) { __asm__ volatile("" ::"r"(done) : "memory"); }

int ek_main(void) {
    const int failed = ek_model_selftest() != 0;
    const uint32_t requests = ek_requests;

    ek_print(failed ? "EK selftest FAILED\n" : "EK selftest ok\n");
    for (uint32_t done = 0; done < requests; done++) {
        ek_exchange(done);
#ifdef EK_SAMPLE_BYTES
        if (ek_from_samples) {
            ek_model_features(ek_sample_buffer, ek_input_buffer);
            ek_features_done();
        }
#endif
#ifdef EK_ENTRIES
        ek_answer = ek_model_call(ek_entry, ek_input_buffer, ek_output_buffer);
#else
        ek_model_run(ek_input_buffer, ek_output_buffer);
#endif
    }
    if (requests > 0) {
        ek_exchange(requests);
    }
    return failed;
}

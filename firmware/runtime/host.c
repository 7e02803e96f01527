/* The model as a command: reads EK_INPUT_BYTES at a time from standard input, writes EK_OUTPUT_BYTES for each.
 * Exit status: 0 when the input ended behind a whole number of samples and the self-test passed, 1 otherwise. */
#include <stdio.h>

#include "ek_model.h"

static int8_t input[EK_INPUT_BYTES];
static int8_t output[EK_OUTPUT_BYTES];

int main(void) {
    size_t got;

    if (ek_model_selftest() != 0) {
        fputs("self-test failed\n", stderr);
        return 1;
    }
    while ((got = fread(input, 1, EK_INPUT_BYTES, stdin)) == EK_INPUT_BYTES) {
        ek_model_run(input, output);
        fwrite(output, 1, EK_OUTPUT_BYTES, stdout);
    }
    if (got != 0) {
        fputs("the last sample is incomplete\n", stderr);
        return 1;
    }
    return 0;
}
